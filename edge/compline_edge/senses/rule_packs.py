"""Loads rule packs from a models folder: `rules/<language>/*.rules`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from compline_shared.rule import RulePack
from compline_shared.rule_pack import MAX_BYTES, RulePackError, read_rules


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The packs of a language, and one sentence for each line or file that could not be used."""

    packs: tuple[RulePack, ...]
    problems: tuple[str, ...]

    @property
    def version(self) -> int:
        """Number of the rules on the wire: the highest version among the packs, 0 without any."""
        return max((pack.version for pack in self.packs), default=0)

    def sound(self) -> tuple[RulePack, ...]:
        """Return the packs where nothing was wrong with them.

        Raises:
            RulePackError: with all problems.
        """
        if self.problems:
            raise RulePackError(self.problems)
        return self.packs


def load_rules(models: Path, language: str) -> LoadedRules:
    """Read all packs of `language` under `models`, in order of name; what is broken becomes a problem.

    A rule id belongs to one pack: the second use of it is dropped and named. There may be no pack at all.
    """
    packs: list[RulePack] = []
    problems: list[str] = []
    owners: dict[int, str] = {}
    for path in sorted((models / "rules" / language).glob("*.rules")):
        pack, found = read_file(path)
        problems += found
        if pack is None:
            continue
        if pack.language != language:
            problems.append(f"{path.name}: its language is {pack.language}, its folder's {language}; move it")
            continue
        problems += [
            f"{path.name}:{rule.line}: rule {rule.id}: {owners[rule.id]} has this id; give it a new one"
            for rule in pack.rules
            if rule.id in owners
        ]
        packs.append(replace(pack, rules=tuple(rule for rule in pack.rules if rule.id not in owners)))
        owners |= {rule.id: path.name for rule in packs[-1].rules}
    return LoadedRules(tuple(packs), tuple(problems))


def read_file(path: Path) -> tuple[RulePack | None, tuple[str, ...]]:
    """Read one pack file: the pack of its sound rules, and a sentence for each broken line."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read_rules(raw.decode("utf-8"), name=path.name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return None, (f"{path.name}:{line}: the file is not UTF-8; save it as UTF-8",)
    except OSError as error:
        return None, (
            f"{path.name}: the file cannot be read ({error.strerror}); check that it is there and readable",
        )
