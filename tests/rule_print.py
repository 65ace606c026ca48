"""Writes rules as their author would: reading what is written gives the same rules again."""

from __future__ import annotations

from compline_shared.rule import (
    AllOf,
    Anchor,
    Anchored,
    And,
    AnyOf,
    Comparison,
    Condition,
    Duration,
    Emotion,
    Entries,
    Example,
    Felt,
    Interruptions,
    Level,
    LongInterruption,
    Loud,
    NoneOf,
    Not,
    OfCategory,
    Or,
    Pause,
    Rate,
    Recording,
    RelativeLevel,
    Repeated,
    Rule,
    RulePack,
    Said,
    Saying,
    Scene,
    Sighting,
    Silence,
    Similar,
    Through,
    Unclear,
    Wording,
)
from compline_shared.taxonomy import Role


def print_pack(pack: RulePack) -> str:
    """Return the whole file of a pack."""
    head = [f"@pack {pack.name}", f"@version {pack.version}", f"@language {pack.language}"]
    head += [f"@slot {name} = {' / '.join(values)}" for name, values in pack.slots]
    return "\n".join([*head, *(f"\n{_rule(rule)}" for rule in pack.rules)]) + "\n"


def print_condition(condition: Condition) -> str:
    """Return a condition in one line."""
    match condition:
        case And(parts=parts):
            return " and ".join(_part(part) for part in parts)
        case Or(parts=parts):
            return " or ".join(
                f"({print_condition(p)})" if isinstance(p, Or) else print_condition(p) for p in parts
            )
        case Not(part=part):
            return f"not {_part(part)}"
        case Anchored(test=test, anchors=anchors):
            return " ".join([print_condition(test), *map(_anchor, anchors)])
        case AnyOf(who=who, sayings=sayings):
            return f"{_who(who)}any{_sayings(sayings)}"
        case AllOf(who=who, sayings=sayings):
            return f"{_who(who)}all{_sayings(sayings)}"
        case NoneOf(who=who, sayings=sayings):
            return f"{_who(who)}none{_sayings(sayings)}"
        case Similar(who=who, percent=percent, wordings=wordings):
            return f"{_who(who)}similar {percent}% {_sayings(wordings)}"
        case Repeated(who=who, times=times, within=within, sayings=sayings):
            return f"{_who(who)}repeated {_times(times, within)} {_sayings(sayings)}"
        case Silence(who=who, seconds=seconds):
            return f"{_who(who)}silence longer than {seconds:g} s"
        case Rate(who=who, comparison=comparison, syllables=syllables):
            return f"{_who(who)}rate {comparison.value} {syllables:g} syllables/s"
        case Interruptions(who=who, times=times, within=within):
            return f"{_who(who)}interrupts {_times(times, within)}"
        case LongInterruption(who=who, seconds=seconds):
            return f"{_who(who)}interrupts longer than {seconds:g} s"
        case Level(who=who, comparison=comparison, dbfs=dbfs, lasting=lasting):
            return f"{_who(who)}level {comparison.value} {dbfs:g} dBFS{_lasting(lasting)}"
        case RelativeLevel(who=who, comparison=comparison, decibels=decibels, lasting=lasting):
            return f"{_who(who)}level {comparison.value} median by {decibels:g} dB{_lasting(lasting)}"
        case Emotion(who=who, feeling=feeling, percent=percent):
            return f"{_who(who)}emotion {feeling.value} above {percent}%"
        case Duration(comparison=comparison, seconds=seconds):
            word = "longer" if comparison is Comparison.ABOVE else "shorter"
            return f"duration {word} than {seconds:g} s"
        case Through(medium=medium):
            return medium.value


def _rule(rule: Rule) -> str:
    head = f"{rule.id} | {rule.category.code} | {rule.severity.code} | {rule.sentence} | {rule.gloss}"
    conditions = [f"    when: {print_condition(condition)}" for condition in rule.conditions]
    return "\n".join([head, *conditions, *(f"    {_example(example)}" for example in rule.examples)])


def _part(condition: Condition) -> str:
    text = print_condition(condition)
    return f"({text})" if isinstance(condition, And | Or) else text


def _anchor(anchor: Anchor) -> str:
    relation = anchor.relation.value
    where = relation if anchor.within is None else f"within {anchor.within:g} s {relation}"
    target = print_condition(anchor.target)
    bare = not isinstance(anchor.target, Anchored | And | Or | Not)
    return f"{where} {target}" if bare else f"{where} ({target})"


def _who(who: Role | None) -> str:
    return "" if who is None else f"{who.code} "


def _sayings(sayings: tuple[Saying, ...]) -> str:
    return f"({' / '.join(map(_saying, sayings))})"


def _saying(saying: Saying) -> str:
    match saying:
        case Wording(text=text):
            return text
        case Entries() | OfCategory():
            return _sighting(saying)


def _sighting(what: Entries | OfCategory) -> str:
    match what:
        case Entries(first=first, last=last):
            return f"entry {first}" if first == last else f"entry {first} to {last}"
        case OfCategory(category=category):
            return f"category {category.code}"


def _times(times: int, within: float | None) -> str:
    return f"{times} times" if within is None else f"{times} times in {within:g} s"


def _lasting(lasting: float) -> str:
    return f" for {lasting:g} s" if lasting else ""


def _example(example: Example) -> str:
    return f"{'+' if example.fires else '-'} {' ; '.join(map(_scene, example.scenes))}"


def _scene(scene: Scene) -> str:
    match scene:
        case Said(role=role, start=start, end=end, text=text):
            return f"{role.code} {start:g}-{end:g} {text}"
        case Pause(start=start, end=end):
            return f"silence {start:g}-{end:g}"
        case Loud(role=role, start=start, end=end, dbfs=dbfs):
            return f"level {role.code} {start:g}-{end:g} {dbfs:g} dBFS"
        case Felt(role=role, feeling=feeling, percent=percent):
            return f"emotion {role.code} {feeling.value} {percent}%"
        case Sighting(role=role, start=start, end=end, what=what):
            return f"noticed {role.code} {start:g}-{end:g} {_sighting(what)}"
        case Unclear(role=role):
            return f"unclear {role.code}"
        case Recording():
            return scene.value
