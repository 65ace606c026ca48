"""The template of a lexicon entry: a small grammar over literal Chinese characters, parsed and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from compline_shared.errors import ComplineError
from compline_shared.person_names import person_in, place_in

MAX_EXPANSIONS = 512
"""Phrases that one template may stand for."""
MAX_PHRASE = 32
"""Characters of one phrase."""
MAX_GAPS = 2
MAX_GAP = 8
"""Characters that one gap may swallow."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_PIECE = re.compile(
    rf"(?P<literal>[{_HAN}]+)|\{{(?P<choice>[^{{}}]*)\}}|\[(?P<optional>[^\[\]]*)\]|<(?P<slot>[^<>]*)>|~(?P<gap>\d?)"
)
_OPTION = re.compile(rf"(?P<literal>[{_HAN}]+)|<(?P<slot>[^<>]*)>")
_NOT_HAN = re.compile(rf"[^{_HAN}]")
_NUMERALS = re.compile("[零一二三四五六七八九幺两]{4}")


class TemplateError(ComplineError):
    """A template, context or slot breaks the grammar; the message says what and what to write instead."""


@dataclass(frozen=True, slots=True)
class Gap:
    """0 to `most` arbitrary characters."""

    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these literals stands here; an empty one means that the place may be left out."""

    options: tuple[str, ...]


Piece = Choice | Gap


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces in order; stands for at most `MAX_EXPANSIONS` phrases."""

    pieces: tuple[Piece, ...]

    @property
    def expansions(self) -> int:
        """How many phrases the template stands for, before equal ones fall together."""
        return prod(len(piece.options) for piece in self.pieces if isinstance(piece, Choice))

    @property
    def gaps(self) -> tuple[int, ...]:
        """Sizes of the gaps in order."""
        return tuple(piece.most for piece in self.pieces if isinstance(piece, Gap))

    def phrases(self) -> Iterator[tuple[str, ...]]:
        """Yield every phrase as its literal runs, which the gaps divide; equal phrases may come twice."""
        runs: list[list[str]] = []
        choices: list[tuple[str, ...]] = []
        for piece in (*self.pieces, Gap(0)):
            if isinstance(piece, Choice):
                choices.append(piece.options)
            else:
                runs.append(["".join(words) for words in product(*choices)])
                choices = []
        yield from product(*runs)


def parse_template(text: str, slots: Mapping[str, tuple[str, ...]]) -> Template:
    """Parse one template; `slots` gives the values of the named slots.

    Raises:
        TemplateError: the text breaks the grammar, names an unknown slot or stands for too much.
    """
    pieces: list[Piece] = []
    place = 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            raise TemplateError(f'"{text[place]}" {_why_not(text[place])}')
        pieces.append(_piece(found, slots))
        place = found.end()
    template = Template(tuple(pieces))
    _check(template)
    return template


def check_literal(text: str) -> str:
    """Return `text`, which holds Chinese characters only and neither numbers nor the name of a person or place.

    Raises:
        TemplateError: it does not; the sentence says what to write instead.
    """
    _check_characters(text)
    person = person_in(text)
    if person is not None:
        raise TemplateError(
            f'"{text}" looks like a person\'s name ({person}); write a role such as 客户 or 家人 instead'
        )
    place = place_in(text)
    if place is not None:
        raise TemplateError(
            f'"{text}" looks like the name of one place ({place}); write 你们小区 or 你家 instead'
        )
    return text


def _check_characters(text: str) -> str:
    odd = _NOT_HAN.search(text)
    if odd is not None:
        raise TemplateError(f'"{odd[0]}" {_why_not(odd[0])}')
    if not text:
        raise TemplateError("a literal is empty; write at least one Chinese character")
    if _NUMERALS.search(text):
        raise TemplateError(f'"{text}" spells a number; a lexicon must not ask for numbers, leave them out')
    return text


def _piece(found: re.Match[str], slots: Mapping[str, tuple[str, ...]]) -> Piece:
    text = found[0]
    match found.lastgroup:
        case "literal":
            return Choice((_check_characters(text),))
        case "choice":
            return Choice(_options(found["choice"], slots))
        case "optional":
            return Choice(("", *_options(found["optional"], slots)))
        case "slot":
            return Choice(_option(text, slots))
        case _:
            size = int(found["gap"] or 0)
            if not 1 <= size <= MAX_GAP:
                raise TemplateError(f'gap "{text}" has no size from 1 to {MAX_GAP}; write for example ~2')
            return Gap(size)


def _options(text: str, slots: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    options = (option.strip() for option in text.split("/"))
    return tuple(dict.fromkeys(word for option in options for word in _option(option, slots)))


def _option(text: str, slots: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    words: list[tuple[str, ...]] = []
    place = 0
    while place < len(text):
        found = _OPTION.match(text, place)
        if found is None:
            raise TemplateError(f'"{text[place]}" {_why_not(text[place])}')
        if found["slot"] is None:
            words.append((_check_characters(found[0]),))
        elif found["slot"].strip() in slots:
            words.append(slots[found["slot"].strip()])
        else:
            raise TemplateError(
                f'slot <{found["slot"]}> is not defined; add a line "@slot {found["slot"]} = ..."'
            )
        place = found.end()
    if not words:
        raise TemplateError("an option is empty; put what may be left out in [ ]")
    if prod(map(len, words)) > MAX_EXPANSIONS:
        raise TemplateError(
            f'"{text}" stands for more than {MAX_EXPANSIONS} phrases; divide the entry in two'
        )
    return tuple("".join(combination) for combination in product(*words))


def _check(template: Template) -> None:
    if template.expansions > MAX_EXPANSIONS:
        raise TemplateError(
            f"the template stands for {template.expansions} phrases, above {MAX_EXPANSIONS}; divide it"
        )
    if len(template.gaps) > MAX_GAPS:
        raise TemplateError(
            f"the template has {len(template.gaps)} gaps, above {MAX_GAPS}; divide it in two entries"
        )
    runs: dict[str, None] = {}
    for parts in template.phrases():
        phrase = "".join(parts)
        if template.gaps and min(map(len, parts)) < 2:
            raise TemplateError("a run beside a gap has fewer than 2 characters; write more characters there")
        if not 2 <= len(phrase) <= MAX_PHRASE:
            raise TemplateError(
                f'phrase "{phrase}" has not 2 to {MAX_PHRASE} characters; lengthen or shorten the template'
            )
        runs |= dict.fromkeys((*parts, phrase))  # a name may stand on both sides of a gap
    for run in runs:
        check_literal(run)


def _why_not(char: str) -> str:
    if char.isdigit():
        return "is a digit; a lexicon must not ask for numbers, leave it out"
    if char.isascii() and char.isalpha():
        return "is a Latin letter; write Chinese characters only"
    if char in "{}[]<>":
        return "opens or closes nothing; write {a/b}, [x] or <slot>, not one inside another"
    return "is not allowed here; write Chinese characters, {a/b}, [x], <slot> or ~N without spaces"
