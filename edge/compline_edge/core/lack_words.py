"""What is said where a part of the judging is not installed for the language: it goes on without it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, unique


@unique
class Lack(Enum):
    """A part that judging goes on without; the value is the name in logs and in the status."""

    CLASSIFIER = "text_classifier"  # sentences that no phrase catches are not found
    RULES = "rules"  # nothing is made of turns, silences, repetitions; no notice is missed


def judging_without(lacks: Iterable[Lack]) -> str | None:
    """Return what is said of them, Chinese and then English; None where nothing is lacking."""
    return "\n".join(map(_sentence, lacks)) or None


def _sentence(lack: Lack) -> str:
    match lack:
        case Lack.CLASSIFIER:
            return (
                "没有该语言的语句模型：只按词库判定文字，词库之外的说法不会被发现。"
                "请恢复 models 目录，或用 compline-edge selftest 检查。\n"
                "There is no text model for this language: texts are judged by the lexicon alone, and what no phrase "
                "of it catches is not found. Restore the models folder; compline-edge selftest tries it."
            )
        case Lack.RULES:
            return (
                "没有该语言的规则包：不判定未告知、打断、沉默和重复。"
                "请放入 rules/语言/*.rules，可用 compline-edge rules check 检查。\n"
                "There is no rule pack for this language: missing notices, interruptions, silences and repetitions are "
                "not judged. Put one in rules/<language>/*.rules; compline-edge rules check tries it."
            )
