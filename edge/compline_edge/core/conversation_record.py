"""How a conversation is known again, and what of it is kept as evidence."""

from __future__ import annotations

import hashlib
import json

from compline_edge.core.conversation import Conversation


def source_of(conversation: Conversation, *, file: str) -> str:
    """Name a conversation by its first message, or by its file where that tells neither id nor time."""
    first = conversation.messages[0]
    place = first.line if not first.msgid else 0
    name = f"{conversation.key.reveal()}\x00{first.msgid}\x00{place}\x00{first.sent_at}"
    if not first.msgid and first.sent_at is None:
        name += f"\x00{file}\x00{first.text}"  # the text, for an inode is given away again
    return "chat:" + hashlib.sha256(name.encode()).hexdigest()[:32]


def evidence_of(conversation: Conversation) -> bytes:
    """Return the JSON lines that are kept sealed: what was written, by whom and when."""
    lines = (
        {
            "msgid": message.msgid,
            "from": message.sender.reveal() if message.sender else None,
            "sent_at": message.sent_at,
            "type": message.type,
            "text": message.text,
            "recalls": message.recalls,
        }
        for message in conversation.messages
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
