"""What phone makers write into file names is read back, and nothing else is mistaken for it."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compline_edge.core.personal import ContactName, PhoneNumber
from compline_edge.core.recording_names import XIAOMI_CUT, Maker, RecordingName, parse_recording_name
from compline_shared.taxonomy import Direction

WHEN = datetime(2026, 11, 23, 9, 30, 5)


def found(
    maker: Maker,
    name: str | None,
    number: str | None,
    *,
    started: datetime | None = WHEN,
    direction: Direction = Direction.UNKNOWN,
) -> RecordingName:
    return RecordingName(
        maker,
        None if name is None else ContactName(name),
        None if number is None else PhoneNumber(number),
        started,
        direction,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("通话录音@王小明(13900000001)_20261123093005.mp3", found(Maker.XIAOMI, "王小明", "13900000001")),
        ("通话录音@13900000001(13900000001)_20261123093005.mp3", found(Maker.XIAOMI, None, "13900000001")),
        ("Record@Ann(0044700900001)_20261123093005.mp3", found(Maker.XIAOMI, "Ann", "+44700900001")),
        ("Record@Bank(95500p1s2)_20261123093005.mp3", found(Maker.XIAOMI, "Bank", "95500,1*2")),
        ("Record@Ann (work)(139)_20261123093005.mp3", found(Maker.XIAOMI, "Ann (work)", "139")),
        (
            "来电@李雷(13900000002)_20261123093005.mp3",
            found(Maker.XIAOMI, "李雷", "13900000002", direction=Direction.INCOMING),
        ),
        (
            "Outgoing@Li(13900000002)_20261123093005.mp3",
            found(Maker.XIAOMI, "Li", "13900000002", direction=Direction.OUTGOING),
        ),
        ("王小明@13900000001_20261123093005.amr", found(Maker.HUAWEI, "王小明", "13900000001")),
        ("a@b@13900000001_20261123093005.m4a", found(Maker.HUAWEI, "a@b", "13900000001")),
        ("+8613900000001_20261123093005.m4a", found(Maker.HUAWEI, None, "+8613900000001")),
        ("Call recording Wang Xiaoming_261123_093005.m4a", found(Maker.SAMSUNG, "Wang Xiaoming", None)),
        ("通话录音 13900000001_261123_093005.m4a", found(Maker.SAMSUNG, None, "13900000001")),
        ("Call recording 139 0000 0001_261123_093005 (1).m4a", found(Maker.SAMSUNG, None, "139 0000 0001")),
        ("王小明-261123093005.mp3", found(Maker.OPPO, "王小明", None)),
        (
            "13900000001-2611230930.mp3",
            found(Maker.OPPO, None, "13900000001", started=WHEN.replace(second=0)),
        ),
        ("13900000001 2026-11-23 09-30-05.m4a", found(Maker.VIVO, None, "13900000001")),
        ("MIUI/sound_recorder/call_rec/R@A(139)_20261123093005.mp3", found(Maker.XIAOMI, "A", "139")),
        ("Sounds\\CallRecord\\139_20261123093005.amr", found(Maker.HUAWEI, None, "139")),
    ],
)
def test_name_when_a_maker_wrote_it_then_its_parts_are_read(name: str, expected: RecordingName) -> None:
    assert parse_recording_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".mp3",
        "voice memo.m4a",
        "20261123093005.mp3",
        "Record@Ann(139)_20261323093005.mp3",  # month 13
        "Record@Ann(139)_2026112309.mp3",  # short, and not at the cut
        "Call recording Ann_261123_256005.m4a",
        "Record@Ann(139)_２０２６１１２３０９３００５.mp3",
        "x" * 300 + "@139_20261123093005.amr",
    ],
)
def test_name_when_no_maker_writes_like_that_then_it_is_unknown(name: str) -> None:
    assert parse_recording_name(name) is None


def cut(whole: str) -> str:
    return whole[:XIAOMI_CUT] + ".mp3"


def test_name_when_xiaomi_cut_the_seconds_then_the_minute_is_kept() -> None:
    whole = f"通话录音@{'王' * 18}(13900000001)_20261123093005"
    assert len(whole) == XIAOMI_CUT + 1
    assert parse_recording_name(cut(whole[:-1] + "x")) == found(
        Maker.XIAOMI, "王" * 18, "13900000001", started=WHEN.replace(second=0)
    )


def test_name_when_xiaomi_cut_the_time_then_the_number_is_kept_and_the_time_unknown() -> None:
    whole = f"通话录音@{'王' * 25}(13900000001)_20261123093005"
    assert parse_recording_name(cut(whole)) == found(Maker.XIAOMI, "王" * 25, "13900000001", started=None)


def test_name_when_xiaomi_cut_the_number_then_it_is_unknown() -> None:
    whole = f"通话录音@{'王' * 36}(13900000001)_20261123093005"
    assert parse_recording_name(cut(whole)) is None


def test_name_when_printed_then_nobody_is_named() -> None:
    shown = repr(parse_recording_name("王小明@13900000001_20261123093005.amr"))
    assert "王小明" not in shown
    assert "139" not in shown
    assert "ContactName(****)" in shown


TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2068, 12, 31)).map(lambda t: t.replace(microsecond=0))
NUMBERS = st.from_regex(r"[0-9]{3,15}", fullmatch=True)
NAMES = st.text(st.characters(categories=["Lo", "Ll", "Lu"]), min_size=1, max_size=8)


@given(NAMES, NUMBERS, TIMES)
def test_huawei_name_when_written_then_it_reads_back(name: str, number: str, started: datetime) -> None:
    written = f"{name}@{number}_{started:%Y%m%d%H%M%S}.m4a"
    assert parse_recording_name(written) == found(Maker.HUAWEI, name, number, started=started)


@given(NAMES, NUMBERS.filter(lambda n: not n.startswith("00")), TIMES)
def test_xiaomi_name_when_written_then_it_reads_back(name: str, number: str, started: datetime) -> None:
    written = f"rec@{name}({number})_{started:%Y%m%d%H%M%S}.mp3"
    assert parse_recording_name(written) == found(Maker.XIAOMI, name, number, started=started)


@given(NAMES, TIMES)
def test_samsung_name_when_written_then_it_reads_back(name: str, started: datetime) -> None:
    written = f"Call recording {name}_{started:%y%m%d_%H%M%S}.m4a"
    assert parse_recording_name(written) == found(Maker.SAMSUNG, name, None, started=started)


@given(st.text(max_size=300))
@example("@(1)_" + "9" * 14)
@example("@" * 120 + "(" * 120)
def test_name_when_it_is_any_text_then_the_parser_answers(name: str) -> None:
    assert isinstance(parse_recording_name(name), RecordingName | None)
