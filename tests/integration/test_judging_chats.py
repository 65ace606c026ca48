"""What the judge keeps of chat files: every conversation, and a word for each part that was not judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from compline_edge.judging import Judge
from compline_edge.senses.watch import Arrival, Sort
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Abstention, Category
from tests.judging_home import arrival_of, judging

ABUSE = "你就是个老赖\n"
CALM = "您好，请问是张先生吗\n"
BROKEN = '{"msgid": "m2", "action": "send", "from": \n'


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    with judging(tmp_path) as judge:
        yield judge


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    folder = tmp_path / "phone"
    folder.mkdir()
    return folder


def kept(judge: Judge) -> list[Verdict]:
    return judge.home.vault.verdicts()


def evidence(judge: Judge, verdict: Verdict) -> bytes:
    return b"".join(judge.home.vault.evidence(verdict.seq))


def sent(number: int, content: str) -> str:
    line = {
        "msgid": f"m{number}",
        "action": "send",
        "from": "LiLei",
        "tolist": ["wm1"],
        "roomid": "",
        "msgtime": 1_763_860_000_000 + 1_000 * number,
        "msgtype": "text",
        "text": {"content": content.strip()},
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def put(path: Path, text: str) -> Arrival:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
    return arrival_of(path)


def test_chat_when_two_texts_arrive_then_each_is_judged_by_itself(judge: Judge, phone: Path) -> None:
    judge.chat(put(phone / "a.txt", CALM))
    judge.chat(put(phone / "b.txt", ABUSE))
    calm, abusive = kept(judge)
    assert calm.findings == ()
    assert {finding.category for finding in abusive.findings} == {Category.ABUSE}
    assert (calm.supersedes, abusive.supersedes) == (0, 0)


def test_chat_when_a_text_grows_then_its_new_verdict_supersedes_the_old(judge: Judge, phone: Path) -> None:
    judge.chat(put(phone / "a.txt", CALM))
    judge.chat(put(phone / "a.txt", ABUSE))
    calm, grown = kept(judge)
    assert (grown.supersedes, grown.messages) == (calm.seq, 2)


def test_chat_when_a_text_is_rewritten_at_the_same_length_then_it_is_judged_anew(
    judge: Judge, phone: Path
) -> None:
    judge.chat(put(phone / "a.txt", CALM + CALM))
    (phone / "a.txt").write_text(CALM + ABUSE, encoding="utf-8")
    judge.chat(arrival_of(phone / "a.txt"))
    before, after = kept(judge)
    assert (after.supersedes, after.messages, len(after.findings)) == (before.seq, 2, 1)


def test_chat_when_an_export_comes_again_then_its_conversations_are_not_judged_again(
    judge: Judge, phone: Path
) -> None:
    judge.chat(put(phone / "a.jsonl", sent(1, CALM)))
    judge.chat(put(phone / "b.jsonl", sent(1, CALM)))
    assert len(kept(judge)) == 1


def test_chat_when_more_messages_come_than_a_verdict_counts_then_it_is_judged_anew(
    judge: Judge, phone: Path
) -> None:
    judge.chat(put(phone / "a.txt", "好\n" * 65_536))
    judge.chat(put(phone / "a.txt", ABUSE))
    before, after = kept(judge)
    assert (before.messages, after.messages, after.supersedes) == (65_535, 65_535, before.seq)
    assert (before.findings, len(after.findings)) == ((), 1)


def test_chat_when_one_line_is_broken_then_the_rest_is_judged_and_one_verdict_abstains(
    judge: Judge, phone: Path
) -> None:
    judge.chat(put(phone / "a.jsonl", sent(1, ABUSE) + BROKEN + sent(3, CALM)))
    judged, unread = kept(judge)
    assert (judged.messages, judged.coverage, judged.abstained, len(judged.findings)) == (2, 100, None, 1)
    assert (unread.coverage, unread.abstained) == (66, Abstention.UNREADABLE)
    assert evidence(judge, unread) == (phone / "a.jsonl").read_bytes()


def test_chat_when_a_file_with_a_broken_line_grows_then_the_abstention_is_superseded(
    judge: Judge, phone: Path
) -> None:
    judge.chat(put(phone / "a.jsonl", sent(1, CALM) + BROKEN))
    judge.chat(put(phone / "a.jsonl", sent(3, CALM)))
    assert [(v.seq, v.supersedes, v.coverage) for v in kept(judge)] == [
        (1, 0, 100),
        (2, 0, 50),
        (3, 1, 100),
        (4, 2, 66),
    ]


def test_chat_when_a_message_is_too_large_then_a_verdict_abstains_for_it(judge: Judge, phone: Path) -> None:
    judge.chat(put(phone / "a.txt", ABUSE + "x" * 5_000_001 + "\n"))
    judged, unread = kept(judge)
    assert len(judged.findings) == 1
    assert (unread.coverage, unread.abstained) == (50, Abstention.TOO_LARGE)


def test_chat_when_every_line_can_be_read_then_no_verdict_abstains(judge: Judge, phone: Path) -> None:
    judge.chat(put(phone / "a.jsonl", sent(1, ABUSE) + sent(3, CALM)))
    assert [(v.coverage, v.abstained) for v in kept(judge)] == [(100, None)]


def test_chat_when_the_storage_fails_then_a_verdict_without_evidence_abstains(judge: Judge) -> None:
    memory = Path("/proc/self/mem")  # a plain file that opens and gives an error when read
    judge.chat(Arrival(memory, Sort.CHAT, "1-2-0-3b9aca00"))
    (verdict,) = kept(judge)
    assert (verdict.coverage, verdict.abstained, verdict.evidence) == (0, Abstention.UNREADABLE, None)


def test_chat_when_its_file_has_gone_then_a_verdict_without_evidence_abstains(
    judge: Judge, phone: Path
) -> None:
    arrival = put(phone / "a.txt", ABUSE)
    arrival.path.unlink()
    judge.chat(arrival)
    (verdict,) = kept(judge)
    assert (verdict.coverage, verdict.abstained, verdict.evidence) == (0, Abstention.UNREADABLE, None)
    assert verdict.started == int(arrival.changed)


def test_chat_when_its_file_was_only_renamed_then_it_is_judged_under_its_new_name(
    judge: Judge, phone: Path
) -> None:
    arrival = put(phone / "a.txt", ABUSE)
    arrival.path.rename(phone / "b.txt")
    judge.chat(arrival)
    judge.chat(arrival_of(phone / "b.txt"))
    assert [len(v.findings) for v in kept(judge)] == [0, 1]
