"""What the demo says of its day: in full and in time, or which part is lacking."""

from __future__ import annotations

from msgspec.structs import replace

from outcome import Outcome, found_live, shortfalls
from page import Expected, Found, Shown, expected
from sample_day import LIVE, load_day

WANTED = expected(load_day())
CALL = next(one for one in WANTED if one.name == LIVE)


def verdict(one: Expected, *categories: str, pass_: str = "full") -> Shown:
    """A verdict of the page on `one`."""
    return Shown(
        seq=1,
        started=0 if one.started is None else int(one.started.timestamp()),
        kind=one.kind,
        pass_=pass_,
        superseded_by=None,
        findings=tuple(Found(category, 90, 20) for category in categories),
        coverage=100,
        abstained=None,
    )


PLACES = {one.name: verdict(one, *one.must_find) for one in WANTED}


def told(places: dict[str, Shown], *, live_after: float | None = 24.0) -> tuple[str, ...]:
    return shortfalls(WANTED, Outcome(places, live_after), live=LIVE)


def test_shortfalls_when_all_stands_there_in_time_then_none() -> None:
    assert told(PLACES) == ()


def test_shortfalls_when_nothing_was_found_while_the_call_ran_then_said() -> None:
    (sentence,) = told(PLACES, live_after=None)
    assert "threats" in sentence
    assert "while the call ran" in sentence


def test_shortfalls_when_a_sure_finding_is_lacking_then_named() -> None:
    (sentence,) = told(PLACES | {"insults": replace(PLACES["insults"], findings=())})
    assert "insults" in sentence
    assert "abuse" in sentence


def test_shortfalls_when_a_call_never_came_then_named() -> None:
    (sentence,) = told({name: shown for name, shown in PLACES.items() if name != "dead-air"})
    assert sentence.startswith("1 of 28 never came")
    assert "dead-air" in sentence


def test_day_when_read_then_it_names_what_must_be_found() -> None:
    assert {one.name: set(one.must_find) for one in WANTED if one.must_find} == {
        "insults": {"abuse"},
        "threats": {"threat"},
        "private-account": {"improper_payment"},
        "off-the-record": {"off_channel"},
    }


def test_live_finding_when_a_live_verdict_on_the_call_has_a_threat_then_seen() -> None:
    assert found_live(CALL, [verdict(CALL, "threat", pass_="live")])


def test_live_finding_when_only_the_full_pass_has_it_then_not_seen() -> None:
    assert not found_live(CALL, [verdict(CALL, "threat")])


def test_live_finding_when_the_live_verdict_has_another_finding_then_not_seen() -> None:
    assert not found_live(CALL, [verdict(CALL, "anger", pass_="live")])


def test_live_finding_when_it_is_on_another_call_then_not_seen() -> None:
    other = next(one for one in WANTED if one.name == "insults")
    assert not found_live(CALL, [verdict(other, "threat", pass_="live")])
