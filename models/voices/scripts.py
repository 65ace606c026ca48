"""What is to be spoken for each measurement and in which voice; first comes what is worth most if a run is stopped."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator

from models.eval.authored_sets import CALLS, rows
from models.text.corpus import Sample, of_template, templates
from models.text.templates import Template, expand, read_slots
from models.voices.casting import REHEARSING, Utterance, cast, of_call, of_sentence

from compline_shared.taxonomy import Role

LAWFUL, UNLAWFUL = 260, 220
"""Sentences kept back from training that calibration hears."""
FIRST = 260
"""How many of them are spoken before the calls."""
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
    spoken = sorted((each for each in kept if _speakable(each)), key=_drawn)
    lawful = [each for each in spoken if not each.categories][:LAWFUL]
    unlawful = [each for each in spoken if each.categories][:UNLAWFUL]
    slots = read_slots()
    found = []
    for template in sorted([*lawful, *unlawful], key=_placed):
        text = expand(template, slots, random.Random(template.text))
        if not _UNSPEAKABLE.search(text):
            said = Utterance(cast(list(REHEARSING), text), text)
            found.append((said, Sample(text, template.role, of_template(template))))
    return found


def wanted() -> Iterator[Utterance]:
    """Yield everything."""
    yield from sentences()
    rehearsal = [utterance for utterance, _ in rehearsed()]
    yield from rehearsal[:FIRST]
    yield from calls()
    yield from rehearsal[FIRST:]


def _speakable(template: Template) -> bool:
    return template.role is Role.COLLECTOR and not re.search("[A-Za-z0-9]", template.text)


def _drawn(template: Template) -> bytes:
    return hashlib.sha256(f"spoken {template.text}".encode()).digest()


def _placed(template: Template) -> bytes:
    return hashlib.sha256(f"placed {template.text}".encode()).digest()
