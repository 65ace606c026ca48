"""Runs the examples that stand in a rule pack."""

from __future__ import annotations

from compline_edge.core.evidence import EmotionShare, Evidence, Side, VoiceLevel
from compline_edge.core.noticed import Noticed
from compline_edge.core.rules import compile_rules, evaluate
from compline_edge.core.speech import SAMPLE_RATE, Utterance
from compline_shared.pack import BLOCKS
from compline_shared.rule import (
    Entries,
    Example,
    Felt,
    Loud,
    OfCategory,
    Pause,
    Recording,
    Rule,
    RulePack,
    Said,
    Sighting,
    Unclear,
)
from compline_shared.taxonomy import Category, Role, Severity, Technique

NARROW_BAND = 8_000
"""Hz of a telephone line, and of an example that says `narrow`."""
SURELY = 90
"""Confidence of what an example says that lexicon or classifier noticed."""


def check_examples(pack: RulePack) -> tuple[str, ...]:
    """Return a sentence, with file and line, for each example of `pack` on which its rule does otherwise."""
    rules = compile_rules(pack)
    problems: list[str] = []
    for rule in pack.rules:
        for example in rule.examples:
            fired = any(noticed.rule == rule.id for noticed in evaluate(rules, evidence_of(example)))
            if fired is not example.fires:
                problems.append(f"{pack.file}:{example.line}: {_difference(rule, example)}")
    return tuple(problems)


def evidence_of(example: Example) -> Evidence:
    """Return the call that an example tells, in two clear channels of 16 kHz unless it says otherwise."""
    scenes = example.scenes
    apart = Recording.MIXED not in scenes

    def heard(role: Role) -> Role:
        return role if apart else Role.UNKNOWN

    said = [scene for scene in scenes if isinstance(scene, Said)]
    unclear = {heard(scene.role) for scene in scenes if isinstance(scene, Unclear)}
    loud = [scene for scene in scenes if isinstance(scene, Loud)]
    felt = [scene for scene in scenes if isinstance(scene, Felt)]
    sides = tuple(
        Side(role, sum(s.end - s.start for s in said if heard(s.role) is role), 1.0, role not in unclear)
        for role in sorted({heard(scene.role) for scene in said} | unclear)
    )
    timed = [scene for scene in scenes if isinstance(scene, Said | Pause | Loud | Sighting)]
    return Evidence(
        duration=max((scene.end for scene in timed), default=0.0),
        utterances=tuple(
            Utterance(s.text, heard(s.role), s.start, s.end, 1.0) for s in sorted(said, key=lambda s: s.start)
        ),
        noticed=tuple(_noticed(s, heard(s.role)) for s in scenes if isinstance(s, Sighting)),
        sides=sides,
        apart=apart,
        sample_rate=_sample_rate(example),
        levels=tuple(VoiceLevel(heard(s.role), s.start, s.end, s.dbfs) for s in loud) or None,
        emotions=tuple(EmotionShare(heard(s.role), s.feeling, s.percent / 100) for s in felt) or None,
    )


def _sample_rate(example: Example) -> int | None:
    if Recording.WRITTEN in example.scenes:
        return None
    return NARROW_BAND if Recording.NARROW in example.scenes else SAMPLE_RATE


def _noticed(scene: Sighting, role: Role) -> Noticed:
    match scene.what:
        case Entries(first=first):
            category, entry = _category_of(first), first
        case OfCategory(category=category):
            entry = 0
    return Noticed(
        category=category,
        severity=Severity.NOTICE,
        confidence=SURELY,
        role=role,
        technique=Technique.LEXICON_TEXT,
        entry=entry,
        phrase="",
        start=scene.start,
        end=scene.end,
    )


def _category_of(entry: int) -> Category:
    """Return the category in whose block an entry stands; a company's own entries count as notices here."""
    blocks = (category for category, block in BLOCKS.items() if entry in block)
    return next(blocks, Category.MISSING_DISCLOSURE)


def _difference(rule: Rule, example: Example) -> str:
    if example.fires:
        return f"rule {rule.id} does not fire on this example; widen its conditions, or write - before the example"
    return f"rule {rule.id} fires on this example; narrow its conditions, or write + before the example"
