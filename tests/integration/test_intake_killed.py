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

folder, topic, frame = sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()
with open_hub(HubSettings(data_dir=folder)) as hub:
    Intake(hub.store, hub.keys, Cliff(), news=lambda: None).take([(topic, frame)])
"""


def test_intake_when_killed_between_commit_and_receipt_then_a_resend_gives_no_duplicate(
    tmp_path: Path,
) -> None:
    with branch(tmp_path) as office:
        handset = office.handset()
        handset.judge(*drafts(7))
        frame = handset.frame()
    (tmp_path / "frame").write_bytes(frame)
    command = [sys.executable, "-c", KILLED_BEFORE_THE_RECEIPT, str(tmp_path / "hub"), up(handset.id)]

    killed = subprocess.run([*command, str(tmp_path / "frame")], env=dict(os.environ), check=False)

    assert killed.returncode == -signal.SIGKILL
    with branch(tmp_path) as office:
        assert len(office.hub.reading.verdicts(Query(after=0))) == 7  # it was committed
        (outcome,) = office.intake.take([(up(handset.id), frame)])
        assert isinstance(outcome, Taken)
        assert outcome.answer.links == ()
        assert len(office.hub.reading.verdicts(Query(after=0))) == 7
        assert handset.receipt(office.post.sent[0][1]).up_to == 7
