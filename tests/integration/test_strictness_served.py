"""A branch admin changes how strict the branch is, and a running phone judges so, with no restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compline_edge.agent import Agent
from compline_edge.settings import EdgeSettings, load_settings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.identity import create_identity, join
from compline_edge.wiring import instruments
from compline_hub.app import init_hub, open_hub
from compline_hub.cli import app
from compline_hub.core.audit import Act
from compline_hub.core.record import Query
from compline_hub.settings import HubSettings
from compline_shared.enrolment import met_at
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Category, Role, Severity, Technique
from tests.running_agent import running_agent
from tests.running_hub import hub_settings, running_hub

WITHIN = 60.0
CANDIDATES = (
    "后果你自己承担",
    "你再拖下去，对你家里人可不是什么好事",
    "你别逼我们用别的办法",
    "弄你，一句话的事",
    "老兄弟我劝你一句，晚上遛弯儿别走河沿儿那条道了",
)
"""Threats that the shipped model holds for likely, and not for sure."""
CONTROL = "你妈知道你欠钱吗"
"""Of a category that nobody changes."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A handset's home, the folder of its chats, and its hub's settings."""

    home: Path
    chats: Path
    settings: HubSettings
    sentence: str
    numbers: count[int] = field(default_factory=count)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Agent]:
        settings = EdgeSettings(home=str(self.home), chats=(str(self.chats),), live=False, settle_seconds=0.2)
        async with running_agent(settings) as agent:
            yield agent

    async def ordered(self, *arguments: str) -> None:
        """Type a policy command beside the running hub, and wait until every order to the phone is done."""
        environment = {
            "COMPLINE_HUB_DATA_DIR": self.settings.data_dir,
            "COMPLINE_HUB_PORT": str(self.settings.port),
        }
        done = await asyncio.to_thread(CliRunner(env=environment).invoke, app, ["policy", *arguments])
        assert done.exit_code == 0, done.output
        await eventually(self._settled)

    async def judged(self) -> dict[Category, Severity]:
        """Write the sentence and the control as one conversation; returns what the hub is told of it."""
        number = next(self.numbers)
        (self.chats / f"{number}.txt").write_text(f"{self.sentence}\n{CONTROL}\n", "utf-8")
        await eventually(lambda: len(self.verdicts()) == number + 1)
        return {finding.category: finding.severity for finding in self.verdicts()[number].findings}

    def verdicts(self) -> list[Verdict]:
        with open_hub(self.settings) as hub:
            return [kept.verdict for kept in hub.reading.verdicts(Query(after=0))]

    def audited(self) -> list[tuple[Act, str]]:
        with open_hub(self.settings) as hub, hub.store.transaction() as ledger:
            return [(kept.entry.act, kept.entry.detail) for kept in ledger.audit.entries()]

    def _settled(self) -> bool:
        with open_hub(self.settings) as hub:
            return not any(order.pending for order in hub.reading.orders(None, limit=20))


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.1)


def borderline() -> str:
    """The first candidate that the shipped model puts into the review queue and nowhere else."""
    texts = instruments(load_settings(None)).listener.texts
    for sentence in CANDIDATES:
        found = texts.find(sentence, Role.COLLECTOR)
        if [(each.technique, each.severity) for each in found] == [(Technique.CLASSIFIER, Severity.NOTICE)]:
            return sentence
    raise AssertionError("no candidate is for the review queue any more: find one that is")


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    settings, home, chats = hub_settings(tmp_path), tmp_path / "handset", tmp_path / "chats"
    chats.mkdir()
    init_hub(settings)
    with open_hub(settings) as hub:
        request = create_identity(home)
        grant = hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei")
        certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
    CertificateStore(home).keep(certificate, hub_time=int(time.time()))
    join(home, met_at(grant, "127.0.0.1"))
    return Phone(home, chats, settings, borderline())


@pytest.mark.timeout(300)
async def test_points_when_they_change_then_a_borderline_sentence_goes_from_review_to_nothing_to_an_alarm(
    phone: Phone,
) -> None:
    with running_hub(phone.settings):
        async with phone.working():
            as_calibrated = await phone.judged()
            await phone.ordered("strict", "threat", "--review", "90", "--whisper", "95", "--alarm", "95")
            lenient = await phone.judged()
            await phone.ordered("strict", "threat", "--review", "30", "--whisper", "40", "--alarm", "50")
            strict = await phone.judged()
        async with phone.working():
            after_a_restart = await phone.judged()
            await phone.ordered("reset", "threat")
            as_before = await phone.judged()
    told = [as_calibrated, lenient, strict, after_a_restart, as_before]

    assert [each.get(Category.THREAT) for each in told] == [
        *(Severity.NOTICE, None, Severity.SERIOUS),
        *(Severity.SERIOUS, Severity.NOTICE),
    ]
    assert len({each[Category.THIRD_PARTY] for each in told}) == 1
    assert [verdict.policy for verdict in phone.verdicts()] == [0, 1, 2, 2, 3]
    chain = [entry for entry in phone.audited() if entry[0] in (Act.STRICTNESS_SET, Act.ORDERED, Act.DONE)]
    assert chain[:3] == [
        (Act.STRICTNESS_SET, "threat 90/95/95"),
        (Act.ORDERED, "policy 1"),
        (Act.DONE, "policy 1"),
    ]


@pytest.mark.timeout(300)
async def test_category_when_silenced_then_the_phone_tells_nothing_of_it_until_it_is_reset(
    phone: Phone,
) -> None:
    with running_hub(phone.settings):
        async with phone.working() as agent:
            heard = await phone.judged()
            await phone.ordered("silence", "third_party", "--yes")
            silent = await phone.judged()
            binding = agent.home.binding.life.terms.strictness
            await phone.ordered("reset", "--all")
            again = await phone.judged()

    assert [Category.THIRD_PARTY in each for each in (heard, silent, again)] == [True, False, True]
    assert all(Category.THREAT in each for each in (heard, silent, again))
    assert [str(each) for each in binding] == ["third_party silenced"]
    acts = [entry for entry in phone.audited() if entry[0] in (Act.SILENCED, Act.STRICTNESS_RESET)]
    assert acts == [(Act.SILENCED, "third_party"), (Act.STRICTNESS_RESET, "third_party")]
