"""docs/rules.md: its pack is sound, every operator's example parses, every scene too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compline_edge.core.rule_examples import check_examples
from compline_shared.rule_example import parse_example
from compline_shared.rule_grammar import parse_condition
from compline_shared.rule_pack import parse_rules
from compline_shared.rule_reader import Budget, RuleFault

PAGE = (Path(__file__).resolve().parents[2] / "docs/rules.md").read_text("utf-8")
OPERATORS = re.findall(r"^\| [^|]+ \| [^|]+ \| `([^|`]+)` \|$", PAGE, re.M)
SCENES = re.findall(r"^\| `([^|`]+)` \| [^|]+ \|$", PAGE, re.M)


def test_page_when_counted_then_it_has_every_operator_and_scene() -> None:
    assert (len(OPERATORS), len(SCENES)) == (33, 10)


def test_page_when_its_pack_is_read_then_its_examples_hold() -> None:
    pack = re.search(r"```\n(@pack.*?)```", PAGE, re.S)
    assert pack is not None
    assert check_examples(parse_rules(pack[1], name="docs/rules.md")) == ()


@pytest.mark.parametrize("condition", OPERATORS)
def test_operator_when_documented_then_it_parses(condition: str) -> None:
    assert parse_condition(condition, {}, Budget()) is not None


@pytest.mark.parametrize("scene", SCENES)
def test_scene_when_documented_then_it_parses(scene: str) -> None:
    assert len(parse_example(f"+ {scene}", number=1).scenes) == 1


def test_operator_when_it_is_no_operator_then_it_does_not_parse() -> None:
    with pytest.raises(RuleFault):
        parse_condition("collector shouts", {}, Budget())
