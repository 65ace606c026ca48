"""What the collector is told of the binding and its lease: what will happen, when, and what prevents it."""

from __future__ import annotations

from typing import Final

from compline_edge.core.binding_life import Life, Wiping
from compline_edge.core.lease import Account, Standing, standing
from compline_shared.reports import BindingState, Cause

OPEN_AGAIN: Final = (
    "保险库已重新打开，恢复正常工作。\nThe vault is open again; calls and chats are judged as before."
)
"""What ends a warning or a freezing."""


def told(life: Life, account: Account | None) -> str | None:
    """Return the sentence to show, Chinese and then English; None while there is nothing to say."""
    match life.state:
        case BindingState.BOUND:
            return None if account is None else _leased(life, account)
        case BindingState.FROZEN:
            return _frozen(life, account)
        case BindingState.WIPING | BindingState.WIPED:
            return _wiped(life)


def outlook(life: Life, account: Account | None) -> str:
    """Return what to say when somebody asks: as `told`, and what will happen where nothing has to be told yet."""
    sentence = told(life, account)
    if sentence is not None or account is None:
        return sentence or ""
    times = life.terms.times
    match standing(account, times):
        case Standing.GOOD | Standing.WARNED:
            return (
                f"租期正常。若一直连不到门店服务器，约{_hours(times.warn - account.used)}小时后提醒，"
                f"约{_hours(times.freeze - account.used)}小时后冻结保险库；连上一次即可续期。\n"
                "The lease is good. Without meeting its hub this phone warns in about "
                f"{_hours(times.warn - account.used)} hours and freezes its vault in about "
                f"{_hours(times.freeze - account.used)}; meeting it once renews the lease."
            )
        case Standing.ENDED:
            return (
                "租期已到。程序下次运行时保险库将被冻结；连到门店网络即可恢复，不会丢失任何内容。\n"
                "The lease is over. The vault freezes when the agent runs next; meeting the hub opens it again, and "
                "nothing is lost."
            )
        case Standing.LAPSED:
            return (
                "租期早已结束。程序下次运行时密钥将被销毁，记录不可恢复。\n"
                "The lease ended long ago. When the agent runs next, the vault's keys are destroyed and nothing "
                "brings it back."
            )


def slot_means(*, rollback_resistant: bool) -> str:
    """Return what the kind of key slot means, Chinese and then English."""
    if rollback_resistant:
        return (
            "密钥保存在本机的安全芯片里：即使有人早先复制过文件，冻结或擦除之后也打不开。\n"
            "The keys lie in a chip of this phone: whoever copied its files earlier cannot open what was frozen or "
            "wiped since."
        )
    return (
        "密钥保存在文件里：有人若在绑定期间连同密钥文件一起复制过，冻结或擦除之后仍能打开那份副本。\n"
        "The keys lie in a file: whoever copied it together with the vault while this phone was bound can open that "
        "copy even after a freeze or wipe."
    )


def _leased(life: Life, account: Account) -> str | None:
    times = life.terms.times
    if standing(account, times) is not Standing.WARNED:
        return None
    hours = _hours(times.freeze - account.used)
    return (
        f"本机已很久没有连到门店服务器。再过约{hours}小时，保险库将被冻结，记录无法打开；"
        "到办公室网络停留几分钟即可续期，不会丢失任何内容。\n"
        f"This phone has not met its hub for long. In about {hours} hours its vault freezes and cannot be opened; "
        "a few minutes on the office network renew it, and nothing is lost."
    )


def _frozen(life: Life, account: Account | None) -> str:
    left = 0 if account is None else max(0.0, life.terms.times.destroy - account.running)
    days = int(left // 86_400)
    if life.cause is Cause.COMMAND:
        return (
            "本机已解除绑定，保险库已封存。只有门店重新绑定后才能打开；未送达的结论仍会送出。\n"
            "This phone was unbound and its vault is sealed. Only the branch opens it again, by binding it anew; "
            "verdicts that are owed still leave."
        )
    return (
        f"租期已到，保险库已冻结。连到门店网络即可恢复；若再开机运行约{days}天仍未连接，密钥将被销毁，记录不可恢复。\n"
        "The lease is over and the vault is frozen. Meeting the hub opens it again; after about "
        f"{days} more days of running without that, its keys are destroyed and nothing brings it back."
    )


def _wiped(life: Life) -> str:
    if isinstance(life.stage, Wiping):
        return "正在擦除保险库。\nThe vault is being wiped."
    return (
        "保险库已擦除，无法恢复。要继续使用，请由门店重新配对。\n"
        "The vault was wiped and cannot be brought back. To go on, let the branch pair this phone anew."
    )


def _hours(seconds: float) -> int:
    return max(0, int(seconds // 3_600))
