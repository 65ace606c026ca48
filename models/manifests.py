"""Writes the manifest of a folder of operating points, so that a file which is swapped or damaged is refused.

Run from the repository after a change: python -m models.manifests
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

KINDS = {"spotter": "thresholds.json", "doubt": "points.json"}
"""Folder and file; the folder's name is the manifest's kind."""


def write_manifest(folder: Path) -> None:
    """Write `manifest.json` of a folder of `KINDS`."""
    name = KINDS[folder.name]
    content = (folder / name).read_bytes()
    found = {
        "name": folder.name,
        "kind": folder.name,
        "version": 1,
        "language": "zh-CN",
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}},
    }
    (folder / "manifest.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for kind in KINDS:
        write_manifest(Path(__file__).with_name(kind))
