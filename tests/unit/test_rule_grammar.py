"""Reading the conditions of rules: every operator, and how each mistake is named with its line."""

from __future__ import annotations

import pytest

from compline_shared.rule import (
    AllOf,
    Anchor,
    Anchored,
    And,
    AnyOf,
    Comparison,
    Condition,
    Duration,
    Emotion,
    Entries,
    Feeling,
    Interruptions,
    Level,
    LongInterruption,
    Medium,
    NoneOf,
    Not,
    OfCategory,
    Or,
    Rate,
    Relation,
    RelativeLevel,
    Repeated,
    Silence,
    Similar,
    Through,
)
from compline_shared.rule_pack import parse_rules
from compline_shared.taxonomy import Category, Role
from tests.rule_lines import FIRST, HEAD, MORE, RULE, YES, problem_of, wording
from tests.rule_print import print_pack

COLLECTOR, OTHER = Role.COLLECTOR, Role.OTHER


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("any(好的 / 还有吗)", AnyOf(None, (YES, MORE))),
        ("any(好的/好的)", AnyOf(None, (YES,))),
        ("any（好的／还有吗）", AnyOf(None, (YES, MORE))),
        ("collector all(<stop>)", AllOf(COLLECTOR, (wording("<stop>"),))),
        ("other none({不要/别}再打)", NoneOf(OTHER, (wording("{不要/别}再打"),))),
        ("unknown any([请]不要~4再打)", AnyOf(Role.UNKNOWN, (wording("[请]不要~4再打"),))),
        ("any(entry 2001 / entry 9000 to 9499)", AnyOf(None, (Entries(2001, 2001), Entries(9000, 9499)))),
        ("any(category third_party)", AnyOf(None, (OfCategory(Category.THIRD_PARTY),))),
        ("any(category threat / 好的)", AnyOf(None, (OfCategory(Category.THREAT), YES))),
        ("similar 80% (好的)", Similar(None, 80, (YES,))),
        ("repeated 3 times (好的)", Repeated(None, 3, None, (YES,))),
        ("repeated 3 times in 2.5 s (好的)", Repeated(None, 3, 2.5, (YES,))),
        ("collector silence longer than 8 s", Silence(COLLECTOR, 8)),
        ("rate above 6.5 syllables/s", Rate(None, Comparison.ABOVE, 6.5)),
        ("rate below 2 syllables/s", Rate(None, Comparison.BELOW, 2)),
        ("interrupts 3 times", Interruptions(None, 3, None)),
        ("interrupts 3 times in 60 s", Interruptions(None, 3, 60)),
        ("interrupts longer than 2 s", LongInterruption(None, 2)),
        ("level above -20 dBFS", Level(None, Comparison.ABOVE, -20, 0)),
        ("level below -60 dBFS for 3 s", Level(None, Comparison.BELOW, -60, 3)),
        ("level above median by 10 dB for 3 s", RelativeLevel(None, Comparison.ABOVE, 10, 3)),
        ("collector emotion angry above 60%", Emotion(COLLECTOR, Feeling.ANGRY, 60)),
        ("duration longer than 600 s", Duration(Comparison.ABOVE, 600)),
        ("duration shorter than 20 s", Duration(Comparison.BELOW, 20)),
        ("spoken", Through(Medium.SPOKEN)),
        ("written", Through(Medium.WRITTEN)),
        (
            "any(好的) before any(还有吗)",
            Anchored(AnyOf(None, (YES,)), (Anchor(Relation.BEFORE, None, AnyOf(None, (MORE,))),)),
        ),
        (
            "any(好的) within 30 s of any(还有吗) after (silence longer than 1 s)",
            Anchored(
                AnyOf(None, (YES,)),
                (
                    Anchor(Relation.NEAR, 30, AnyOf(None, (MORE,))),
                    Anchor(Relation.AFTER, None, Silence(None, 1)),
                ),
            ),
        ),
        (
            "none(好的) within 5 s after (any(还有吗) and not any(好的))",
            Anchored(
                NoneOf(None, (YES,)),
                (Anchor(Relation.AFTER, 5, And((AnyOf(None, (MORE,)), Not(AnyOf(None, (YES,)))))),),
            ),
        ),
        (
            "any(好的) or not (any(还有吗) or any(好的)) and any(还有吗)",
            Or(
                (
                    AnyOf(None, (YES,)),
                    And((Not(Or((AnyOf(None, (MORE,)), AnyOf(None, (YES,))))), AnyOf(None, (MORE,)))),
                )
            ),
        ),
    ],
)
def test_condition_when_sound_then_it_is_read_and_written_the_same(text: str, condition: Condition) -> None:
    pack = parse_rules(f"{HEAD}{RULE}  when: {text}\n", name="try.rules")
    assert pack.rules[0].conditions == (condition,)
    assert parse_rules(print_pack(pack), name="again.rules") == pack


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the end of the line is no test; write one of any, all"),
        ("collector", "the end of the line is no test"),
        ("anything(好的)", '"anything" is no test; write one of any, all'),
        ("any 好的", '"好" stands where a list in ( ) is expected; write phrases divided by /'),
        ("any(好的", '"(" stands where a list in ( ) is expected'),
        ("any()", 'a list has an empty place; write a phrase between each "/"'),
        ("any(好的 / )", "a list has an empty place"),
        ("any(打138)", '"1" is a digit; a lexicon must not ask for numbers'),
        ("any(打call)", '"c" is a Latin letter; write Chinese characters only'),
        ("any(王丽娟)", '"王丽娟" looks like a person\'s name'),
        ("any(王~2丽娟)", "a run beside a gap has fewer than 2 characters"),
        ("any(老王 / 好的)", '"老王" looks like a person\'s name'),
        ("any(朝阳小区)", '"朝阳小区" looks like the name of one place'),
        ("any(一三八零零)", '"一三八零零" spells a number'),
        ("any(<none>)", "slot <none> is not defined"),
        ("any(entry 0)", '"0" is not a number from 1 to 65535; write "entry 2001"'),
        ("any(entry 9 to 8)", '"8" is not a number from 9 to 65535'),
        ("any(entry 2001.5)", '"2001.5" is not a whole number'),
        ("any(entry 1 2)", '"2" follows where the line should end; divide a list by /'),
        ("any(category fun)", 'category "fun" is not one of abuse, threat'),
        ("any(category quiet_hours)", 'category "quiet_hours" is not one of abuse, threat'),
        (f"any({' / '.join('好' + chr(0x4E00 + n) for n in range(65))})", "a list has more than 64 phrases"),
        ("similar 80 (好的)", '"(" stands where "%" is expected; write "similar 80% (...)"'),
        ("similar 50% (好的)", '"50" is not a number from 60 to 100'),
        ("similar 80% (category threat)", "similar takes phrases only; write any(...)"),
        ("similar 80% (不要~4再打)", '"不要~4再打" has a gap'),
        (
            "similar 80% ({你/我/他/她/它}{好/坏/大/小/多}{吗/呢/吧})",
            "the list of similar stands for more than 64",
        ),
        ("repeated 1 times (好的)", '"1" is not a number from 2 to 100; write "repeated 3 times (...)"'),
        ("repeated 3 (好的)", '"(" stands where "times" is expected'),
        ("repeated 3 times in 60 (好的)", '"(" stands where "s" is expected'),
        ("silence over 3 s", '"over" stands where "longer" is expected; write "silence longer than 10 s"'),
        ("silence longer than 0 s", '"0" is not a number from 0.1 to 86400'),
        ("silence longer than 1.25 s", '"1.25" is not a number from 0.1 to 86400'),
        ("rate above 99 syllables/s", '"99" is not a number from 0.1 to 30'),
        ("rate above 6", 'the end of the line stands where "syllables/s" is expected'),
        ("rate over 6 syllables/s", '"over" stands where "above" is expected'),
        ("interrupts 2 times in x", '"x" is not a number'),
        ("interrupts longer 2 s", '"2" stands where "than" is expected'),
        ("level above 20 dBFS", '"20" is not a number from -120 to 0; write "level above -20 dBFS"'),
        ("level above median 10 dB", '"10" stands where "by" is expected'),
        ("level above median by 90 dB", '"90" is not a number from 1 to 60'),
        ("level above -20 dB", '"dB" stands where "dBFS" is expected'),
        (
            "emotion agner above 60%",
            '"agner" is no emotion; write "emotion angry above 60%" with one of angry',
        ),
        ("emotion angry above 100%", '"100" is not a number from 0 to 99'),
        ("duration over 60 s", '"over" stands where "shorter" is expected; write "duration longer'),
        (
            "collector duration longer than 60 s",
            '"duration" is of the whole call, not of one side; leave the role out',
        ),
        ("other spoken", '"spoken" is of the whole call, not of one side; leave the role out'),
        ("spoken after any(好的)", "emotion, duration, spoken and written belong to the whole call"),
        (
            "any(好的) any(好的)",
            '"any" follows where the line should end; join conditions with "and" or "or"',
        ),
        ("(any(好的)", 'the end of the line stands where ")" is expected; write a ) for each ('),
        ("any(好的))", '")" follows where the line should end'),
        (
            "(any(好的) or any(还有吗)) after any(好的)",
            '"after" follows a bracket; write it behind each test',
        ),
        ("any(好的) after none(好的)", 'what follows "after" happens at no moment'),
        ("any(好的) before (any(好的) or not any(好的))", 'what follows "before" happens at no moment'),
        ("any(好的) after (none(好的) after any(好的))", 'what follows "after" happens at no moment'),
        ("any(好的) within 3 s any(好的)", '"any" says no side; write "within 30 s of"'),
        ("any(好的) within 3 of any(好的)", '"of" stands where "s" is expected'),
        (
            "duration longer than 3 s after any(好的)",
            "emotion, duration, spoken and written belong to the whole call",
        ),
        (
            "emotion angry above 3% after any(好的)",
            "emotion, duration, spoken and written belong to the whole call",
        ),
        ("any(好的)" + " after any(好的)" * 5, "a test has more than 4 anchors"),
        ("(" * 9 + "any(好的)" + ")" * 9, "brackets and nots stand more than 8 deep"),
        ("not " * 9 + "any(好的)", "brackets and nots stand more than 8 deep"),
        (" and ".join(["any(好的)"] * 33), "the line has more than 32 tests"),
    ],
)
def test_condition_when_broken_then_the_sentence_names_file_line_and_remedy(text: str, what: str) -> None:
    assert problem_of(f"when: {text}").startswith(f"try.rules:{FIRST}: rule 7: {what}")
