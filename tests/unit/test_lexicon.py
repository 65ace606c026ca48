"""Reading packs: what is understood, and how each mistake is named with its line."""

from __future__ import annotations

import pytest

from compline_shared.lexicon import MAX_LINE, LexiconError, parse_pack, read_pack
from compline_shared.taxonomy import Category, Severity

HEAD = """# a comment
@pack try        # trailing comment
@version 3
@language zh-CN
@slot family = 家人 / 父母
@not threat = 没有人会 / >是违法的
@category threat
"""
FIRST = HEAD.count("\n") + 1


def _problems(lines: str) -> tuple[str, ...]:
    return read_pack(HEAD + lines, name="try.lex")[1]


def test_pack_when_sound_then_it_has_its_header() -> None:
    pack = parse_pack(HEAD, name="try.lex")
    assert (pack.name, pack.version, pack.language, pack.entries) == ("try", 3, "zh-CN", ())


def test_entry_when_sound_then_every_field_is_read() -> None:
    line = "2001 | veto | 去找你<family> | not: 不会 / >不对 | 找家人 | goes to the family | text debtor"
    entry = parse_pack(HEAD + line, name="try.lex").entries[0]
    assert (
        entry.id,
        entry.category,
        entry.severity,
        entry.excluded,
        entry.excluded_after,
        entry.canonical,
        entry.gloss,
        (entry.in_text, entry.in_audio, entry.debtor),
        entry.line,
    ) == (
        2001,
        Category.THREAT,
        Severity.VETO,
        ("不会", "没有人会"),
        ("不对", "是违法的"),
        "找家人",
        "goes to the family",
        (True, False, True),
        FIRST,
    )


def test_slots_when_defined_after_their_use_then_they_are_found() -> None:
    line = "2001 | veto | 去找<boss> | not: - | 找领导 | goes to the boss\n@slot boss = 领导"
    assert parse_pack(HEAD + line, name="try.lex").entries[0].template.expansions == 1


def test_canonical_when_asked_then_it_maps_ids_to_phrases() -> None:
    assert parse_pack(HEAD + "2001 | veto | 去找你 | not: - | 找家人 | g", name="t").canonical == {
        2001: "找家人"
    }


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            "2003 | bad | 打断腿 | not: - | 打 | g",
            'entry 2003: severity "bad" is not one of notice, warning, serious, veto',
        ),
        ("2003 | veto | 打断腿 | not: -", "an entry has 6 or 7 fields divided by |, this line has 4"),
        ("2003 | veto | 打断腿 | - | 打 | g", 'entry 2003: the fourth field "-" does not begin with "not:"'),
        ("99999 | veto | 打断腿 | not: - | 打 | g", 'entry id "99999" is not a number from 1 to 65535'),
        ("٣ | veto | 打断腿 | not: - | 打 | g", 'entry id "٣" is not a number from 1 to 65535'),
        ("1003 | veto | 打断腿 | not: - | 打 | g", "entry 1003: threat entries are 2000 to 2999"),
        ("2003 | veto | 打断1腿 | not: - | 打 | g", 'entry 2003: "1" is a digit'),
        ("2003 | veto | 打断x腿 | not: - | 打 | g", 'entry 2003: "x" is a Latin letter'),
        ("2003 | veto | 打断，腿 | not: - | 打 | g", 'entry 2003: "，" is not allowed here'),
        ("2003 | veto | 打断{腿/{手}} | not: - | 打 | g", 'entry 2003: "{" opens or closes nothing'),
        ("2003 | veto | 打断{腿/} | not: - | 打 | g", "entry 2003: an option is empty"),
        ("2003 | veto | 打断{腿1/手} | not: - | 打 | g", 'entry 2003: "1" is a digit'),
        ("2003 | veto | 打断<leg> | not: - | 打 | g", "entry 2003: slot <leg> is not defined"),
        ("2003 | veto | 打断~9你的腿 | not: - | 打 | g", 'entry 2003: gap "~9" has no size from 1 to 8'),
        (
            "2003 | veto | 打断~2腿 | not: - | 打 | g",
            "entry 2003: a run beside a gap has fewer than 2 characters",
        ),
        (
            "2003 | veto | 打断~2的腿~2还有~2他们 | not: - | 打 | g",
            "entry 2003: the template has 3 gaps, above 2",
        ),
        ("2003 | veto | 打 | not: - | 打 | g", 'entry 2003: phrase "打" has not 2 to 32 characters'),
        ("2003 | veto | 打王先生 | not: - | 打 | g", 'entry 2003: "打王先生" looks like a person\'s name'),
        (
            "2003 | veto | 打{王/我们}先生 | not: - | 打 | g",
            'entry 2003: "打王先生" looks like a person\'s name',
        ),
        ("2003 | veto | 打一三八零 | not: - | 打 | g", 'entry 2003: "打一三八零" spells a number'),
        ("2003 | veto | 打断腿 | not: a | 打 | g", 'entry 2003: "a" is a Latin letter'),
        ("2003 | veto | 打断腿 | not: 不 / | 打 | g", "entry 2003: a literal is empty"),
        ("2003 | veto | 打断腿 | not: - | 打138 | g", 'entry 2003: "1" is a digit'),
        ("2003 | veto | 打断腿 | not: - | 打 |  ", "entry 2003: the gloss has not 1 to 80 characters"),
        (
            "2003 | veto | 打断腿 | not: - | 打 | g | text audio",
            'entry 2003: flags "audio text" are not text or audio',
        ),
        ("2003 | veto | 打断腿 | not: - | 打 | g | loud", 'entry 2003: flags "loud" are not text or audio'),
        (
            f"2003 | veto | 打断腿 | not: - | {'打' * 25} | g",
            "entry 2003: the canonical phrase has more than 24",
        ),
        ("@category nonsense", 'category "nonsense" is not one of abuse, threat'),
        ("@nonsense", '"@nonsense" is not one of @pack, @version'),
        ("@slot family = 我", 'slot "family" is no new name'),
        ("@slot other", '"@slot other" has no "="'),
        ("@not threat = 1", '"1" is a digit'),
        ("@version 65536", '@version "65536" is not a number from 1 to 65535'),
        ("@pack 中文", '@pack "中文" is not 1 to 40 Latin letters'),
        (
            f"2003 | veto | {'打' * MAX_LINE} | not: - | 打 | g",
            f"the line has more than {MAX_LINE} characters",
        ),
        (
            f"2003 | veto | 打断腿 | not: {' / '.join(map(chr, range(0x4E00, 0x4E41)))} | 打 | g",
            "entry 2003: more than 64",
        ),
        (f"2003 | veto | 打断腿 | not: {'打' * 33} | 打 | g", "entry 2003: context"),
        (f"@slot many = {' / '.join(map(chr, range(0x4E20, 0x4EB0)))}", "slot many has more than 128 values"),
        (
            "2003 | veto | 打[<family>]" + "{你/我/他}" * 6 + " | not: - | 打 | g",
            "entry 2003: the template stands for 2187",
        ),
        ("2003 | veto | 打{" + "<family>" * 10 + "} | not: - | 打 | g", 'entry 2003: "<family>'),
    ],
)
def test_line_when_broken_then_the_sentence_names_file_line_and_remedy(line: str, what: str) -> None:
    problems = _problems(line)
    assert problems[0].startswith(f"try.lex:{FIRST}: {what}")


