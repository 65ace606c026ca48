"""A pack while its lines are read: each line is taken or becomes one sentence that names its place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from compline_shared.pack import BLOCKS, OWN_ENTRIES, Entry, Pack
from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Severity
from compline_shared.template import MAX_PHRASE, TemplateError, check_literal, parse_template

MAX_ENTRIES = 20_000
MAX_LINE = 4_000
"""Characters of one line."""
MAX_CONTEXTS = 64
MAX_SLOT_VALUES = 128

_SEVERITIES = tuple(severity.code for severity in Severity)
_CATEGORIES = tuple(category.code for category in sorted(SPEECH_CATEGORIES))
_FLAGS = frozenset({"text", "audio", "debtor"})


@dataclass(slots=True)
class Draft:
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
        if entry_id < OWN_ENTRIES and entry_id not in BLOCKS[self.category]:
            block = BLOCKS[self.category]
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
