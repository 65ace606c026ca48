"""The lexicon pack: parses its line-oriented text to entries, every mistake named with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from compline_shared.errors import ComplineError
from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Severity
from compline_shared.template import MAX_PHRASE, Template, TemplateError, check_literal, parse_template

MAX_ENTRIES = 20_000
MAX_BYTES = 8 * 2**20
"""Bytes of one pack file."""
MAX_LINE = 4_000
"""Characters of one line."""
MAX_CONTEXTS = 64
MAX_SLOT_VALUES = 128
OWN_ENTRIES = 20_000
"""Entry ids from here on belong to a company's own packs and may stand under any category."""

RECORDING_NOTICES = range(9500, 10_000)
IDENTITY_NOTICES = range(9000, 9500)
_BLOCKS = {
    **{category: range(category * 1000, (category + 1) * 1000) for category in SPEECH_CATEGORIES},
    Category.ANGER: range(10_000, 11_000),
}
_SEVERITIES = tuple(severity.code for severity in Severity)
_CATEGORIES = tuple(category.code for category in sorted(SPEECH_CATEGORIES))
_FLAGS = frozenset({"text", "audio", "debtor"})


class LexiconError(ComplineError):
    """A lexicon file cannot be used; `problems` has one sentence for each broken line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the pack looks for; `template` stands for its spellings."""

    id: int
    category: Category
    severity: Severity
    template: Template
    excluded: tuple[str, ...]  # drops a match before, over or inside which one of these stands
    excluded_after: tuple[str, ...]  # drops a match after which one of these stands
    canonical: str  # what a page shows, Chinese
    gloss: str  # the same in English
    in_text: bool
    in_audio: bool
    debtor: bool  # counts also when the other side says it
    line: int


@dataclass(frozen=True, slots=True)
class Pack:
    """A versioned lexicon of one language."""

    name: str
    version: int
    language: str
    entries: tuple[Entry, ...]

    @property
    def canonical(self) -> dict[int, str]:
        """Canonical phrase of each entry id."""
        return {entry.id: entry.canonical for entry in self.entries}


def parse_pack(text: str, *, name: str) -> Pack:
    """Parse a pack of which every line must be sound; `name` is the file's name for messages.

    Raises:
        LexiconError: with one sentence for each broken line.
    """
    pack, problems = read_pack(text, name=name)
    if problems or pack is None:
        raise LexiconError(problems)
    return pack


