"""What a template stands for."""

from __future__ import annotations

import pytest

from compline_edge.core.template import Phrase, phrases
from compline_shared.lexicon import parse_pack

HEAD = "@pack a\n@version 1\n@language zh-CN\n@slot boss = 领导 / 老板\n@category threat\n"


def _phrases(template: str) -> tuple[Phrase, ...]:
    pack = parse_pack(f"{HEAD}2001 | veto | {template} | not: - | 找领导 | g", name="a")
    return phrases(pack.entries[0])


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("打断腿", ["打断腿"]),
        ("打断[你]腿", ["打断腿", "打断你腿"]),
        ("{找/见}老板", ["找老板", "见老板"]),
        ("找<boss>", ["找领导", "找老板"]),
        ("找{你<boss>/人}", ["找你领导", "找你老板", "找人"]),
        ("找[<boss>]去", ["找去", "找领导去", "找老板去"]),
        ("打{断/断}腿", ["打断腿"]),
        ("打[打]打[打]", ["打打", "打打打", "打打打打"]),
    ],
)
def test_template_when_expanded_then_every_phrase_comes_once(template: str, texts: list[str]) -> None:
    assert [phrase.text for phrase in _phrases(template)] == texts


def test_template_when_it_has_gaps_then_phrases_are_divided_by_them() -> None:
    assert _phrases("去单位~2找到<boss>~8闹一闹")[0] == Phrase(("去单位", "找到领导", "闹一闹"), (2, 8))
