"""A verdict cannot carry content: its types are walked to the last one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from compline_shared.closed import compile_check, content_bits
from compline_shared.errors import OutOfBounds
from compline_shared.messages import MAX_FINDINGS, Finding, Verdict

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"
CAP = 2_560  # bits


class WithText(msgspec.Struct):
    kind: Annotated[int, Meta(ge=0, le=1)]
    note: str = ""


class WithShortText(msgspec.Struct):
    note: Annotated[str, Meta(max_length=4)] = ""


class WithBytes(msgspec.Struct):
    excerpt: bytes = b""


class WithFloat(msgspec.Struct):
    loudness: float = 0.0


class WithUnboundedInteger(msgspec.Struct):
    number: int = 0


class WithHalfABound(msgspec.Struct):
    number: Annotated[int, Meta(ge=0)] = 0


class WithUnboundedRow(msgspec.Struct):
    row: tuple[bool, ...] = ()


class WithTextInside(msgspec.Struct):
    inner: WithText | None = None


class WithRowOrNothing(msgspec.Struct):
    row: Annotated[tuple[bool, ...], Meta(max_length=3)] | None = None


class WithMap(msgspec.Struct):
    inner: dict[str, bool]


class WithNumberOrNothing(msgspec.Struct):
    number: Annotated[int, Meta(ge=0, le=3)] | None = None


OPEN = [
    WithRowOrNothing,
    WithText,
    WithShortText,
    WithBytes,
    WithFloat,
    WithUnboundedInteger,
    WithHalfABound,
    WithUnboundedRow,
    WithTextInside,
    WithMap,
]


def test_verdict_when_its_types_are_walked_then_closed() -> None:
    assert compile_check(Verdict) is not None


@pytest.mark.parametrize("control", OPEN)
def test_struct_when_it_could_carry_content_then_refused(control: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match="could carry content"):
        compile_check(control)


def test_struct_when_number_or_nothing_then_closed() -> None:
    check = compile_check(WithNumberOrNothing)
    check(WithNumberOrNothing(number=3))
    with pytest.raises(OutOfBounds):
        check(WithNumberOrNothing(number=4))


@pytest.mark.parametrize("control", OPEN[1:])
def test_struct_when_it_could_carry_content_then_its_bits_are_not_counted(
    control: type[msgspec.Struct],
) -> None:
    with pytest.raises(TypeError, match="could carry content"):
        content_bits(control)


def test_verdict_when_its_bits_are_counted_then_under_the_cap() -> None:
    assert content_bits(Verdict) <= CAP


def test_protocol_when_it_states_the_bits_then_as_counted() -> None:
    stated = re.search(
        r"a finding carries at most ([\d,.]+) bits.*?a verdict at most ([\d,]+)",
        PROTOCOL.read_text("utf-8"),
        re.S,
    )
    assert stated is not None
    assert float(stated[1].replace(",", "")) == round(content_bits(Finding), 1)
    assert int(stated[2].replace(",", "")) == round(content_bits(Verdict))


def test_findings_when_counted_then_capped() -> None:
    assert MAX_FINDINGS == 32
