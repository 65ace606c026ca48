"""`make coverage` fails for a part of the product that falls below its floor, and names it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "packaging" / "coverage_floor.py"
FILES = (
    "shared/compline_shared/wire.py",
    "edge/compline_edge/core/spotter.py",
    "hub/compline_hub/core/intake.py",
    "edge/compline_edge/agent.py",
    "hub/compline_hub/app.py",
)


def checked(folder: Path, **reached: int) -> subprocess.CompletedProcess[str]:
    """Check a report in which each file has 80 lines and 20 branches, `reached` percent of them by name, else all."""
    files = {
        path: {
            "summary": {
                "covered_lines": min(80, reached.get(Path(path).stem, 100)),
                "covered_branches": max(0, reached.get(Path(path).stem, 100) - 80),
                "num_statements": 80,
                "num_branches": 20,
            }
        }
        for path in FILES
    }
    report = folder / "coverage.json"
    report.write_text(json.dumps({"files": files}), encoding="utf-8")
    return subprocess.run([sys.executable, SCRIPT, report], capture_output=True, text=True, check=False)


def test_coverage_when_every_part_is_reached_then_it_passes(tmp_path: Path) -> None:
    done = checked(tmp_path)
    assert (done.returncode, done.stdout.count("100.0 %")) == (0, len(FILES))


def test_coverage_when_a_core_is_barely_reached_then_it_fails_and_names_it(tmp_path: Path) -> None:
    done = checked(tmp_path, spotter=40)
    (below,) = [line for line in done.stdout.splitlines() if "below" in line]
    assert (done.returncode, below.split()[:2]) == (1, ["edge/compline_edge/core/", "40.0"])


def test_coverage_when_branches_are_not_reached_then_lines_alone_do_not_pass(tmp_path: Path) -> None:
    assert checked(tmp_path, wire=80).returncode == 1
