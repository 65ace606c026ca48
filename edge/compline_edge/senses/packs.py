"""Loads lexicon packs from a models folder: `lexicons/<language>/*.lex`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compline_shared.lexicon import MAX_BYTES, LexiconError, Pack, read_pack


@dataclass(frozen=True, slots=True)
class Loaded:
    """The packs of a language, and one sentence for each line or file that could not be used."""

    packs: tuple[Pack, ...]
    problems: tuple[str, ...]

    @property
    def version(self) -> int:
        """Number of the lexicon on the wire: the highest version among the packs, 0 without any."""
        return max((pack.version for pack in self.packs), default=0)

    def sound(self) -> tuple[Pack, ...]:
        """Return the packs where nothing was wrong with them.

        Raises:
            LexiconError: with all problems.
        """
        if self.problems:
            raise LexiconError(self.problems)
        return self.packs


def load_packs(models: Path, language: str) -> Loaded:
    """Read all packs of `language` under `models`, in order of name; what is broken becomes a problem.

    An entry id belongs to one pack: the second use of it is dropped and named.
    """
    packs: list[Pack] = []
    problems: list[str] = []
    folder = models / "lexicons" / language
    files = sorted(folder.glob("*.lex"))
    if not files:
        problems.append(
            f"{language}: its folder has no lexicon (*.lex); put one there or choose another folder"
        )
    owners: dict[int, str] = {}
    for path in files:
        pack, found = read_file(path)
        problems += found
        if pack is None:
            continue
        if pack.language != language:
            problems.append(f"{path.name}: its language is {pack.language}, its folder's {language}; move it")
            continue
        problems += [
            f"{path.name}:{entry.line}: entry {entry.id}: {owners[entry.id]} has this id; give it a new one"
            for entry in pack.entries
            if entry.id in owners
        ]
        packs.append(_without(pack, owners))
        owners |= {entry.id: path.name for entry in pack.entries}
    return Loaded(tuple(packs), tuple(problems))


def read_file(path: Path) -> tuple[Pack | None, tuple[str, ...]]:
    """Read one pack file: the pack of its sound lines, and a sentence for each broken one."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read_pack(raw.decode("utf-8"), name=path.name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return None, (f"{path.name}:{line}: the file is not UTF-8; save it as UTF-8",)
    except OSError as error:
        return None, (
            f"{path.name}: the file cannot be read ({error.strerror}); check that it is there and readable",
        )


def _without(pack: Pack, taken: dict[int, str]) -> Pack:
    entries = tuple(entry for entry in pack.entries if entry.id not in taken)
    return Pack(pack.name, pack.version, pack.language, entries)
