"""Loads rule packs from a models folder: `rules/<language>/*.rules`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from compline_edge.senses.pack_files import Form, Loaded, load
from compline_shared.rule import RulePack
from compline_shared.rule_pack import MAX_BYTES, RulePackError, read_rules


def load_rules(models: Path, language: str) -> Loaded[RulePack]:
    """Read all rule packs of `language` under `models` (see `pack_files.load`); there may be none."""
    return load(RULES, models, language)


def _without(pack: RulePack, taken: Collection[int]) -> RulePack:
    return replace(pack, rules=tuple(rule for rule in pack.rules if rule.id not in taken))


RULES = Form(
    folder="rules",
    suffix="rules",
    part="rule",
    most_bytes=MAX_BYTES,
    read=lambda text, name: read_rules(text, name=name),
    parts=lambda pack: pack.rules,
    without=_without,
    refusal=RulePackError,
)
