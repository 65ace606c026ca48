"""kill -9 at any point loses no verdict and doubles none."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from compline_shared.wire import canonical
from tests.homes import HubKeys, chain_of, enrolled, opened

ROOT = Path(__file__).parents[2]
ROUNDS = 20


def kept_before_death(home: Path, mode: str, *seconds: float) -> list[int]:
    """Let writers die one after another, one for each of ``seconds``; return the seqs that they said they kept."""
    rounds = [str(each) for each in seconds]
    command = [sys.executable, "-m", "tests.crash_writer", str(home), mode, *rounds]
    died = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=100, check=True)
    return [int(line) for line in died.stdout.split()]


def assert_nothing_lost_or_doubled(home: Path, kept: list[int]) -> None:
    with opened(home) as here:
        verdicts = here.vault.verdicts(limit=10**6)
        entries = list(here.outbox.due(after=0, limit=10**6))
        assert [verdict.seq for verdict in verdicts] == list(range(1, len(verdicts) + 1))
        assert set(kept) <= {verdict.seq for verdict in verdicts}
        assert HubKeys().open(here.grant, entries) == verdicts
        chain, head = chain_of(here), chain_of(here).genesis
        for verdict, entry in zip(verdicts, entries, strict=True):
            head = chain.link(head, canonical(verdict))
            assert entry.head == head
        assert here.vault.owed(1) == []
        assert all(b"".join(here.vault.evidence(verdict.seq)) for verdict in verdicts)
        evidence = next(path for path in home.rglob("evidence"))
        assert len(list(evidence.iterdir())) == len(verdicts)


def test_outbox_when_writer_is_killed_at_random_points_then_nothing_lost_or_doubled(tmp_path: Path) -> None:
    home, chance = enrolled(tmp_path), random.Random(20261123)
    kept = kept_before_death(home, "steady", *(chance.uniform(0.0, 0.08) for _ in range(ROUNDS)))
    assert_nothing_lost_or_doubled(home, kept)
    assert len(kept) >= ROUNDS


@pytest.mark.parametrize("mode", ["after-evidence", "after-vault", "after-outbox"])
def test_outbox_when_writer_dies_between_two_steps_then_nothing_lost_or_doubled(
    tmp_path: Path, mode: str
) -> None:
    home = enrolled(tmp_path)
    kept = kept_before_death(home, mode, 60.0, 60.0)
    assert_nothing_lost_or_doubled(home, kept)


def test_outbox_when_control_forgets_what_is_owed_then_the_check_fails(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    kept = kept_before_death(home, "careless", 60.0)
    with pytest.raises(AssertionError):
        assert_nothing_lost_or_doubled(home, kept)