def read_pack(text: str, *, name: str) -> tuple[Pack | None, tuple[str, ...]]:
    """Parse what can be parsed.

    Returns:
        the pack of the sound lines, None where its header is broken; one sentence for each broken line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, (f"{name}:1: the file is larger than {MAX_BYTES} bytes; divide it in several packs",)
    draft = _Draft(name)
    lines = [
        (number, line.strip()) for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
    ]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    for number, line in lines:
        if line.startswith("@slot"):
            draft.attempt(number, line)
    for number, line in lines:
        if not line.startswith("@slot"):
            draft.attempt(number, line)
    return draft.finish()


@dataclass(slots=True)
class _Draft:
    """A pack while its lines are read."""

    name: str
    header: dict[str, str] = field(default_factory=dict)
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    contexts: dict[Category, tuple[str, ...]] = field(default_factory=dict)
    category: Category | None = None
    entries: dict[int, Entry] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def attempt(self, number: int, line: str) -> None:
        """Read one line; a mistake in it becomes a problem and the rest goes on."""
        try:
            self._line(number, line)
        except TemplateError as error:
            self.problems.append((number, str(error)))

    def finish(self) -> tuple[Pack | None, tuple[str, ...]]:
        """Return the pack of the sound lines and the problems in order of line."""
        for key in ("pack", "version", "language"):
            if key not in self.header:
                self.problems.append((1, f'the header has no sound line "@{key} ..."; add one at the top'))
        problems = tuple(f"{self.name}:{number}: {what}" for number, what in sorted(self.problems))
        if len(self.header) < 3:
            return None, problems
        entries = tuple(self._with_contexts(entry) for entry in self.entries.values())
        header = self.header
        return Pack(header["pack"], int(header["version"]), header["language"], entries), problems

    def _line(self, number: int, line: str) -> None:
        if len(line) > MAX_LINE:
            raise TemplateError(f"the line has more than {MAX_LINE} characters; divide the entry")
        if line.startswith("@"):
            self._directive(*_words(line))
        else:
            self._entry(number, line)

    def _directive(self, key: str, value: str) -> None:
        match key:
            case "@pack":
                self._header(key, value, r"[A-Za-z0-9-]{1,40}", "1 to 40 Latin letters, digits or hyphens")
            case "@language":
                self._header(
                    key, value, r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "a language tag such as zh-CN"
                )
            case "@version":
                if not _is_wire_number(value):
                    raise TemplateError(f'@version "{value}" is not a number from 1 to 65535')
                self.header["version"] = value
            case "@category":
                self.category = None  # entries under a broken category belong nowhere
                self.category = _category(value)
            case "@slot":
                slot, values = _assignment(key, value)
                if not re.fullmatch("[a-z][a-z0-9_]{0,39}", slot) or slot in self.slots:
                    raise TemplateError(f'slot "{slot}" is no new name of lower-case letters; choose another')
                if len(values) > MAX_SLOT_VALUES:
                    raise TemplateError(f"slot {slot} has more than {MAX_SLOT_VALUES} values; divide it")
                self.slots[slot] = tuple(check_literal(word) for word in values)
            case "@not":
                code, values = _assignment(key, value)
                self.contexts[_category(code)] = _contexts(values)
            case _:
                raise TemplateError(
                    f'"{key}" is not one of @pack, @version, @language, @slot, @not, @category'
                )

    def _header(self, key: str, value: str, pattern: str, wanted: str) -> None:
        if not re.fullmatch(pattern, value):
            raise TemplateError(f'{key} "{value}" is not {wanted}')
        self.header[key[1:]] = value

    def _entry(self, number: int, line: str) -> None:
        fields = [part.strip() for part in line.split("|")]
        if len(fields) not in (6, 7):
            raise TemplateError(
                f"an entry has 6 or 7 fields divided by |, this line has {len(fields)}; "
                'write "id | severity | template | not: ... | canonical phrase | gloss | flags"'
            )
        entry_id = _entry_id(fields[0])
        try:
            self._add(entry_id, fields[1:], number)
        except TemplateError as error:
            raise TemplateError(f"entry {entry_id}: {error}") from error

    def _add(self, entry_id: int, fields: list[str], number: int) -> None:
        severity, template, context, canonical, gloss = fields[:5]
        flags = frozenset(fields[5].split()) if len(fields) > 5 else frozenset()
        if self.category is None:
            raise TemplateError('it stands under no category; write a line "@category ..." above it')
        if entry_id in self.entries:
            raise TemplateError(
                f"the id stands already in line {self.entries[entry_id].line}; give it a new one"
            )
        if entry_id < OWN_ENTRIES and entry_id not in _BLOCKS[self.category]:
            block = _BLOCKS[self.category]
            raise TemplateError(
                f"{self.category.code} entries are {block.start} to {block.stop - 1}, "
                f"own ones from {OWN_ENTRIES} on; renumber it"
            )
        if severity not in _SEVERITIES:
            raise TemplateError(f'severity "{severity}" is not one of {", ".join(_SEVERITIES)}')
        if not context.startswith("not:"):
            raise TemplateError(
                f'the fourth field "{context}" does not begin with "not:"; write "not: -" for no context'
            )
        if flags - _FLAGS or {"text", "audio"} <= flags:
            raise TemplateError(f'flags "{" ".join(sorted(flags))}" are not text or audio, and debtor')
        if len(canonical) > 24:
            raise TemplateError("the canonical phrase has more than 24 characters; shorten it")
        if not 1 <= len(gloss) <= 80:
            raise TemplateError("the gloss has not 1 to 80 characters; write what the entry means in English")
        if len(self.entries) >= MAX_ENTRIES:
            raise TemplateError(f"the pack has more than {MAX_ENTRIES} entries; divide it in several packs")
        words = [] if context[4:].strip() == "-" else [word.strip() for word in context[4:].split("/")]
        contexts = _contexts(words)
        self.entries[entry_id] = Entry(
            id=entry_id,
            category=self.category,
            severity=Severity[severity.upper()],
            template=parse_template(template, self.slots),
            excluded=tuple(word for word in contexts if not word.startswith(">")),
            excluded_after=tuple(word[1:] for word in contexts if word.startswith(">")),
            canonical=check_literal(canonical),
            gloss=gloss,
            in_text="audio" not in flags,
            in_audio="text" not in flags,
            debtor="debtor" in flags,
            line=number,
        )

    def _with_contexts(self, entry: Entry) -> Entry:
        shared = self.contexts.get(entry.category, ())
        before = dict.fromkeys((*entry.excluded, *(word for word in shared if not word.startswith(">"))))
        after = dict.fromkeys((*entry.excluded_after, *(word[1:] for word in shared if word.startswith(">"))))
        return replace(entry, excluded=tuple(before), excluded_after=tuple(after))


def _words(line: str) -> tuple[str, str]:
    key, _, value = line.partition(" ")
    return key, value.split("  #")[0].strip()


def _assignment(key: str, value: str) -> tuple[str, list[str]]:
    name, equals, values = value.partition("=")
    if not equals:
        raise TemplateError(f'"{key} {value}" has no "="; write "{key} name = a / b"')
    return name.strip(), [word.strip() for word in values.split("/")]


def _category(code: str) -> Category:
    if code not in _CATEGORIES:
        raise TemplateError(f'category "{code}" is not one of {", ".join(_CATEGORIES)}')
    return Category[code.upper()]


def _entry_id(text: str) -> int:
    if not _is_wire_number(text):
        raise TemplateError(f'entry id "{text}" is not a number from 1 to 65535')
    return int(text)


def _is_wire_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535


def _contexts(words: Iterable[str]) -> tuple[str, ...]:
    contexts = tuple(dict.fromkeys(words))
    if len(contexts) > MAX_CONTEXTS:
        raise TemplateError(f"more than {MAX_CONTEXTS} contexts stand after not; keep those that matter")
    for word in contexts:
        check_literal(word.removeprefix(">"))
        if len(word) > MAX_PHRASE:
            raise TemplateError(f'context "{word}" has more than {MAX_PHRASE} characters; shorten it')
    return contexts
