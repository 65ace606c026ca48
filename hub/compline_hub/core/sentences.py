"""Says in a sentence why an order was not taken, was refused, or waits; Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compline_hub.core.orders import Reason

SENTENCES: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.WIPED: (
        "这部手机的数据已经销毁，不能再对它下命令；要继续使用，请重新配对。",
        "This handset's vault is destroyed and takes no more orders; pair the handset anew to use it again.",
    ),
    Reason.ALREADY_FROZEN: (
        "这部手机已经解绑（冻结），或解绑命令正在路上；用 commands 查看。",
        "This handset is frozen already, or the freeze is on its way; see `compline-hub commands`.",
    ),
    Reason.ALREADY_BOUND: (
        "这部手机没有被解绑；因离线过久而冻结的，下次联系上会自动恢复。",
        "This handset is not unbound; one that froze because it heard no hub thaws by itself when it is heard again.",
    ),
    Reason.WIPE_UNDER_WAY: (
        "这部手机的擦除命令已经下达；用 commands 查看，用 approve 批准。",
        "A wipe of this handset is ordered already; see `compline-hub commands`, and approve it if it waits.",
    ),
    Reason.NO_OPERATORS: (
        "这部手机还不认识两位批准人，不能擦除；请先用 operator add 添加，等手机确认后再试。",
        "This handset does not know two operators who could approve a wipe; add them with `compline-hub operator add`"
        " and wait until it has confirmed that.",
    ),
    Reason.TOO_MANY_WIPES: (
        "一小时内已有 3 次擦除；更多需要总部批准，本版本还不能接收总部批准，请稍后再试。可先解绑（冻结）。",
        "Three wipes were ordered within the hour; more need central's approval, which this version cannot take yet:"
        " wait, and unbind (freeze) meanwhile.",
    ),
    Reason.TOO_FEW_OPERATORS: (
        "至少要保留两位批准人，否则再也无法批准擦除。",
        "At least two operators must remain, or no wipe could be approved any more; add another first.",
    ),
    Reason.SECRETS_LOST: (
        "主机从旧备份恢复，没有这部手机当前绑定的密钥，冻结后将无法恢复；请恢复更新的备份，或擦除后重新配对。",
        "This hub came back from a backup older than the handset's last rebind and lacks its present secrets: what is"
        " frozen now cannot be thawed. Restore a newer backup, or wipe the handset and pair it anew.",
    ),
    Reason.NOT_AN_OPERATOR: (
        "批准不是由这部手机认识的批准人签署的；请核对密钥文件，用 operator list 查看。",
        "The approval is not signed by an operator whom this handset knows; check the key file against"
        " `compline-hub operator list`.",
    ),
    Reason.ALREADY_APPROVED: (
        "这位批准人已经批准过；需要另一位。",
        "This operator has approved it already; another one is needed.",
    ),
    Reason.NOTHING_TO_APPROVE: (
        "这条命令不需要批准，或已经结束。",
        "This command needs no approval, or is at its end already.",
    ),
    Reason.COLLECTOR_ELSEWHERE: (
        "这位催收员已经在用另一部手机；请先解绑那一部，或擦除这一部。",
        "The collector works with another handset now; unbind that one first, or wipe this one.",
    ),
    Reason.LATER_ORDER: (
        "被之后的命令取代。",
        "A later order took its place.",
    ),
    Reason.OLD_POLICY: (
        "手机上已有更新的策略；请重新下达。",
        "A newer policy is in force on the handset; order it anew.",
    ),
    Reason.WRONG_EPOCH: (
        "手机处于另一个绑定期；正在重新签发。",
        "The handset is in another epoch of its binding; the command is signed anew.",
    ),
    Reason.OLD_NONCE: (
        "命令回答的是过期的随机数；正在重新签发。",
        "It answered a nonce that is no longer good; the command is signed anew.",
    ),
    Reason.NOT_APPROVED: (
        "手机没有收到两位它认识的批准人的签名，拒绝执行；请核对批准人名单后重新下达。",
        "The handset did not find two approvals of operators whom it knows; check the operators and order it anew.",
    ),
    Reason.TOO_OFTEN: (
        "手机一小时内收到过多未经批准的擦除，暂不受理；稍后自动重试。",
        "The handset got too many wipes without approval within the hour; it is tried again later.",
    ),
    Reason.WRONG_STATE: (
        "手机当前的状态不适用这条命令；请查看手机状态后再决定。",
        "The handset is in a state that the command does not fit; look at its state and decide anew.",
    ),
    Reason.UNOPENED: (
        "手机打不开恢复密钥，数据保持冻结；请核对是否同一部手机，必要时重新配对。",
        "The handset could not open what was to thaw it and stays frozen; check that it is the same handset, else pair"
        " it anew.",
    ),
    Reason.NO_ROOM: (
        "手机存储已满，原状态不变；请清理空间，命令会自动重试。",
        "The handset's disk is full and its state unchanged; free some space there: it is tried again.",
    ),
}


def chinese(reason: Reason) -> str:
    """The sentence in Chinese."""
    return SENTENCES[reason][0]


def english(reason: Reason) -> str:
    """The sentence in English."""
    return SENTENCES[reason][1]
