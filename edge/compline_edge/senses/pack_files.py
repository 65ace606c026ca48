"""Loads packs, of whatever form, from a models folder: `<form>/<language>/*.<suffix>`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from compline_shared.errors import PackError

PackT = TypeVar("PackT", bound="AnyPack")


class Numbered(Protocol):
    """An entry or a rule."""

    @property
    def id(self) -> int:
        """Its number on the wire."""
        ...

    @property
    def line(self) -> int:
        """Where it stands in its file."""
        ...


class AnyPack(Protocol):
    """What every pack says of itself."""

    @property
    def version(self) -> int:
        """Its number on the wire."""
        ...

    @property
    def language(self) -> str:
        """BCP 47 tag."""
        ...


@dataclass(frozen=True, slots=True)
class Form(Generic[PackT]):
    """One form of packs: where their files lie, how they are read, and what they are made of."""

    folder: str
    suffix: str
    part: str  # the word for one of `parts`
    most_bytes: int
    read: Callable[[str, str], tuple[PackT | None, tuple[str, ...]]]  # text and the file's name
    parts: Callable[[PackT], Sequence[Numbered]]
    without: Callable[[PackT, Collection[int]], PackT]  # the pack without the parts that have these ids
    refusal: Callable[[tuple[str, ...]], PackError]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[PackT]):
    """The packs of a language, and one sentence for each line or file that could not be used."""

    form: Form[PackT]
    packs: tuple[PackT, ...]
    problems: tuple[str, ...]

    @property
    def version(self) -> int:
        """Number of these packs on the wire: the highest version among them, 0 without any."""
        return max((pack.version for pack in self.packs), default=0)

    def sound(self) -> tuple[PackT, ...]:
        """Return the packs where nothing was wrong with them.

        Raises:
            PackError: that of the form, with all problems.
        """
        if self.problems:
            raise self.form.refusal(self.problems)
        return self.packs


def load(form: Form[PackT], models: Path, language: str) -> Loaded[PackT]:
    """Read all packs of `language` under `models`, in order of name; what is broken becomes a problem.

    An id belongs to one pack: the second use of it is dropped and named.
    """
    packs: list[PackT] = []
    problems: list[str] = []
    owners: dict[int, str] = {}
    for path in sorted((models / form.folder / language).glob(f"*.{form.suffix}")):
        pack, found = read_file(form, path)
        problems += found
        if pack is None:
            continue
        if pack.language != language:
            problems.append(f"{path.name}: its language is {pack.language}, its folder's {language}; move it")
            continue
        problems += clashes(form, pack, name=path.name, owners=owners)
        packs.append(form.without(pack, owners))
        owners |= {part.id: path.name for part in form.parts(packs[-1])}
    return Loaded(form, tuple(packs), tuple(problems))


def clashes(form: Form[PackT], pack: PackT, *, name: str, owners: Mapping[int, str]) -> list[str]:
    """Return a sentence for each id of a pack that another file has already."""
    return [
        f"{name}:{part.line}: {form.part} {part.id}: {owners[part.id]} has this id; give it a new one"
        for part in form.parts(pack)
        if part.id in owners
    ]


def read_file(form: Form[PackT], path: Path) -> tuple[PackT | None, tuple[str, ...]]:
    """Read one pack file: the pack of what is sound in it, and a sentence for each broken line."""
    try:
        with path.open("rb") as file:
            raw = file.read(form.most_bytes + 1)
        return form.read(raw.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return None, (f"{path.name}:{line}: the file is not UTF-8; save it as UTF-8",)
    except OSError as error:
        return None, (
            f"{path.name}: the file cannot be read ({error.strerror}); check that it is there and readable",
        )
