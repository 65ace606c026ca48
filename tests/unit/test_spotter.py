"""The phrase spotter on posteriors made by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from compline_edge.core.phrase_lattice import build
from compline_edge.core.phrase_scorer import PhraseScorer
from compline_edge.core.speech import Posteriors
from compline_edge.core.spotter import Spotted, Spotter
from compline_edge.core.spotter_thresholds import BadThresholds, Thresholds, parse_thresholds
from compline_edge.core.syllables import INDEX, SYLLABLES, reading
from compline_shared.lexicon import Entry, parse_pack
from compline_shared.template import Choice

STEP = 0.03
THRESHOLDS = Thresholds(
    model="by hand",
    base=-2.0,
    syllable=1.0,
    rarity=0.0,
    gap=0.5,
    context=1.5,
    silence=0.0,
    floor=16.0,
    fuzzy=0.1,
    other_reading=0.1,
    slope=1.0,
    centre=0.0,
    commonness={},
)


def entries(*lines: str) -> tuple[Entry, ...]:
    """Entries of a pack with these lines under `threat`."""
    head = ["@pack t", "@version 1", "@language zh-CN", "@slot family = 家人 / 父母", "@category threat"]
    return parse_pack("\n".join([*head, *lines]), name="t.lex").entries


def entry(template: str, excluded: str = "-", number: int = 2001) -> Entry:
    """One entry with this template and these negative contexts."""
    return entries(f"{number} | serious | {template} | not: {excluded} | 测试 | a test")[0]


def said(text: str, *, start: float = 0.0, sure: float = 0.9, ends: bool = True) -> Posteriors:
    """Posteriors of a speaker who says `text`: five steps a syllable, one of them loud; `_` is a pause."""
    rows = [(0, sure)]
    for character in text:
        index = 0 if character == "_" else INDEX.get(character, 0) or reading(character)
        rows += [(0, sure), (0, sure), (index, sure), (0, sure), (0, sure)]
    table = np.full((len(rows), len(SYLLABLES)), (1.0 - sure) / (len(SYLLABLES) - 1), dtype=np.float32)
    for step, (index, height) in enumerate(rows):
        table[step, index] = height
    return Posteriors(start, STEP, np.log(table), ends)


def listen(spotter: Spotter, *pieces: Posteriors) -> list[Spotted]:
    """Everything that one channel gives."""
    stream = spotter.open()
    return [spotted for piece in pieces for spotted in stream.feed(piece)] + list(stream.finish())


def rounded(spotted: Spotted) -> tuple[int, float, float, float]:
    """A sighting without the last digits of its times."""
    return spotted.entry, round(spotted.start, 6), round(spotted.end, 6), spotted.score


def pieces(whole: Posteriors, size: int) -> Iterator[Posteriors]:
    """The same stretch in pieces of `size` steps."""
    for first in range(0, len(whole.log_probs), size):
        rows = whole.log_probs[first : first + size]
        yield Posteriors(
            whole.start + first * STEP, STEP, rows, whole.ends and first + size >= len(whole.log_probs)
        )


def test_spotter_when_a_phrase_is_said_then_it_is_told_with_its_place() -> None:
    found = listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("今天我打断你的腿吧", start=10.0))

    assert [one.entry for one in found] == [2001]
    assert found[0].start == pytest.approx(10.0 + (1 + 3 * 5 + 2) * STEP, abs=0.15)
    assert found[0].end == pytest.approx(10.0 + (1 + 7 * 5 + 2) * STEP, abs=0.05)


def test_spotter_when_other_words_are_said_then_nothing_is_told() -> None:
    assert listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("今天天气很好我们去公园")) == []


def test_spotter_when_homophones_are_heard_then_the_phrase_is_told() -> None:
    assert listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("大段泥得退"))


def test_spotter_when_one_syllable_is_confused_as_people_do_then_it_is_told_less_surely() -> None:
    spotter = Spotter([entry("找你上司谈谈")], THRESHOLDS)

    exact, fuzzy = listen(spotter, said("找你上司谈谈")), listen(spotter, said("早你上司谈谈"))

    assert 0 < fuzzy[0].score < exact[0].score
    assert fuzzy[0].confidence <= exact[0].confidence


def test_spotter_when_another_reading_is_heard_then_it_counts() -> None:
    assert listen(Spotter([entry("还钱给我们")], THRESHOLDS), said("换钱给我们"))


def test_spotter_when_two_characters_sound_alike_then_a_blank_must_stand_between() -> None:
    spotter = Spotter([entry("谢谢你了吧")], THRESHOLDS)

    assert listen(spotter, said("谢谢你了吧"))
    assert listen(spotter, said("谢你了吧")) == []


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_spotter_when_fed_in_pieces_then_the_same_as_whole(size: int) -> None:
    spotter = Spotter([entry("打断你的腿"), entry("你的腿不要了", number=2002)], THRESHOLDS)
    whole = said("再不还就打断你的腿不要了啊", sure=0.8)

    assert sorted(map(rounded, listen(spotter, *pieces(whole, size)))) == sorted(
        map(rounded, listen(spotter, whole))
    )


@pytest.mark.parametrize("text", ["去你单位找领导", "就去你公司见领导", "就去你父母找领导"])
def test_spotter_when_a_template_has_slots_then_every_spelling_is_heard(text: str) -> None:
    spotter = Spotter([entry("[就]去你{单位/公司/<family>}{找/见}领导")], THRESHOLDS)

    assert listen(spotter, said("明天我" + text))


@pytest.mark.parametrize("between", ["", "他", "他们的"])
def test_spotter_when_a_gap_is_filled_within_its_size_then_it_is_told(between: str) -> None:
    assert listen(Spotter([entry("去单位找~3领导谈")], THRESHOLDS), said(f"去单位找{between}领导谈"))


def test_spotter_when_a_gap_is_overfilled_then_nothing_is_told() -> None:
    assert listen(Spotter([entry("去单位找~2领导谈")], THRESHOLDS), said("去单位找你们那个大领导谈")) == []


def test_spotter_when_said_twice_then_it_is_told_twice() -> None:
    found = listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("打断你的腿我说打断你的腿"))

    assert len(found) == 2


def test_spotter_when_options_begin_alike_then_each_is_heard() -> None:
    spotter = Spotter([entry("要{打断/打折}你的腿")], THRESHOLDS)

    assert listen(spotter, said("要打断你的腿"))
    assert listen(spotter, said("要打折你的腿"))


def test_spotter_when_the_last_syllable_fades_then_the_best_step_is_told() -> None:
    fading = said("打断你的腿")
    fading.log_probs[-2:, reading("腿")] = np.log(0.4)

    (found,) = listen(Spotter([entry("打断你的腿")], THRESHOLDS), fading)

    assert found.end == pytest.approx((1 + 4 * 5 + 2) * STEP)


def test_spotter_when_blank_is_a_little_likelier_all_along_then_the_phrase_is_told() -> None:
    mumbled = said("打断你的腿")
    loud = np.flatnonzero(mumbled.log_probs.argmax(axis=1) > 0)
    mumbled.log_probs[loud, 0] = np.log(0.95)
    found = listen(Spotter([entry("打断你的腿")], THRESHOLDS), mumbled)

    assert [one.entry for one in found] == [2001]
    assert found[0].score > 2.5


def test_spotter_when_a_told_phrase_sounds_on_in_the_next_stretch_then_it_is_told_once() -> None:
    whole = said("打断你的腿").log_probs
    cut = len(whole) - 2
    phrase = Posteriors(0.0, STEP, whole[:cut], ends=True)
    following = Posteriors(cut * STEP, STEP, whole[cut - 1 :], ends=True)

    assert len(listen(Spotter([entry("打断你的腿")], THRESHOLDS), phrase, following)) == 1


def test_spotter_when_a_negative_context_comes_before_then_it_is_not_told() -> None:
    denied = Spotter([entry("打断你的腿", "不会 / 没有人会")], THRESHOLDS)
    control = Spotter([entry("打断你的腿")], THRESHOLDS)

    assert listen(denied, said("我们不会打断你的腿")) == []
    assert listen(control, said("我们不会打断你的腿"))


def test_spotter_when_a_negative_context_is_far_then_it_is_told() -> None:
    spotter = Spotter([entry("打断你的腿", "不会")], THRESHOLDS)

    assert listen(spotter, said("不会的今天下午他们几个人来打断你的腿"))


def test_spotter_when_a_negative_context_stands_in_the_gap_then_it_is_not_told() -> None:
    spotter = Spotter([entry("我们~4打断腿", "不会")], THRESHOLDS)

    assert listen(spotter, said("我们不会去打断腿")) == []


def test_spotter_when_a_negative_context_comes_after_then_it_is_not_told() -> None:
    spotter = Spotter([entry("打断你的腿", ">是违法的")], THRESHOLDS)

    assert listen(spotter, said("打断你的腿是违法的")) == []
    assert listen(spotter, said("打断你的腿是应该的"))


def test_spotter_when_a_context_may_come_after_then_the_next_piece_is_awaited() -> None:
    spotter = Spotter([entry("打断你的腿", ">是违法的")], THRESHOLDS)
    phrase = said("打断你的腿", ends=False)
    after = said("是违法的", start=len(phrase.log_probs) * STEP)

    assert listen(spotter, phrase, after) == []


def test_spotter_when_the_stretch_is_cut_within_a_phrase_then_it_is_told() -> None:
    first = said("我要打断")
    second = said("你的腿", start=len(first.log_probs) * STEP + 0.2)

    assert listen(Spotter([entry("打断你的腿")], THRESHOLDS), first, second)


def test_spotter_when_a_long_pause_divides_a_phrase_then_nothing_is_told() -> None:
    assert listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("打断"), said("你的腿", start=30.0)) == []


def test_spotter_when_an_entry_is_stricter_then_its_margin_is_less() -> None:
    strict = msgspec.structs.replace(THRESHOLDS, entries={"2001": 1.0})

    (usual,) = listen(Spotter([entry("打断你的腿")], THRESHOLDS), said("打断你的腿"))
    (lowered,) = listen(Spotter([entry("打断你的腿")], strict), said("打断你的腿"))

    assert lowered.score == pytest.approx(usual.score - 1.0, abs=0.01)


def test_spotter_when_an_entry_is_too_strict_for_a_match_then_it_is_not_told() -> None:
    strict = msgspec.structs.replace(THRESHOLDS, entries={"2001": 50.0})

    assert listen(Spotter([entry("打断你的腿")], strict), said("打断你的腿")) == []


def test_margins_when_asked_then_the_best_of_each_target_however_low() -> None:
    lattice = build([[Choice(("打断你的腿",))], [Choice(("今天天气",))]])
    scorer = PhraseScorer(lattice, THRESHOLDS, base=0.0, allowances=[1.0] * len(lattice.characters))

    margins = scorer.margins(scorer.emissions(said("打断你的腿").log_probs))

    assert margins[0] == pytest.approx(5.0, abs=0.1)
    assert margins[1] < 0.0


def test_confidence_when_the_margin_grows_then_it_grows_within_its_bounds() -> None:
    found = [THRESHOLDS.confidence(margin) for margin in np.linspace(-600, 600, 50)]

    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 99)


def test_allowance_when_a_syllable_is_rare_then_it_allows_more() -> None:
    thresholds = msgspec.structs.replace(THRESHOLDS, rarity=0.5, commonness={"de": 0.05, "tui": 0.001})

    assert thresholds.allowance("的") < thresholds.allowance("腿") < thresholds.allowance("耨")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "is broken"),
        (b" " * 2_000_000, "larger than"),
        (msgspec.json.encode(msgspec.structs.replace(THRESHOLDS, commonness={"blorp": 0.1})), "blorp"),
    ],
)
def test_thresholds_when_unusable_then_the_sentence_says_why(content: bytes, problem: str) -> None:
    with pytest.raises(BadThresholds, match=problem):
        parse_thresholds(content)


def test_thresholds_when_lenient_then_an_entry_may_lose_more() -> None:
    strict = msgspec.structs.replace(THRESHOLDS, base=-7.0, entries={"2001": 1.0})

    assert listen(Spotter([entry("打断你的腿")], strict), said("打断你的腿")) == []
    assert listen(Spotter([entry("打断你的腿")], strict.lenient()), said("打断你的腿"))


def test_thresholds_when_lenient_then_a_context_must_be_heard_better() -> None:
    phrase, blurred = entry("打断你的腿", excluded="是我"), said("四我打断你的腿")
    assert not listen(Spotter([phrase], THRESHOLDS), blurred)
    assert listen(Spotter([phrase], THRESHOLDS.lenient()), blurred)
    assert not listen(Spotter([phrase], THRESHOLDS.lenient()), said("是我打断你的腿"))


def test_thresholds_when_written_and_read_then_the_same() -> None:
    assert parse_thresholds(msgspec.json.encode(THRESHOLDS)) == THRESHOLDS


def test_spotter_when_an_entry_is_for_text_only_then_it_is_not_spotted() -> None:
    (text_only,) = entries("2001 | serious | 打断你的腿 | not: - | 测试 | a test | text")

    assert listen(Spotter([text_only], THRESHOLDS), said("打断你的腿")) == []


def test_spotter_when_nothing_was_said_then_nothing_is_told() -> None:
    stream = Spotter([entry("打断你的腿")], THRESHOLDS).open()
    empty = Posteriors(0.0, STEP, np.zeros((0, len(SYLLABLES)), dtype=np.float32), ends=True)

    assert stream.feed(empty) == ()
    assert stream.finish() == ()


def test_spotter_when_much_is_said_then_it_keeps_seconds_only() -> None:
    stream = Spotter([entry("打断你的腿")], THRESHOLDS).open()
    tracemalloc.start()
    sizes = []
    for minute in range(20):
        stream.feed(said("今天天气很好" * 50, start=minute * 45.0, ends=False))
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert max(sizes[10:]) < 1.5 * max(sizes[:3])
