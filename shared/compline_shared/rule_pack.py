"""Reads rule packs from their line-oriented text; a broken rule is named with file and line and left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from compline_shared.errors import PackError
from compline_shared.pack_draft import MAX_LINE, Draft
from compline_shared.rule import Condition, Example, Rule, RulePack
from compline_shared.rule_example import parse_example
from compline_shared.rule_grammar import parse_category, parse_condition
from compline_shared.rule_reader import Budget, RuleFault
from compline_shared.taxonomy import Category, Severity
from compline_shared.template import TemplateError, check_literal

MAX_BYTES = 2**20
"""Bytes of one pack file."""
MAX_RULES = 1_000
MAX_CONDITIONS = 16
"""Lines of conditions in one rule."""
MAX_EXAMPLES = 64
"""Examples of one rule."""
MAX_SENTENCE = 40
"""Characters of the Chinese sentence."""
MAX_GLOSS = 120
"""Characters of the English sentence."""

_SEVERITIES: Final = {severity.code: severity for severity in Severity}
_HEADER: Final = ("@pack", "@version", "@language", "@slot")
_STOPS: Final = "[，。、；：！？“”（）]"
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f|]+")
_HEAD: Final = '"id | category | severity | Chinese sentence | English sentence"'


class RulePackError(PackError):
    """A rule pack cannot be used; `problems` has one sentence for each broken line."""


@dataclass(slots=True)
class _Block:
    """The lines of one rule, the first of them its head."""

    number: int
    head: str
    lines: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Head:
    id: int
    category: Category
    severity: Severity
    sentence: str
    gloss: str


def parse_rules(text: str, *, name: str) -> RulePack:
    """Parse a pack of which every line must be sound; `name` is the file's name for messages.

    Raises:
        RulePackError: with one sentence for each broken line.
    """
    pack, problems = read_rules(text, name=name)
    if problems or pack is None:
        raise RulePackError(problems)
    return pack


def read_rules(text: str, *, name: str) -> tuple[RulePack | None, tuple[str, ...]]:
    """Parse what can be parsed.

    Returns:
        the pack of the sound rules, None where its header is broken; one sentence for each broken line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, (f"{name}:1: the file is larger than {MAX_BYTES} bytes; divide it in several packs",)
    draft = _Draft(Draft(name))
    blocks = draft.divide(text)
    rules = tuple(rule for block in blocks[:MAX_RULES] if (rule := draft.rule(block)) is not None)
    if len(blocks) > MAX_RULES:
        draft.blame(
            blocks[MAX_RULES].number, f"the pack has more than {MAX_RULES} rules; divide it in several packs"
        )
    lexicon, problems = draft.lexicon.finish()
    if lexicon is None:
        return None, problems
    slots = tuple(draft.lexicon.slots.items())
    return RulePack(lexicon.name, lexicon.version, lexicon.language, slots, rules, name), problems


