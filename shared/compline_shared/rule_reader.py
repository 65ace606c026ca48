"""A reader of one line of a rule, word by word; what it does not find becomes a sentence with a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from compline_shared.errors import ComplineError
from compline_shared.template import MAX_EXPANSIONS, Template, TemplateError, parse_template

MAX_PHRASES = 50_000
"""Phrases that the templates of one pack may stand for, so that no pack takes minutes to read."""

_TOKEN = re.compile(r"\s*(?P<token>[A-Za-z_]+(?:/[A-Za-z]+)?|-?\d+(?:\.\d+)?|\S)")
_NUMBER = re.compile(r"-?[0-9]{1,5}(\.[0-9])?")
_SET = re.compile(r"\s*\(([^()]*)\)")
_WIDE = str.maketrans("（）／％｛｝［］＜＞～", "()/%{}[]<>~")


class RuleFault(ComplineError):
    """A line of a rule pack cannot be read; the message says what it holds and what to write instead."""


@dataclass(slots=True)
class Budget:
    """How many phrases the rest of a pack may stand for."""

    left: int = MAX_PHRASES

    def template(self, text: str, slots: Mapping[str, tuple[str, ...]]) -> Template:
        """Parse a template and take what it stands for off the budget.

        Raises:
            RuleFault: nothing is left of it.
            TemplateError: the template breaks the grammar or asks for what it must not.
        """
        if self.left <= 0:
            raise RuleFault(
                f"the pack stands for more than {MAX_PHRASES} phrases; divide it in several packs"
            )
        try:
            template = parse_template(text, slots)
        except TemplateError:
            self.left -= MAX_EXPANSIONS
            raise
        self.left -= template.expansions
        return template


class LineReader:
    """Reads words, numbers and sets from the front of a text."""

    def __init__(self, text: str) -> None:
        self._text = text.translate(_WIDE)
        self._place = 0

    def peek(self) -> str:
        """Return the next token, "" at the end."""
        found = _TOKEN.match(self._text, self._place)
        return found["token"] if found else ""

    def take(self) -> str:
        """Return the next token, "" at the end, and go on behind it."""
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            return ""
        self._place = found.end()
        return found["token"]

    def took(self, token: str) -> bool:
        """Go on behind the next token where it is this one."""
        if self.peek() != token:
            return False
        self.take()
        return True

    def expect(self, *tokens: str, instead: str) -> None:
        """Go on behind these tokens.

        Raises:
            RuleFault: others stand there; `instead` is what to write.
        """
        for token in tokens:
            if not self.took(token):
                raise RuleFault(f'{self.shown()} stands where "{token}" is expected; write {instead}')

    def number(self, low: float, high: float, *, instead: str) -> float:
        """Return the number that comes next, at most one digit behind its point.

        Raises:
            RuleFault: there is none, or it is out of bounds.
        """
        shown = self.shown()
        token = self.take()
        if not _NUMBER.fullmatch(token) or not low <= float(token) <= high:
            raise RuleFault(f"{shown} is not a number from {low:g} to {high:g}; write {instead}")
        return float(token)

    def integer(self, low: int, high: int, *, instead: str) -> int:
        """Return the whole number that comes next.

        Raises:
            RuleFault: there is none, or it is out of bounds.
        """
        shown = self.shown()
        found = self.number(low, high, instead=instead)
        if not found.is_integer():
            raise RuleFault(f"{shown} is not a whole number; write {instead}")
        return int(found)

    def items(self, *, instead: str) -> list[str]:
        """Return what stands in the round brackets that come next, divided at each / outside of { } and [ ].

        Raises:
            RuleFault: no brackets come, or they are not closed.
        """
        found = _SET.match(self._text, self._place)
        if found is None:
            raise RuleFault(f"{self.shown()} stands where a list in ( ) is expected; write {instead}")
        self._place = found.end()
        items, depth = [""], 0
        for char in found[1]:
            depth += (char in "{[") - (char in "}]")
            if char == "/" and depth == 0:
                items.append("")
            else:
                items[-1] += char
        return [item.strip() for item in items]

    def end(self, *, instead: str) -> None:
        """Make sure that nothing comes any more.

        Raises:
            RuleFault: something does.
        """
        if self.peek():
            raise RuleFault(f"{self.shown()} follows where the line should end; {instead}")

    def shown(self) -> str:
        """The next token as a message names it."""
        return f'"{self.peek()}"' if self.peek() else "the end of the line"
