"""What the collector is told of how strict the branch is: what is judged otherwise than as calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compline_shared.strictness import CategoryStrictness, Points
from compline_shared.taxonomy import Category

AS_CALIBRATED: Final = (
    "门店策略：各类别重新按模型标定判定。\nThe branch's policy: every category is judged as calibrated again."
)
"""What ends a sentence of `judged_by`."""
_CHINESE: Final = {
    Category.ABUSE: "辱骂",
    Category.THREAT: "威胁",
    Category.THIRD_PARTY: "骚扰第三人",
    Category.IMPERSONATION: "冒充",
    Category.OVER_PROMISE: "过度承诺",
    Category.IMPROPER_PAYMENT: "不当收款",
    Category.PRIVACY: "侵犯隐私",
    Category.OFF_CHANNEL: "脱离渠道",
    Category.MISSING_DISCLOSURE: "未告知",
    Category.ANGER: "情绪激动",
    Category.MANNER: "通话方式",
}


def judged_by(strictness: Sequence[CategoryStrictness]) -> str | None:
    """Return the sentences, Chinese and then English; None where every category is judged as calibrated."""
    silenced = [each.category for each in strictness if each.silenced]
    graded = [(each.category, each.points) for each in strictness if each.points is not None]
    sentences = [_silenced(silenced)] if silenced else []
    sentences += [_graded(graded)] if graded else []
    return "\n".join(sentences) or None


def _silenced(categories: Sequence[Category]) -> str:
    chinese = "、".join(_CHINESE[category] for category in categories)
    english = ", ".join(category.code for category in categories)
    return (
        f"门店策略：以下类别不再判定，无论由词库、规则还是模型发现：{chinese}。\n"
        f"The branch's policy: nothing of these categories is told, whatever finds it: {english}."
    )


def _graded(graded: Sequence[tuple[Category, Points]]) -> str:
    chinese = "；".join(
        f"{_CHINESE[category]} {points.review}/{points.whisper}/{points.alarm}" for category, points in graded
    )
    english = "; ".join(
        f"{category.code} {points.review}/{points.whisper}/{points.alarm}" for category, points in graded
    )
    return (
        f"门店策略：按以下置信度（%）复核/提醒/告警：{chinese}。\n"
        f"The branch's policy: review, whisper and alarm from these confidences (%) on: {english}."
    )
