"""Points of categories: their bounds, what they decide, and what refuses others on both sides."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from compline_edge.core.binding_life import Terms, read_life, write_life
from compline_edge.core.branch_policy import AS_CALIBRATED, BranchPolicy, branch_policy
from compline_edge.core.earlier_life import read_earlier_life
from compline_edge.core.judgement import Observed
from compline_edge.core.noticed import Noticed
from compline_edge.core.strictness_words import judged_by
from compline_edge.vault.errors import FilesPutBack
from compline_edge.vault.life_files import life_in
from compline_shared.codec import encode
from compline_shared.commands import Policy
from compline_shared.errors import MalformedFrame
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.messages import Voice
from compline_shared.strictness import (
    CONFIDENCES,
    LEAST_REVIEW,
    NAMED,
    BadStrictness,
    CategoryStrictness,
    Points,
    points_of,
    silenced,
    with_category,
    without_category,
)
from compline_shared.taxonomy import Category, Role, Severity, Technique
from tests.bindings import NONCE, life
from tests.golden_vectors import read

POINTS = Points(review=60, whisper=80, alarm=95)
ABUSE = CategoryStrictness(Category.ABUSE, POINTS)
NO_MANNER = CategoryStrictness(Category.MANNER, None)


def noticed(category: Category, technique: Technique) -> Noticed:
    return Noticed(
        category=category,
        severity=Severity.SERIOUS,
        confidence=90,
        role=Role.COLLECTOR,
        technique=technique,
        entry=0,
        phrase="",
    )


@pytest.mark.parametrize(
    ("confidence", "severity"),
    [
        (59, None),
        (60, Severity.NOTICE),
        (79, Severity.NOTICE),
        (80, Severity.WARNING),
        (94, Severity.WARNING),
        (95, Severity.SERIOUS),
    ],
)
def test_points_when_somebody_is_so_sure_then_it_counts_so_gravely(
    confidence: int, severity: Severity | None
) -> None:
    assert POINTS.severity(confidence) is severity


@pytest.mark.parametrize(
    "points",
    [
        (LEAST_REVIEW - 10, 80, 95),
        (95, 95, 95),
        (60, 50, 95),
        (60, 80, 70),
        (65, 80, 95),
        (60, 85, 95),
        (30, 30, 50),
        (30, 40, 40),
        (60, 80, 100),
        (-10, 80, 95),
    ],
)
def test_points_when_out_of_bounds_then_refused_in_a_sentence_and_on_the_wire(
    points: tuple[int, int, int],
) -> None:
    review, whisper, alarm = points
    with pytest.raises(BadStrictness, match="review is 30 to 90"):
        points_of(Category.ABUSE, review=review, whisper=whisper, alarm=alarm)
    with pytest.raises(MalformedFrame):
        decode_message(_payload([[1, list(points)]]), Policy)


@pytest.mark.parametrize(
    "strictness",
    [
        [[10, [60, 80, 95]]],  # anger: the text classifier does not tell it
        [[30, None]],  # not judged from speech
        [[1, [60, 80, 95]], [1, None]],
        [[2, None], [1, None]],
        [[99, None]],
        [[1, [60, 80]]],
        [[1]],
        [[1, 60]],
    ],
)
def test_policy_when_it_names_what_it_may_not_then_malformed(strictness: list[object]) -> None:
    with pytest.raises(MalformedFrame):
        decode_message(_payload(strictness), Policy)


def test_control_policy_when_its_points_are_in_bounds_then_read() -> None:
    made = decode_message(_payload([[1, [60, 80, 95]], [11, None]]), Policy)
    assert made.strictness == (ABUSE, NO_MANNER)


def test_silence_when_the_category_is_not_of_speech_then_refused_in_a_sentence() -> None:
    with pytest.raises(BadStrictness, match="record_deletion is not judged from speech"):
        silenced(Category.RECORD_DELETION)


def test_category_when_changed_and_taken_back_then_the_others_stay_in_order() -> None:
    both = with_category((NO_MANNER,), ABUSE)
    stricter = with_category(both, points_of(Category.ABUSE, review=30, whisper=40, alarm=50))
    assert both == (ABUSE, NO_MANNER)
    assert [str(each) for each in stricter] == ["abuse 30/40/50", "manner silenced"]
    assert without_category(stricter, Category.ABUSE) == (NO_MANNER,)


@pytest.mark.parametrize("technique", list(Technique))
def test_category_when_silenced_then_left_out_whatever_found_it(technique: Technique) -> None:
    policy = branch_policy(Terms(version=4, strictness=(ABUSE, NO_MANNER)))
    given = [noticed(Category.MANNER, technique), noticed(Category.ABUSE, technique)]
    assert policy.heeded(given) == (given[1],)
    assert AS_CALIBRATED.heeded(given) == tuple(given)


@pytest.mark.parametrize(("category", "angry"), [(Category.ANGER, None), (Category.MANNER, 4)])
def test_anger_when_silenced_then_the_share_of_it_is_not_told_either(
    category: Category, angry: int | None
) -> None:
    voice = Voice(loudness=-20, peak_loudness=-12, rate=4, angry=4, overlap=1)
    told = BranchPolicy(silenced=frozenset({category})).told(Observed(duration=60.0, voice=voice))
    assert told.voice == replace(voice, angry=angry)


def test_policy_when_its_version_is_above_what_a_verdict_tells_then_the_highest_is_told() -> None:
    assert branch_policy(Terms(version=70_000)) == BranchPolicy(version=65_535)


def test_record_when_written_before_policy_named_categories_then_read_as_now() -> None:
    earlier = bytes.fromhex(read("binding")["earlier_life"]["written"])
    present = read_life(bytes.fromhex(read("binding")["lives"][0]["bytes"]))
    assert read_earlier_life(earlier) == replace(present, terms=replace(present.terms, strictness=()))
    with pytest.raises(MalformedFrame):  # a record has one encoding
        read_life(earlier)
    with pytest.raises(MalformedFrame):
        read_earlier_life(write_life(present))


def test_record_when_terms_are_longer_than_now_then_malformed() -> None:
    record = write_life(life(terms=Terms(strictness=(ABUSE,))))
    longer = record.replace(encode([[1, [60, 80, 95]]]), encode([[1, [60, 80, 95], 1]]))
    assert longer != record
    with pytest.raises(MalformedFrame):
        read_life(longer)


def test_words_when_nothing_is_set_then_none_and_else_both_languages() -> None:
    told = judged_by((ABUSE, NO_MANNER))
    assert judged_by(()) is None
    assert told is not None
    assert "辱骂 60/80/95" in told
    assert "abuse 60/80/95" in told
    assert "通话方式" in told
    assert "whatever finds it: manner" in told


def test_words_when_any_category_is_silenced_then_there_is_a_chinese_name() -> None:
    for category in NAMED:
        assert category.code in (judged_by((CategoryStrictness(category, None),)) or "")


def test_steps_when_counted_then_eleven() -> None:
    assert len(CONFIDENCES) == 11


def _payload(strictness: list[object]) -> bytes:
    empty = encode_message(Policy(NONCE, 5, LeaseTimes(), ()))
    assert empty.endswith(encode([]))
    return empty[:-1] + encode(strictness)  # type: ignore[arg-type]


def test_file_when_of_before_then_read_and_when_of_another_kind_then_put_back() -> None:
    earlier = bytes.fromhex(read("binding")["earlier_life"]["written"])
    assert life_in(b"CLF1" + bytes(8) + earlier) == read_earlier_life(earlier)
    for magic in (b"CLF2", b"CLF3"):
        with pytest.raises(FilesPutBack):
            life_in(magic + bytes(8) + earlier)
