"""Text that names a person: readable only on purpose, masked wherever it might be printed."""

from __future__ import annotations

from typing import final


class Personal:
    """Something personal; `repr`, `str` and f-strings show a mask, `reveal` the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str, /) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; for pseudonymising and for the collector's own screen, never for a log."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._text == self._text

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._text))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(****)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


@final
class ContactName(Personal):
    """What the collector's address book calls somebody."""

    __slots__ = ()


@final
class PhoneNumber(Personal):
    """A phone number as it was dialled or shown."""

    __slots__ = ()


@final
class Account(Personal):
    """A chat account's id."""

    __slots__ = ()


@final
class ConversationKey(Personal):
    """A chat room's id, or the unordered pair of accounts that talk."""

    __slots__ = ()
