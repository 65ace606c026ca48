"""Every kind of archived WeCom message is read, and nothing odd stops the reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compline_edge.core.personal import Account, ConversationKey
from compline_edge.core.wecom import TEXT_LIMIT, Recalled, Refused, Sent, Switched, parse_line
from compline_shared.taxonomy import Abstention

UNSUPPORTED = Abstention.UNSUPPORTED


def record(msgtype: str, body: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "msgid": "1001_external",
        "action": "send",
        "from": "XuJinSheng",
        "tolist": ["wmEAlECwAAHrb"],
        "roomid": "",
        "msgtime": 1_763_860_000_123,
        "msgtype": msgtype,
    }
    if body is not None:
        whole[msgtype] = body
    return whole | fields


def parse(value: object) -> object:
    return parse_line(json.dumps(value, ensure_ascii=False).encode(), number=7)


def sent(value: object) -> Sent:
    parsed = parse(value)
    assert isinstance(parsed, Sent)
    return parsed


def test_text_when_sent_then_everything_about_it_is_read() -> None:
    assert parse(record("text", {"content": "请今天还款"})) == Sent(
        line=7,
        msgid="1001_external",
        external=True,
        sender=Account("XuJinSheng"),
        recipients=(Account("wmEAlECwAAHrb"),),
        room=None,
        sent_at=1_763_860_000.123,
        type="text",
        text="请今天还款",
        abstention=None,
    )


def item(kind: str, body: object) -> dict[str, Any]:
    return {"type": kind, "msgtime": 1_763_860_000, "content": json.dumps(body, ensure_ascii=False)}


NESTED = {"title": "里", "item": [item("ChatRecordText", {"content": "内"})]}


@pytest.mark.parametrize(
    ("value", "text", "abstention"),
    [
        (record("markdown", None, info={"content": "**还款**"}), "**还款**", None),
        (record("markdown", {"content": "还款"}), "还款", None),
        (record("link", {"title": "标题", "description": "说明", "link_url": "x"}), "标题\n说明", None),
        (record("weapp", {"title": "a", "description": "b", "displayname": "c"}), "a\nb\nc", None),
        (
            record("news", None, info={"item": [{"title": "a", "description": "b"}, {"title": "c"}]}),
            "a\nb\nc",
            None,
        ),
        (record("news", None, info={"item": ["odd", {"title": "c"}]}), "c", None),
        (record("mixed", {"item": ["odd", 5]}), "", None),
        (record("chatrecord", {"item": [None]}), "", None),
        (record("docmsg", None, doc={"title": "还款计划", "link_url": "x"}), "还款计划", None),
        (record("todo", {"title": "a", "content": "b"}), "a\nb", None),
        (record("vote", {"votetitle": "a", "voteitem": ["b", "c"]}), "a\nb\nc", None),
        (
            record("collect", {"title": "a", "details": [{"id": 1, "ques": "b", "type": "Text"}]}),
            "a\nb",
            None,
        ),
        (record("redpacket", {"wish": "a", "totalamount": 3000}), "a", None),
        (record("external_redpacket", None, redpacket={"wish": "a"}), "a", None),
        (record("meeting", {"topic": "a", "address": "b", "remarks": "c"}), "a\nb\nc", None),
        (record("calendar", {"title": "a", "place": "b", "remarks": "c"}), "a\nb\nc", None),
        (record("location", {"title": "a", "address": "b", "longitude": 1.0}), "a\nb", None),
        (record("sphfeed", {"sph_name": "a", "feed_desc": "b"}), "a\nb", None),
        (record("agree", {"userid": "wm1", "agree_time": 1}), "", None),
        (record("disagree", {"userid": "wm1", "disagree_time": 1}), "", None),
        (record("image", {"md5sum": "a", "sdkfileid": "b"}), "", UNSUPPORTED),
        (record("voice", {"play_length": 10}), "", UNSUPPORTED),
        (record("video", {"play_length": 10}), "", UNSUPPORTED),
        (record("emotion", {"type": 1}), "", UNSUPPORTED),
        (record("file", {"filename": "合同.pdf"}), "合同.pdf", UNSUPPORTED),
        (record("qydiskfile", None, info={"filename": "a.doc"}), "a.doc", UNSUPPORTED),
        (record("card", {"corpname": "a", "userid": "b"}), "a", UNSUPPORTED),
        (record("meeting_voice_call", {"endtime": 1}, voiceid="v"), "", UNSUPPORTED),
        (record("voip_doc_share", {"filename": "a"}, voipid="v"), "", UNSUPPORTED),
        (record("voiptext", None, info={"callduration": 10, "invitetype": 2}), "", UNSUPPORTED),
        (record("hologram", {"content": "a", "title": "b"}), "b\na", UNSUPPORTED),
        (record("hologram"), "", UNSUPPORTED),
        (
            record("mixed", {"item": [item("text", {"content": "a"}), item("text", {"content": "b"})]}),
            "a\nb",
            None,
        ),
        (record("mixed", {"item": [{"type": "text", "content": {"content": "a"}}]}), "a", None),
        (record("mixed", {"item": [item("text", {"content": "a"}), item("image", {})]}), "a", UNSUPPORTED),
        (
            record("chatrecord", {"title": "群", "item": [item("ChatRecordText", {"content": "a"})]}),
            "群\na",
            None,
        ),
        (record("chatrecord", {"title": "外", "item": [item("chatrecord", NESTED)]}), "外\n里\n内", None),
        (record("chatrecord", {"item": [{"type": "ChatRecordText", "content": "plain"}]}), "plain", None),
        (record("chatrecord", {"item": [item("ChatRecordImage", {"md5sum": "a"})]}), "", UNSUPPORTED),
    ],
    ids=lambda value: value["msgtype"] if isinstance(value, dict) else "",
)
def test_message_when_it_is_of_any_type_then_its_words_are_read_and_what_is_none_is_said(
    value: dict[str, Any], text: str, abstention: Abstention | None
) -> None:
    message = sent(value)
    assert (message.text, message.abstention) == (text, abstention)


@pytest.mark.parametrize("kind", ["agree", "disagree"])
def test_consent_when_it_has_only_its_own_time_then_that_is_taken(kind: str) -> None:
    value = record(kind, {"userid": "wm1", f"{kind}_time": 1_763_860_000_000})
    del value["msgtime"]
    assert sent(value).sent_at == 1_763_860_000


@pytest.mark.parametrize("fields", [{"action": "recall"}, {"action": "send"}])
def test_revoke_when_sent_then_it_names_the_message_taken_back(fields: dict[str, str]) -> None:
    parsed = parse(record("revoke", {"pre_msgid": "999"}, **fields))
    assert isinstance(parsed, Recalled)
    assert (parsed.recalled_msgid, parsed.sent_at) == ("999", 1_763_860_000.123)


def test_switch_when_archived_then_it_is_no_message() -> None:
    value = {"msgid": "1", "action": "switch", "time": 1_763_860_000_000, "user": "XuJinSheng"}
    assert parse(value) == Switched(7, "1", 1_763_860_000.0, Account("XuJinSheng"))


def test_room_when_named_then_it_is_the_conversation() -> None:
    assert sent(record("text", {"content": "a"}, roomid="wrErxt")).room == ConversationKey("wrErxt")


def test_text_when_it_spells_half_a_character_then_it_can_still_be_encoded() -> None:
    raw = b'{"from": "a\\ud800", "msgtype": "text", "text": {"content": "b\\udc00"}}'
    parsed = parse_line(raw, number=7)
    assert isinstance(parsed, Sent)
    assert (parsed.sender.reveal(), parsed.text.encode()) == ("a?", b"b?")


@pytest.mark.parametrize(
    ("msgtime", "seconds"),
    [
        ("1763860000123", 1_763_860_000.123),
        (None, None),
        (-1, None),
        (True, None),
        (10**30, None),
        ("soon", None),
    ],
)
def test_time_when_odd_then_it_is_read_or_unknown(msgtime: object, seconds: float | None) -> None:
    assert sent(record("text", {"content": "a"}, msgtime=msgtime)).sent_at == seconds


@pytest.mark.parametrize(
    "fields",
    [
        {"text": None},
        {"text": "a"},
        {"text": []},
        {"text": {"content": 5}},
        {"tolist": "x"},
        {"tolist": [1, None]},
    ],
)
def test_message_when_its_shape_is_odd_then_it_is_still_a_message(fields: dict[str, Any]) -> None:
    assert sent(record("text", None, **fields)).text == ""


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b'{"msgid": "1", "msgty', "line 7 is not valid JSON: export the archive again."),
        (b"\xff\xfe\x00", "line 7 is not valid JSON: export the archive again."),
        (b"[" * 100_000, "line 7 is not valid JSON: export the archive again."),
        (b"[1]", "line 7 is not a JSON object: a message archive has one object a line."),
        (b'{"msgtype": "text"}', "line 7 names no sender: export the archive again."),
        (b'{"from": "a", "text": {}}', "line 7 names no message type: export the archive again."),
    ],
)
def test_line_when_broken_then_a_sentence_names_it(raw: bytes, sentence: str) -> None:
    assert parse_line(raw, number=7) == Refused(7, sentence, Abstention.UNREADABLE)


def test_line_when_still_encrypted_then_it_says_so() -> None:
    raw = b'{"seq": 196, "msgid": "1", "publickey_ver": 3, "encrypt_random_key": "ft", "encrypt_chat_msg": "jk"}'
    parsed = parse_line(raw, number=7)
    assert isinstance(parsed, Refused)
    assert parsed.abstention is Abstention.ENCRYPTED


def test_line_when_it_has_5_mb_then_it_is_refused_unread() -> None:
    raw = json.dumps(record("text", {"content": "x" * 5_000_000})).encode()
    parsed = parse_line(raw, number=7)
    assert parsed == Refused(
        7,
        "line 7 has 5.0 MB, more than the 5 MB of a message: it was left out, split it.",
        Abstention.TOO_LARGE,
    )


def test_text_when_it_is_huge_but_allowed_then_it_is_cut() -> None:
    assert len(sent(record("text", {"content": "x" * 4_000_000})).text) == TEXT_LIMIT


def test_chat_records_when_nested_without_end_then_the_depth_is_bounded() -> None:
    inner: dict[str, Any] = {"item": [item("ChatRecordText", {"content": "a"})]}
    for _ in range(12):
        inner = {"item": [{"type": "chatrecord", "content": inner}]}
    message = sent(record("chatrecord", inner))
    assert (message.text, message.abstention) == ("", UNSUPPORTED)


def test_message_when_printed_then_nobody_and_nothing_is_named() -> None:
    shown = repr(parse(record("text", {"content": "请今天还款"}, roomid="wrRoom")))
    assert all(part not in shown for part in ("还款", "XuJinSheng", "wmEAl", "wrRoom"))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
TYPES = st.sampled_from(
    [
        "text",
        "markdown",
        "mixed",
        "chatrecord",
        "news",
        "vote",
        "collect",
        "revoke",
        "agree",
        "image",
        "hologram",
    ]
)


@given(TYPES, JSON, JSON)
def test_line_when_its_body_is_any_json_then_the_parser_answers(
    kind: str, body: object, items: object
) -> None:
    value = record(kind, None) | {kind: body, "info": {"item": items}}
    assert isinstance(parse(value), Sent | Recalled)


@given(st.binary(max_size=200))
@example(b"")
@example(b'{"from": NaN}')
def test_line_when_it_is_any_bytes_then_the_parser_answers(raw: bytes) -> None:
    assert isinstance(parse_line(raw, number=1), Sent | Recalled | Switched | Refused)
