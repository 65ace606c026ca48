"""What is said where a part of the judging is not installed for the language: it goes on without it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, unique


@unique
class Lack(Enum):
    """A part that judging goes on without; the value is the name in logs and in the status."""

    CLASSIFIER = "text_classifier"  # sentences that no phrase catches are not found
    RULES = "rules"  # nothing is made of turns, silences, repetitions; no notice is missed
    LANGUAGE_MODEL = "language_model"  # speech is read greedily, with more of its characters wrong
    EMOTION = "emotion_model"  # nobody's anger is noticed
    VOICES = "speaker_model"  # on one channel nobody knows who speaks
    DOUBT = "doubt_points"  # what was not followed is judged as if it had been


def judging_without(lacks: Iterable[Lack]) -> str | None:
    """Return what is said of them, Chinese and then English; None where nothing is lacking."""
    return "\n".join(map(_sentence, lacks)) or None


def _sentence(lack: Lack) -> str:
    match lack:
        case Lack.CLASSIFIER:
            return (
                "没有该语言的语句模型：只按词库判定文字，词库之外的说法不会被发现。"
                "随程序附带的是普通话的模型：请恢复 models 目录，或用 compline-edge selftest 检查。\n"
                "There is no text model for this language: texts are judged by the lexicon alone, and what no phrase "
                "of it catches is not found. The one for Mandarin comes with the program: restore the models folder; "
                "compline-edge selftest tries it."
            )
        case Lack.RULES:
            return (
                "没有该语言的规则包：不判定未告知、打断、沉默和重复。"
                "请放入 rules/语言/*.rules，可用 compline-edge rules check 检查。\n"
                "There is no rule pack for this language: missing notices, interruptions, silences and repetitions are "
                "not judged. Put one in rules/<language>/*.rules; compline-edge rules check tries it."
            )
        case Lack.LANGUAGE_MODEL:
            return (
                "没有该语言的语言模型：通话文字的错字更多，词库之外的违规更少被发现。"
                "随程序附带的是普通话的模型：请恢复 models 目录。\n"
                "There is no language model for this language: more characters of heard text are wrong, and less of "
                "what no phrase catches is found in calls. The one for Mandarin comes with the program: "
                "restore the models folder."
            )
        case Lack.EMOTION:
            return (
                "没有该语言的情绪模型：不判定愤怒。随程序附带的是普通话的模型：请恢复 models 目录。\n"
                "There is no emotion model for this language: anger is not judged. The one for Mandarin comes with the "
                "program: restore the models folder."
            )
        case Lack.VOICES:
            return (
                "没有声纹模型：单声道录音中不知道谁在说话，只会提示，不会报警。请恢复 models 目录。\n"
                "There is no speaker model: in recordings of one channel it is not known who speaks, so that nothing "
                "is more than a warning there. Restore the models folder."
            )
        case Lack.DOUBT:
            return (
                "没有存疑标准：听不清的通话也会照常判定，不会注明。请恢复 models 目录。\n"
                "There are no points of doubt: speech that was not followed is judged as if it had been, and nothing "
                "says so. Restore the models folder."
            )
