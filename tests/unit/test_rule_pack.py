"""Reading rule packs: what is understood, and how each mistake is named with its line."""

from __future__ import annotations

import pytest

from compline_shared.rule import (
    AnyOf,
    Entries,
    Example,
    Feeling,
    Felt,
    Loud,
    OfCategory,
    Pause,
    Recording,
    Said,
    Sighting,
    Unclear,
)
from compline_shared.rule_pack import MAX_RULES, RulePackError, parse_rules, read_rules
from compline_shared.taxonomy import Category, Role, Severity
from tests.rule_lines import FIRST, HEAD, RULE, YES, problem_of
from tests.rule_print import print_pack

COLLECTOR, OTHER = Role.COLLECTOR, Role.OTHER


def test_pack_when_sound_then_everything_is_read() -> None:
    pack = parse_rules(f"{HEAD}{RULE}  when: any(好的)\n  + collector 0-3 好的\n", name="try.rules")
    rule = pack.rules[0]
    assert (pack.name, pack.version, pack.language, pack.file) == ("try", 3, "zh-CN", "try.rules")
    assert pack.slots == (("stop", ("别再打了", "不要再打")),)
    assert (rule.id, rule.category, rule.severity, rule.line) == (
        7,
        Category.THREAT,
        Severity.VETO,
        FIRST - 1,
    )
    assert rule.conditions == (AnyOf(None, (YES,)),)
    assert rule.examples == (Example(True, (Said(COLLECTOR, 0, 3, "好的"),), FIRST + 1),)
    assert pack.sentences == {7: ("多次威胁，应当停止。", "threatens again and again")}


def test_example_when_sound_then_every_scene_is_read_and_written_the_same() -> None:
    scenes = (
        "- collector 0-3 你好；other 3-5.5 你说 ; silence 5-20 ; level collector 0-3 -20 dBFS ; mixed ; narrow ; "
        "emotion other sad 70% ; noticed collector 3-4 category threat ; noticed other 3-4 entry 2001 ; "
        "noticed collector 1-2 entry 9000 to 9499 ; unclear other ; written ; unknown 1-2 喂"
    )
    pack = parse_rules(f"{HEAD}{RULE}  when: any(好的)\n  {scenes}\n", name="try.rules")
    assert pack.rules[0].examples[0].scenes == (
        Said(COLLECTOR, 0, 3, "你好"),
        Said(OTHER, 3, 5.5, "你说"),
        Pause(5, 20),
        Loud(COLLECTOR, 0, 3, -20),
        Recording.MIXED,
        Recording.NARROW,
        Felt(OTHER, Feeling.SAD, 70),
        Sighting(COLLECTOR, 3, 4, OfCategory(Category.THREAT)),
        Sighting(OTHER, 3, 4, Entries(2001, 2001)),
        Sighting(COLLECTOR, 1, 2, Entries(9000, 9499)),
        Unclear(OTHER),
        Recording.WRITTEN,
        Said(Role.UNKNOWN, 1, 2, "喂"),
    )
    assert parse_rules(print_pack(pack), name="again.rules") == pack


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("collector 你好", '"collector 你好" is no scene; write "collector 0-3 你好"'),
        ("collector 0 你好", '"0" is no stretch of time; write seconds from start to end, for example 0-3.5'),
        ("collector 5-3 你好", '"5-3" is no stretch of time'),
        ("collector 0-99999 你好", '"0-99999" is no stretch of time'),
        ("silence x", '"x" is no stretch of time'),
        ("", '"" is no scene'),
        ("loud", '"loud" is no scene'),
        ("level collector 0-3 20 dBFS", '"20" is not a number from -120 to 0'),
        ("level collector 0-3 -20 dBFS now", '"now" follows where the line should end; divide scenes by ;'),
        ("level me 0-3 -20 dBFS", '"level me 0-3 -20 dBFS" is no scene'),
        ("emotion me angry 3%", '"emotion me angry 3%" is no scene'),
        ("emotion collector fine 3%", '"fine" is no emotion'),
        ("emotion collector sad 3% now", '"now" follows where the line should end'),
        ("noticed me 0-3 entry 3", '"noticed me 0-3 entry 3" is no scene'),
        ("noticed collector 0-3 abuse", '"abuse" stands where "entry" is expected; write "category threat"'),
        ("noticed collector 0-3 entry 3 4", '"4" follows where the line should end'),
        ("unclear me", '"unclear me" is no scene'),
        (f"collector 0-3 {'好' * 201}", "somebody says more than 200 characters in one scene"),
        (" ; ".join(["mixed"] * 65), "the example has more than 64 scenes"),
    ],
)
def test_example_when_broken_then_the_sentence_names_file_line_and_remedy(text: str, what: str) -> None:
    (problem,) = read_rules(f"{HEAD}{RULE}  when: any(好的)\n  + {text}\n", name="try.rules")[1]
    assert problem.startswith(f"try.rules:{FIRST + 1}: rule 7: {what}")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("7 | threat | veto | 威胁", "a rule begins with 5 fields divided by |, this line has 4; write"),
        ("0 | threat | veto | 威胁 | t", 'rule id "0" is not a number from 1 to 65535; choose a free one'),
        ("٣ | threat | veto | 威胁 | t", 'rule id "٣" is not a number'),
        ("7 | fun | veto | 威胁 | t", 'rule 7: category "fun" is not one of abuse'),
        (
            "7 | threat | bad | 威胁 | t",
            'rule 7: severity "bad" is not one of notice, warning, serious, veto',
        ),
        ("7 | threat | veto | 威胁1 | t", 'rule 7: "1" is a digit'),
        ("7 | threat | veto | 威胁王丽娟 | t", 'rule 7: "威胁王丽娟" looks like a person'),
        ("7 | threat | veto |  | t", "rule 7: a literal is empty"),
        (f"7 | threat | veto | {'好' * 41} | t", "rule 7: the Chinese sentence has more than 40 characters"),
        ("7 | threat | veto | 威胁 | ", "rule 7: the English sentence has not 1 to 120 printable"),
        (
            f"7 | threat | veto | 威胁 | {'t' * 121}",
            "rule 7: the English sentence has not 1 to 120 printable",
        ),
        ("  when: any(好的)", "an indented line stands under no rule"),
        (
            "@category threat",
            '"@category" is not one of @pack, @version, @language, @slot; write one of them',
        ),
        ("@slot stop = 好的", 'slot "stop" is no new name'),
        ("x" * 4001, "the line has more than 4000 characters; divide it"),
    ],
)
def test_head_when_broken_then_the_sentence_names_file_line_and_remedy(line: str, what: str) -> None:
    assert read_rules(HEAD + line, name="try.rules")[1][0].startswith(f"try.rules:{FIRST - 1}: {what}")


