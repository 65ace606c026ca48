"""kill -9 between the commit and the receipt: the handset sends again, and nothing is kept twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from compline_hub.core.record import Query
from compline_hub.service.intake import Taken
from compline_shared.topics import up
from tests.branch_store import branch
from tests.postgres_server import Database
from tests.wire_handset import drafts

KILLED_BEFORE_THE_RECEIPT = """
import os, signal, sys
from pathlib import Path
from compline_hub.app import open_hub
from compline_hub.service.intake import Intake
from compline_hub.settings import HubSettings

class Cliff:
    def send(self, handset, message):
        os.kill(os.getpid(), signal.SIGKILL)

folder, database, topic, frame = *sys.argv[1:4], Path(sys.argv[4]).read_bytes()
with open_hub(HubSettings(data_dir=folder, database=database)) as hub:
    Intake(hub.store, hub.ring, Cliff(), news=lambda: None).take([(topic, frame)])
"""

KILLED_BEFORE_THE_COMMIT = KILLED_BEFORE_THE_RECEIPT.replace(
    "folder, database, topic",
    """from compline_hub.store.arrivals import SqlArrivals
write = SqlArrivals.write
SqlArrivals.write = lambda self: (write(self), os.kill(os.getpid(), signal.SIGKILL))
folder, database, topic""",
)


def test_intake_when_killed_between_commit_and_receipt_then_a_resend_gives_no_duplicate(
    tmp_path: Path,
    database: Database,
) -> None:
    with branch(tmp_path, database=database.url) as office:
        handset = office.handset()
        handset.judge(*drafts(7))
        frame = handset.frame()
    (tmp_path / "frame").write_bytes(frame)

    _run_killed(KILLED_BEFORE_THE_RECEIPT, tmp_path, database, up(handset.id))

    with branch(tmp_path, database=database.url) as office:
        assert len(office.hub.reading.verdicts(Query(after=0))) == 7  # it was committed
        (outcome,) = office.intake.take([(up(handset.id), frame)])
        assert isinstance(outcome, Taken)
        assert outcome.answer.links == ()
        assert len(office.hub.reading.verdicts(Query(after=0))) == 7
        assert handset.receipt(office.post.sent[0][1]).up_to == 7


def test_kill_control_when_it_comes_before_the_commit_then_nothing_is_kept_and_a_resend_brings_all(
    tmp_path: Path,
    database: Database,
) -> None:
    with branch(tmp_path, database=database.url) as office:
        handset = office.handset()
        handset.judge(*drafts(7))
        frame = handset.frame()
    (tmp_path / "frame").write_bytes(frame)

    _run_killed(KILLED_BEFORE_THE_COMMIT, tmp_path, database, up(handset.id))

    with branch(tmp_path, database=database.url) as office:
        assert office.hub.reading.verdicts(Query(after=0)) == []
        (outcome,) = office.intake.take([(up(handset.id), frame)])
        assert isinstance(outcome, Taken)
        assert len(outcome.answer.links) == 7


def _run_killed(script: str, folder: Path, database: Database, topic: str) -> None:
    arguments = [str(folder / "hub"), database.url, topic, str(folder / "frame")]
    command = [sys.executable, "-c", script, *arguments]
    killed = subprocess.run(command, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL
