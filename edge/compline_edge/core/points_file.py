"""Reads a file of operating points: JSON of one type, of bounded size, refused in a sentence."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from compline_shared.errors import ComplineError

PointsT = TypeVar("PointsT")


def read_points(
    content: bytes, kind: type[PointsT], *, most: int, file: str, restore: str, refusal: type[ComplineError]
) -> PointsT:
    """Return what the file holds, of at most `most` bytes; `restore` says what to restore where it is not that.

    Raises:
        ComplineError: of the type `refusal`; it is too large, or broken.
    """
    if len(content) > most:
        raise refusal(f"{file} is larger than {most} bytes; restore {restore}.")
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise refusal(f"{file} is broken ({error}); restore {restore}.") from error