def test_line_when_it_is_neither_condition_nor_example_then_it_is_named() -> None:
    assert problem_of("whem: any(好的)").startswith(
        f'try.rules:{FIRST}: rule 7: the line begins with "whem:"; begin it with "when:"'
    )


def test_rule_when_it_has_no_condition_then_it_is_named() -> None:
    (problem,) = read_rules(HEAD + RULE, name="try.rules")[1]
    assert problem.startswith(f"try.rules:{FIRST - 1}: rule 7: it has no condition; write an indented line")


def test_rule_when_its_id_stands_twice_then_the_second_is_named_with_the_first() -> None:
    good = f"{RULE}  when: any(好的)\n"
    pack, problems = read_rules(HEAD + good + good, name="try.rules")
    assert problems == (
        f"try.rules:{FIRST + 1}: rule 7: the id stands already in line {FIRST - 1}; give it a new one",
    )
    assert pack is not None
    assert len(pack.rules) == 1


def test_rule_when_it_has_too_many_lines_then_the_next_one_is_named() -> None:
    lines = "  when: any(好的)\n" * 17 + "  + mixed\n" * 65
    problems = read_rules(HEAD + RULE + lines, name="try.rules")[1]
    assert [problem.partition("; ")[0] for problem in problems] == [
        f"try.rules:{FIRST + 16}: rule 7: it has more than 16 lines of conditions",
        f"try.rules:{FIRST + 17 + 64}: rule 7: it has more than 64 examples",
    ]


def test_pack_when_rules_are_broken_then_all_are_named_and_the_rest_is_read() -> None:
    rules = "".join(
        f"{number} | threat | veto | 威胁 | t\n  when: {condition}\n"
        for number, condition in ((1, "any(好1)"), (2, "any(好的)"), (3, "bad"))
    )
    pack, problems = read_rules(HEAD + rules, name="try.rules")
    assert pack is not None
    assert ([rule.id for rule in pack.rules], len(problems)) == ([2], 2)


def test_pack_when_strict_and_lines_are_broken_then_all_problems_are_raised_together() -> None:
    with pytest.raises(RulePackError) as raised:
        parse_rules(HEAD + "@x\n@y", name="try.rules")
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("key", ["pack", "version", "language"])
def test_pack_when_its_header_lacks_a_line_then_it_is_named_and_nothing_is_read(key: str) -> None:
    text = "\n".join(line for line in HEAD.splitlines() if not line.startswith(f"@{key}"))
    pack, problems = read_rules(text, name="try.rules")
    assert pack is None
    assert problems[0].startswith(f'try.rules:1: the header has no sound line "@{key} ..."')


def test_pack_when_larger_than_the_bound_then_it_is_refused_unread() -> None:
    pack, problems = read_rules("#" * (2**20 + 1), name="big.rules")
    assert (pack, problems) == (
        None,
        ("big.rules:1: the file is larger than 1048576 bytes; divide it in several packs",),
    )


def test_pack_when_it_has_more_rules_than_the_bound_then_the_next_one_is_named() -> None:
    rules = "".join(
        f"{number} | threat | veto | 威胁 | t\n  when: any(好的)\n" for number in range(1, MAX_RULES + 3)
    )
    pack, problems = read_rules(HEAD + rules, name="big.rules")
    assert pack is not None
    assert len(pack.rules) == MAX_RULES
    assert problems == (
        f"big.rules:{FIRST - 1 + 2 * MAX_RULES}: the pack has more than 1000 rules; divide it in several packs",
    )


def test_pack_when_it_stands_for_too_many_phrases_then_the_rest_is_refused_unread() -> None:
    many = "any({你/我/他/她}{好/坏/大/小}{多/少/长/短}{吗/呢/吧/啊}{来/去})"  # 512 phrases
    broken = "any({你/我/他/她}{好/坏/大/小}{多/少/长/短}{吗/呢/吧/啊}{来/去/打}1)"
    rules = "".join(
        f"{number} | threat | veto | 威胁 | t\n  when: {many if number % 2 else broken}\n"
        for number in range(1, 101)
    )
    problems = read_rules(HEAD + rules, name="big.rules")[1]
    assert sum("more than 50000 phrases" in problem for problem in problems) == 2