@dataclass(slots=True)
class _Draft:
    """A rule pack while its lines are read; header and slots are those of a lexicon, and read as such."""

    lexicon: Draft
    budget: Budget = field(default_factory=Budget)
    ids: dict[int, int] = field(default_factory=dict)  # id -> line of its first use

    def divide(self, text: str) -> list[_Block]:
        """Take the header and return the blocks of the rules."""
        blocks: list[_Block] = []
        open_block: _Block | None = None
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
            bare = line.strip()
            if not bare or bare.startswith("#"):
                continue
            if len(line) > MAX_LINE:
                self.blame(number, f"the line has more than {MAX_LINE} characters; divide it in several")
            elif bare.startswith("@"):
                open_block = None
                self._header(number, bare)
            elif not line[0].isspace():
                open_block = _Block(number, bare)
                blocks.append(open_block)
            elif open_block is None:
                self.blame(number, f"an indented line stands under no rule; write {_HEAD} above it")
            else:
                open_block.lines.append((number, bare))
        return blocks

    def rule(self, block: _Block) -> Rule | None:
        """Read one rule; None where any of its lines is broken, which is then named."""
        before = len(self.lexicon.problems)
        head: _Head | None = None
        conditions: list[Condition] = []
        examples: list[Example] = []
        name = f"rule {block.head.split('|')[0].strip()[:20]}: "
        try:
            head = self._head(block)
        except (RuleFault, TemplateError) as error:
            self.blame(block.number, str(error))
        for number, line in block.lines:
            try:
                self._line(number, line, conditions, examples)
            except (RuleFault, TemplateError) as error:
                self.blame(number, f"{name}{error}")
        if not conditions and len(self.lexicon.problems) == before:
            self.blame(
                block.number, f'{name}it has no condition; write an indented line "when: ..." under it'
            )
        if head is None or len(self.lexicon.problems) > before:
            return None
        return Rule(
            head.id,
            head.category,
            head.severity,
            head.sentence,
            head.gloss,
            tuple(conditions),
            tuple(examples),
            block.number,
        )

    def blame(self, number: int, what: str) -> None:
        """Keep a sentence about a line."""
        self.lexicon.problems.append((number, what))

    def _header(self, number: int, line: str) -> None:
        key = line.split()[0]
        if key in _HEADER:
            self.lexicon.attempt(number, line)
        else:
            self.blame(
                number, f'"{key}" is not one of {", ".join(_HEADER)}; write one of them or take it out'
            )

    def _head(self, block: _Block) -> _Head:
        fields = [part.strip() for part in block.head.split("|")]
        if len(fields) != 5:
            raise RuleFault(
                f"a rule begins with 5 fields divided by |, this line has {len(fields)}; write {_HEAD}"
            )
        number, category, severity, sentence, gloss = fields
        rule_id = _rule_id(number)
        if self.ids.setdefault(rule_id, block.number) != block.number:
            raise RuleFault(
                f"rule {rule_id}: the id stands already in line {self.ids[rule_id]}; give it a new one"
            )
        try:
            return _Head(
                rule_id, parse_category(category), _severity(severity), _sentence(sentence), _gloss(gloss)
            )
        except (RuleFault, TemplateError) as error:
            raise RuleFault(f"rule {rule_id}: {error}") from error

    def _line(self, number: int, line: str, conditions: list[Condition], examples: list[Example]) -> None:
        if line.startswith("when:"):
            if len(conditions) >= MAX_CONDITIONS:
                raise RuleFault(f"it has more than {MAX_CONDITIONS} lines of conditions; divide the rule")
            conditions.append(parse_condition(line.removeprefix("when:"), self._slots, self.budget))
        elif line[0] in "+-":
            if len(examples) >= MAX_EXAMPLES:
                raise RuleFault(f"it has more than {MAX_EXAMPLES} examples; keep those that differ")
            examples.append(parse_example(line, number=number))
        else:
            raise RuleFault(
                f'the line begins with "{line.split()[0][:20]}"; '
                'begin it with "when:" for a condition, + or - for an example'
            )

    @property
    def _slots(self) -> Mapping[str, tuple[str, ...]]:
        return self.lexicon.slots


def _rule_id(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:
        raise RuleFault(f'rule id "{text[:20]}" is not a number from 1 to 65535; choose a free one')
    return int(text)


def _severity(code: str) -> Severity:
    if code not in _SEVERITIES:
        raise RuleFault(f'severity "{code}" is not one of {", ".join(_SEVERITIES)}; choose one')
    return _SEVERITIES[code]


def _sentence(text: str) -> str:
    if len(text) > MAX_SENTENCE:
        raise RuleFault(f"the Chinese sentence has more than {MAX_SENTENCE} characters; shorten it")
    for run in re.split(_STOPS, text.rstrip("。！？")):
        check_literal(run)
    return text


def _gloss(text: str) -> str:
    if len(text) > MAX_GLOSS or not _PRINTABLE.fullmatch(text):
        raise RuleFault(
            f"the English sentence has not 1 to {MAX_GLOSS} printable characters; write what the rule says"
        )
    return text
