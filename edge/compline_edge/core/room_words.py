"""What the collector is told when calls and chats are not judged for want of room, and when they are again."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

JUDGING_AGAIN: Final = (
    "已恢复判定；等待期间的通话和聊天会补判。\n"
    "Calls and chats are judged again; those that had to wait are judged now."
)


@unique
class Shortage(Enum):
    """Why nothing is judged; the value is the name in logs and in the status."""

    DISK = "disk"  # less than the reserve is free
    OUTBOX = "outbox"  # the hub has not taken anything for long
    FAILING = "failing"  # the disk answers with errors


def judging_stopped(shortage: Shortage) -> str:
    """Return what is said of a shortage, Chinese and then English."""
    match shortage:
        case Shortage.DISK:
            return (
                "存储空间不足，已停止判定通话和聊天；已保存的内容没有丢失。请清理手机空间，之后会自动补判。\n"
                "Too little storage is free: calls and chats are not judged now, and nothing that was kept is lost. "
                "Free some space on this phone; what waits is judged by itself then."
            )
        case Shortage.OUTBOX:
            return (
                "待发送的结论已达上限，已停止判定通话和聊天；已保存的内容没有丢失。请把手机带到门店网络，之后会自动补判。\n"
                "Too many verdicts wait for the hub: calls and chats are not judged now, and nothing that was kept is "
                "lost. Bring this phone to the office network; what waits is judged by itself then."
            )
        case Shortage.FAILING:
            return (
                "手机存储出现读写错误，已停止判定通话和聊天；请尽快联系门店更换手机或存储卡。存储恢复后会自动补判。\n"
                "This phone's storage answers with errors: calls and chats are not judged now. Let the branch replace "
                "the phone or its card soon; what waits is judged by itself once storage works."
            )
