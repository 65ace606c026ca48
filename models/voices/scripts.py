"""What is to be spoken, to measure, calibrate and train with, in which voice; what is worth most comes first."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence

from models.eval.authored_sets import CALLS, rows
from models.text.corpus import Sample, of_template, templates
from models.text.templates import Template, drawn, expand, read_slots
from models.voices.casting import REHEARSING, TEACHING, Utterance, cast, of_call, of_sentence

from compline_shared.taxonomy import Role

LAWFUL, UNLAWFUL = 260, 220
"""Sentences kept back from training that calibration hears."""
FIRST = 260
"""How many of them are spoken before the calls."""
TAUGHT_LAWFUL, TAUGHT_UNLAWFUL = 0.13, 0.09
"""Shares of the sentences of training that are spoken, so that the classifier learns how they are misheard."""
_UNSPEAKABLE = re.compile(r"[^\u4e00-\u9fff，。！？、；：,!?;…—“”《》 ]")


def sentences() -> Iterator[Utterance]:
    """Yield what is said in calls of the authored sentences: misconduct, then collectors' lawful talk."""
    for _, medium, text in rows("violations.tsv"):
        if medium == "speech":
            yield Utterance(of_sentence(text, "collector"), text)
    for _, who, medium, text in rows("lawful.tsv"):
        if (who, medium) == ("collector", "speech"):
            yield Utterance(of_sentence(text, who), text)


def calls() -> Iterator[Utterance]:
    """Yield the turns of the compliant calls, the later ones first, which nobody has looked at."""
    for name in reversed(CALLS):
        for call, _, who, text in rows(name):
            yield Utterance(of_call(call, who), text)


def rehearsed() -> list[tuple[Utterance, Sample]]:
    """Sentences of the training authors that were kept back, as they are spoken for calibration, in random order."""
    _, kept = templates()
    ordered = sorted((each for each in kept if _speakable(each)), key=lambda each: drawn(_key(each)))
    lawful = [each for each in ordered if not each.categories][:LAWFUL]
    return _spoken([*lawful, *[each for each in ordered if each.categories][:UNLAWFUL]], list(REHEARSING))


def teaching() -> list[tuple[Utterance, Sample]]:
    """Sentences that the classifier is trained on, as they are spoken for it, in random order."""
    return _spoken(to_teach(), list(TEACHING))


def to_teach() -> list[Template]:
    """The templates of these; more of them when others are added, and the same ones as before among them."""
    trained, _ = templates()
    return [
        each
        for each in trained
        if _speakable(each) and drawn(_key(each)) < (TAUGHT_UNLAWFUL if each.categories else TAUGHT_LAWFUL)
    ]


def wanted() -> Iterator[Utterance]:
    """Yield everything."""
    yield from sentences()
    rehearsal = [utterance for utterance, _ in rehearsed()]
    yield from rehearsal[:FIRST]
    yield from calls()
    yield from rehearsal[FIRST:]
    for utterance, _ in teaching():
        yield utterance


def _spoken(chosen: Sequence[Template], voices: Sequence[str]) -> list[tuple[Utterance, Sample]]:
    """Each template in one wording, in random order, as one of the voices says it."""
    slots = read_slots()
    said = []
    for template in sorted(chosen, key=_placed):
        text = expand(template, slots, random.Random(template.text))
        if not _UNSPEAKABLE.search(text):
            said.append(
                (Utterance(cast(voices, text), text), Sample(text, template.role, of_template(template)))
            )
    return said


def _speakable(template: Template) -> bool:
    return template.role is Role.COLLECTOR and not re.search("[A-Za-z0-9]", template.text)


def _key(template: Template) -> str:
    """What draws whether a sentence is spoken."""
    return f"spoken {template.text}"


def _placed(template: Template) -> bytes:
    return hashlib.sha256(f"placed {template.text}".encode()).digest()