def test_entry_when_its_id_stands_twice_then_the_second_is_named_with_the_first() -> None:
    good = "2001 | veto | 打断腿 | not: - | 打 | g"
    assert _problems(f"{good}\n{good}")[0].startswith(
        f"try.lex:{FIRST + 1}: entry 2001: the id stands already in line {FIRST}"
    )


def test_entry_when_it_stands_under_no_category_then_it_is_named() -> None:
    text = "@pack a\n@version 1\n@language zh\n2001 | veto | 打断腿 | not: - | 打 | g"
    assert "stands under no category" in read_pack(text, name="a")[1][0]


def test_pack_when_lines_are_broken_then_all_are_named_and_the_rest_is_read() -> None:
    lines = "\n".join(
        f"{line} | not: - | 打 | g"
        for line in ("2001 | bad | 打腿", "2002 | veto | 打腿", "2003 | veto | 打1")
    )
    pack, problems = read_pack(HEAD + lines, name="try.lex")
    assert pack is not None
    assert ([entry.id for entry in pack.entries], len(problems)) == ([2002], 2)


def test_pack_when_strict_and_a_line_is_broken_then_all_problems_are_raised_together() -> None:
    with pytest.raises(LexiconError) as raised:
        parse_pack(HEAD + "@x\n@y", name="try.lex")
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("key", ["pack", "version", "language"])
def test_pack_when_its_header_lacks_a_line_then_it_is_named_and_nothing_is_read(key: str) -> None:
    text = "\n".join(line for line in HEAD.splitlines() if not line.startswith(f"@{key}"))
    pack, problems = read_pack(text, name="try.lex")
    assert (pack, problems[0].startswith(f'try.lex:1: the header has no sound line "@{key} ..."')) == (
        None,
        True,
    )


def test_pack_when_it_has_more_entries_than_the_bound_then_the_next_one_is_refused() -> None:
    lines = "\n".join(f"{number} | veto | 打断腿 | not: - | 打断腿 | g" for number in range(20_000, 40_001))
    pack, problems = read_pack(HEAD + lines, name="big.lex")
    assert pack is not None
    assert (len(pack.entries), len(problems), "more than 20000 entries" in problems[0]) == (20_000, 1, True)


def test_pack_when_larger_than_the_bound_then_it_is_refused_unread() -> None:
    pack, problems = read_pack("#" * (8 * 2**20 + 1), name="big.lex")
    assert (pack, "larger than" in problems[0]) == (None, True)
