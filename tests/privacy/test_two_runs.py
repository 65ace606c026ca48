"""The same day twice with other names, numbers and words: whatever leaves the handset must be the same."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import msgspec
import pytest
import structlog

from compline_edge.core.identity import identity_of
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.judging import Judge
from compline_edge.link.tls import handset_context
from compline_edge.reading import TextReader
from compline_edge.senses.packs import load_packs
from compline_edge.senses.watch import Arrival
from compline_edge.vault.certificate_store import CertificateStore
from compline_shared.enrolment import read_kept_grant
from compline_shared.lexicon import LexiconError, Pack, parse_pack
from compline_shared.template import Choice, Template
from compline_shared.topics import up
from tests.privacy.day import RUOXI, ZIXUAN, Persona
from tests.privacy.run_twice import Run, Running, enrol_once, play
from tests.privacy.voices import Line, common_lengths, respoken
from tests.running_hub import Client

DEBTOR_ONE = {
    1: Line("threats", 1),
    3: Line("private-account", 1),
    5: Line("threats", 3),
    7: Line("threats", 7),
}
DEBTOR_OTHER = {
    1: Line("private-account", 1),
    3: Line("message-for-friend", 3),
    5: Line("private-account", 3),
    7: Line("early-reminder", 3),
}
COLLECTOR_ONE = {2: Line("first-reminder", 4), 4: Line("message-for-friend", 4)}
COLLECTOR_OTHER = {2: Line("late-call", 2), 4: Line("early-reminder", 2)}
LEXICONS = Path(__file__).parents[2] / "models" / "lexicons" / "zh-CN"
ORACLE = """@pack oracle
@version 1
@language zh-CN
@category privacy
7001 | notice | {} | not: - | 提到某人 | names one person
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One person's day: who it is and what was spoken in it."""

    persona: Persona
    calls: dict[str, Path]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    enrol_once(folder)
    return folder


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Day, Day]:
    folder = tmp_path_factory.mktemp("calls")
    insults = common_lengths("insults", DEBTOR_ONE, DEBTOR_OTHER)
    calm = common_lengths("swearing-debtor", COLLECTOR_ONE, COLLECTOR_OTHER)

    def spoken(who: str, debtor: dict[int, Line], collector: dict[int, Line]) -> dict[str, Path]:
        return {
            "101500": respoken(folder / f"{who}-1.wav", "insults", lines=debtor, lengths=insults),
            "113000": respoken(folder / f"{who}-2.wav", "swearing-debtor", lines=collector, lengths=calm),
        }

    return (
        Day(RUOXI, spoken("one", DEBTOR_ONE, COLLECTOR_ONE)),
        Day(ZIXUAN, spoken("other", DEBTOR_OTHER, COLLECTOR_OTHER)),
    )


