"""Conditions of rules judged on calls that are told like the examples of a pack."""

from __future__ import annotations

from compline_edge.core.evidence import Evidence
from compline_edge.core.noticed import Noticed
from compline_edge.core.outcome import Truth
from compline_edge.core.rule_examples import evidence_of
from compline_edge.core.rules import compile_rules, evaluate
from compline_shared.rule import RulePack
from compline_shared.rule_example import parse_example
from compline_shared.rule_pack import parse_rules

HEAD = "@pack try\n@version 1\n@language zh-CN\n@slot stop = 别再打了 / 不要再打\n"
HELD = 1
OPPOSITE = 2


def pack_of(*conditions: str) -> RulePack:
    """A pack with a rule for each condition, ids from 1."""
    rules = [
        f"{number} | threat | serious | 一条规则 | a rule\n  when: {condition}\n"
        for number, condition in enumerate(conditions, 1)
    ]
    return parse_rules(HEAD + "".join(rules), name="try.rules")


def call(scenes: str) -> Evidence:
    """The call that an example tells."""
    return evidence_of(parse_example(f"+ {scenes}", number=1))


def found(condition: str, evidence: Evidence) -> tuple[Noticed, ...]:
    """What a rule with this condition finds."""
    return evaluate(compile_rules(pack_of(condition)), evidence)


def truth(condition: str, evidence: Evidence) -> Truth:
    """True where the rule fires, false where its opposite does, else unknown."""
    fired = {n.rule for n in evaluate(compile_rules(pack_of(condition, f"not ({condition})")), evidence)}
    assert fired != {HELD, OPPOSITE}
    return Truth.TRUE if HELD in fired else Truth.FALSE if OPPOSITE in fired else Truth.UNKNOWN
