"""What a pack may not ask for by name, and the ordinary words that must stay free; every name is made up."""

from __future__ import annotations

import pytest
from faker import Faker

from compline_shared.lexicon import parse_pack, read_pack
from compline_shared.ordinary_words import ordinary_words
from compline_shared.person_names import SURNAMES, person_in
from compline_shared.template import TemplateError, check_literal
from tests.privacy.day import RUOXI, ZIXUAN

HEAD = "@pack try\n@version 1\n@language zh-CN\n@category privacy\n"
ENTRY = "7001 | notice | {} | not: {} | {} | one of them\n"
LEAST_REFUSED = 0.97
"""Of made-up names whose surname is on the list; measured 0.99."""


def _problems(template: str, *, context: str = "-", canonical: str = "找到你") -> tuple[str, ...]:
    return read_pack(HEAD + ENTRY.format(template, context, canonical), name="try.lex")[1]


def _made_up(count: int) -> list[str]:
    faker = Faker("zh_CN")
    faker.seed_instance(7)
    names = (str(faker.name()) for _ in range(10 * count))
    return [name for name in names if name[0] in SURNAMES][:count]


@pytest.mark.parametrize(
    "template",
    [
        RUOXI.name,
        ZIXUAN.name,
        "王丽娟",
        "李强",
        "找{王丽娟/李强}",
        "去找王丽娟还钱",
        "让[你]{丽/刘}{芳/娟}{还钱/出来}",
        "把钱转给钱美玲",
        "诸葛明亮",
        "上官~2若汐",
        "找高先生",
        "告诉老王",
        "叫小陈出来",
        "他姓赵吗",
        "联系万总",
        "陈某某的案子",
    ],
)
def test_entry_when_it_names_a_person_then_it_is_refused_with_its_line(template: str) -> None:
    (problem,) = _problems(template)
    assert problem.startswith("try.lex:5: entry 7001: ")
    assert "looks like a person's name" in problem


@pytest.mark.parametrize(
    "template",
    [
        "去龙华区民治街道找你",
        "你在{民治/南湖}街道",
        "到朝阳区找你",
        "去人民路堵你",
        "住幸福小区",
        "回清河村闹",
        "去阳光花园",
    ],
)
def test_entry_when_it_names_a_place_then_it_is_refused_with_its_line(template: str) -> None:
    (problem,) = _problems(template)
    assert problem.startswith("try.lex:5: entry 7001: ")
    assert "looks like the name of one place" in problem


@pytest.mark.parametrize(
    ("context", "canonical", "line"),
    [
        ("王丽娟", "找到你", ENTRY),
        ("-", "找李强", ENTRY),
        ("-", "找到你", "@slot who = 客户 / 李强\n" + ENTRY),
    ],
)
def test_name_when_it_stands_in_a_context_a_canonical_phrase_or_a_slot_then_it_is_refused(
    context: str, canonical: str, line: str
) -> None:
    problems = read_pack(HEAD + line.format("找到你", context, canonical), name="try.lex")[1]
    assert [problem[:10] for problem in problems] == ["try.lex:5:"]


@pytest.mark.parametrize(
    "template",
    [
        "把钱转到我{卡上/的账户}",
        "马上还钱",
        "高利贷",
        "你[们]小区的人",
        "打到这张卡",
        "去你单位找你{领导/经理}",
        "派出所和法院",
        "你们村委会",
        "走夜路小心",
        "我是市公安局的",
        "走投无路",
        "街道办的人",
        "任何人都知道",
        "让你们全家没脸见人",
        "支付宝转账",
        "申请减免",
        "方便时还一下",
        "周末去你家",
        "温馨提示",
        "成立专案组",
    ],
)
def test_entry_when_it_holds_ordinary_words_only_then_it_loads(template: str) -> None:
    assert parse_pack(HEAD + ENTRY.format(template, "-", "找到你"), name="try.lex").entries


def test_made_up_names_when_each_is_an_entry_then_nearly_all_are_refused() -> None:
    names = _made_up(2_000)
    assert sum(person_in(name) is not None for name in names) / len(names) >= LEAST_REFUSED


def test_made_up_names_when_only_surname_and_title_are_looked_for_then_too_few_are_refused() -> None:
    names = _made_up(2_000)
    assert sum(name.endswith(("先生", "女士")) for name in names) / len(names) < LEAST_REFUSED


def test_ordinary_words_when_read_then_each_has_two_to_four_characters() -> None:
    assert {len(word) for word in ordinary_words()} == {2, 3, 4}


def test_ordinary_words_when_asked_for_the_personas_then_none_holds_their_surnames() -> None:
    assert not {RUOXI.name[:2], ZIXUAN.name[:2]} & ordinary_words()


@pytest.mark.parametrize("word", ["高兴", "方正", "高兴旺"])
def test_name_when_it_is_made_of_ordinary_words_then_it_gets_through(word: str) -> None:
    assert check_literal(word) == word


def test_literal_when_a_place_and_a_person_stand_in_it_then_it_is_refused() -> None:
    with pytest.raises(TemplateError, match="王丽娟"):
        check_literal("去人民路找王丽娟")