@pytest.fixture(scope="module")
def runs(start: Path, days: tuple[Day, Day], tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("runs")
    one, other = (
        play(start, folder / str(place), day.persona, calls=day.calls, judge=lambda judge: judge)
        for place, day in enumerate(days)
    )
    return one, other


@pytest.mark.parametrize("left", [field.name for field in fields(Run)])
def test_two_runs_when_only_names_numbers_and_words_differ_then_the_same_leaves(
    runs: tuple[Run, Run], left: str
) -> None:
    one, other = runs
    assert getattr(one, left) == getattr(other, left)


def test_two_runs_when_played_then_there_is_something_to_compare(runs: tuple[Run, Run]) -> None:
    one, _ = runs
    assert any(verdict.findings for verdict in one.verdicts)
    assert all(getattr(one, field.name) for field in fields(Run))


class LeakingJudge(Judge):
    """Broken on purpose: writes the recording's file name into its log."""

    def recording(self, arrival: Arrival) -> None:
        structlog.get_logger("compline_edge").info("recording_judged", file=arrival.path.name)
        Judge.recording(self, arrival)


class WhisperingClock:
    """Broken on purpose: a clock whose seconds depend on the person's name."""

    def __init__(self, persona: Persona) -> None:
        self._offset = sum(map(ord, persona.name)) % 97

    def now(self) -> float:
        return 1_795_147_200 + self._offset

    def monotonic(self) -> float:
        return 1_000.0


def broken(judge: Judge, persona: Persona) -> Judge:
    """Return the judge with both leaks built in."""
    return LeakingJudge(
        home=judge.home,
        listener=judge.listener,
        versions=judge.versions,
        clock=WhisperingClock(persona),
        zone=judge.zone,
        longest=judge.longest,
    )


def widened(judge: Judge, persona: Persona) -> Judge:
    """Return a judge whose verdicts hold a number that is as long as the name's first character is far up."""
    number = ord(persona.name[0]) - ord(ZIXUAN.name[0])
    return replace(judge, versions=msgspec.structs.replace(judge.versions, model=number))


@dataclass(frozen=True, slots=True)
class Leaky:
    """Broken on purpose: programs that do something with the person's name while they run."""

    persona: Persona

    def leak(self, running: Running) -> None:
        """Leak in every way that no verdict takes part in."""
        structlog.get_logger("compline_hub").info("verdict_shown", contact=self.persona.name)
        self._name_a_temporary_file()
        (running.folder / "handset" / "chat.bak").write_text("你好" * self._length)
        self._keep_at_the_broker(running)
        with closing(sqlite3.connect(running.folder / "hub" / "hub.db")) as connection:
            connection.execute("UPDATE handset SET name = ?", (self.persona.name,))
            connection.commit()

    @property
    def _length(self) -> int:
        return ord(self.persona.name[0]) % 97

    def _name_a_temporary_file(self) -> None:
        with tempfile.NamedTemporaryFile(suffix=f"-{self.persona.name}.wav"):
            """It is gone again at once."""

    def _keep_at_the_broker(self, running: Running) -> None:
        home = running.folder / "handset"
        (path,) = home.rglob("grant.json")
        grant, certificate = read_kept_grant(path.read_bytes()), CertificateStore(home).certificate()
        assert certificate is not None
        key = identity_of((home / "identity.key").read_bytes()).tls
        client = Client(
            grant.handset, handset_context(grant.hub_keys.authorities, certificate, key), client_id="careless"
        )
        client.connect_until_in(running.broker)
        client.client.publish(up(grant.place.handset), b"x" * self._length, qos=1, retain=True)
        client.acknowledged.get(timeout=30)
        client.close()


@pytest.fixture(scope="module")
def leaking_runs(start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("leaking")
    one, other = (
        play(
            start,
            folder / persona.card,
            persona,
            calls={},
            judge=partial(broken, persona=persona),
            meanwhile=Leaky(persona).leak,
        )
        for persona in (RUOXI, ZIXUAN)
    )
    return one, other


@pytest.mark.parametrize("left", [field.name for field in fields(Run) if field.name != "published"])
def test_two_runs_when_a_program_leaks_on_purpose_then_it_is_caught(
    leaking_runs: tuple[Run, Run], left: str
) -> None:
    one, other = leaking_runs
    assert getattr(one, left) != getattr(other, left)


def test_two_runs_when_a_verdicts_length_depends_on_the_name_then_ciphertext_lengths_show_it(
    start: Path, tmp_path: Path
) -> None:
    one, other = (
        play(start, tmp_path / persona.card, persona, calls={}, judge=partial(widened, persona=persona))
        for persona in (RUOXI, ZIXUAN)
    )
    assert one.published != other.published


NAMING = [
    RUOXI.name,
    ZIXUAN.name,
    "找{欧阳若汐/司马子轩}",
    "欧阳先生",
    "王丽娟",
    "去龙华区民治街道找你",
    "尾号7788",
]


@pytest.mark.parametrize("asked", NAMING)
def test_pack_when_it_asks_for_one_person_place_or_number_then_it_is_refused(asked: str) -> None:
    with pytest.raises(LexiconError, match=r"oracle\.lex:5: entry 7001"):
        parse_pack(ORACLE.format(asked), name="oracle.lex")


def hearing_by(judge: Judge, *packs: Pack) -> Judge:
    """Return the judge with other packs to find things by."""
    entries = {entry.id: entry for pack in packs for entry in pack.entries}
    listener = replace(judge.listener, texts=TextReader(TextMatcher(packs)), entries=entries)
    return replace(judge, listener=listener)


def oracle_past_the_check() -> Pack:
    """Return the pack that names a persona as it would be if nothing refused it."""
    harmless = parse_pack(ORACLE.format("某人"), name="oracle.lex")
    naming = Template((Choice((RUOXI.name,)),))
    return replace(harmless, entries=(replace(harmless.entries[0], template=naming),))


def both(start: Path, folder: Path, judge: Callable[[Judge], Judge]) -> tuple[Run, Run]:
    """Play the day of both personas without calls."""
    one, other = (
        play(start, folder / persona.card, persona, calls={}, judge=judge) for persona in (RUOXI, ZIXUAN)
    )
    return one, other


def test_two_runs_when_a_pack_names_the_persona_then_it_is_left_out_and_the_same_leaves(
    start: Path, tmp_path: Path
) -> None:
    lexicons = tmp_path / "models" / "lexicons" / "zh-CN"
    shutil.copytree(LEXICONS, lexicons)
    (lexicons / "oracle.lex").write_text(ORACLE.format(RUOXI.name), encoding="utf-8")
    loaded = load_packs(tmp_path / "models", "zh-CN")
    one, other = both(start, tmp_path, lambda judge: hearing_by(judge, *loaded.packs))
    assert [problem[:13] for problem in loaded.problems] == ["oracle.lex:5:"]
    assert one == other


def test_two_runs_when_the_pack_gets_past_the_check_then_verdicts_tell_the_days_apart(
    start: Path, tmp_path: Path
) -> None:
    one, other = both(start, tmp_path, lambda judge: hearing_by(judge, oracle_past_the_check()))
    assert one.verdicts != other.verdicts
