"""The sentences that a text classifier is to learn from: readable, and apart from those that it is measured on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from models.eval.authored_sets import CALLS, rows
from models.text.apart import authored, too_near
from models.text.templates import SENTENCES, Template, expand, read_slots, read_templates

from compline_shared.taxonomy import Category, Role


def test_templates_when_read_then_each_category_has_many_and_lawful_talk_most() -> None:
    found = read_templates()
    sizes = {
        category: sum(category in template.categories for template in found)
        for category in Category
        if Category.ABUSE <= category <= Category.OFF_CHANNEL
    }
    assert min(sizes.values()) >= 590
    assert sum(not template.categories for template in found) >= 1_890
    assert all(template.role is Role.COLLECTOR for template in found if template.categories)


def test_template_when_expanded_then_nothing_of_its_syntax_is_left() -> None:
    slots, chance = read_slots(), random.Random(1)
    for template in read_templates():
        assert not set("[]{}|") & set(expand(template, slots, chance)), template.text


def test_template_when_it_has_choices_and_slots_then_each_combination_comes() -> None:
    template = Template(frozenset(), Role.COLLECTOR, "[您|]好{soft}")
    said = {expand(template, {"soft": ("先生", "女士")}, random.Random(seed)) for seed in range(40)}
    assert said == {"您好先生", "您好女士", "好先生", "好女士"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("threat\tcollector", "a line is categories"),
        ("threat\tsomebody\t好", "collector or debtor"),
        ("menace\tcollector\t好", "no category"),
        ("none\tcollector\t[您[好|]", "brackets"),
        ("none\tcollector\t好{soft}{nobody}", "no slot nobody"),
    ],
)
def test_templates_when_a_line_is_broken_then_file_and_line_are_named(
    tmp_path: Path, line: str, problem: str
) -> None:
    (tmp_path / "slots.tsv").write_text("soft\t先生|女士\n", encoding="utf-8")
    (tmp_path / "some.tsv").write_text(f"none\tcollector\t您好\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"some\.tsv:2: .*{problem}"):
        read_templates(tmp_path)


def test_templates_when_compared_with_what_is_measured_on_then_none_is_near() -> None:
    """Authors who do not know of one another say some things alike; those lines are left out of training."""
    assert list(too_near(read_templates(), authored())) == []


def test_templates_when_compared_with_the_compliant_calls_then_only_what_everybody_says_is_near() -> None:
    turns = [row[-1] for name in CALLS for row in rows(name) if row[2] == "collector" and len(row[-1]) >= 8]
    assert len(turns) > 1_200
    assert {sentence for _, sentence in too_near(read_templates(), turns)} <= {
        "那我说快点，请报一下身份证后四位。",
        "麻烦您了，再见。",
        "感谢您的配合，祝您生活愉快，再见。",
    }


def test_control_apart_when_a_measured_sentence_is_a_template_then_it_is_found() -> None:
    sentence = authored()[0]
    near = Template(frozenset({Category.THREAT}), Role.COLLECTOR, f"[嗯|]{sentence}")
    assert {found for _, found in too_near([near], authored())} == {sentence}


def test_slots_when_read_then_every_one_has_several_fillings() -> None:
    assert all(len(set(options)) >= 6 for options in read_slots(SENTENCES).values())
