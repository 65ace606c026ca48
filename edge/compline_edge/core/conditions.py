"""What network and battery allow: how often verdicts go out, and whether evidence may."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Final

from compline_shared.courier import Pace

LOW_BATTERY: Final = 15
"""Percent at or below which a battery that is not being charged is low."""

METERED_AGE: Final = 120.0
"""Seconds that a verdict waits for others on a metered network: each batch costs some 600 bytes beside its entries."""

SAVING_AGE: Final = 300.0
"""Seconds that a verdict waits for others, and an attempt to connect for the one before, on a low battery."""


@unique
class Network(Enum):
    """What way there is to the hub."""

    NONE = "none"
    METERED = "metered"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How it stands now."""

    network: Network = Network.FREE
    address: str = ""  # of this handset in that network; another one means another network
    battery_low: bool = False


def pace_in(conditions: Conditions, usual: Pace) -> Pace:
    """Return how fast to send; what is urgent goes at once in all of them."""
    pace = usual
    if conditions.network is Network.METERED:
        pace = replace(pace, batch_age=max(pace.batch_age, METERED_AGE))
    if conditions.battery_low:
        longest, age = max(pace.longest, SAVING_AGE), max(pace.batch_age, SAVING_AGE)
        pace = replace(pace, batch_age=age, longest=longest)
    return pace


def evidence_may_go(conditions: Conditions) -> bool:
    """Whether sealed recordings may be sent: they are a thousand times the size of their verdicts."""
    return conditions.network is Network.FREE and not conditions.battery_low


def waits(conditions: Conditions) -> str:
    """Say to a collector, Chinese and then English, what network and battery put off; empty where nothing."""
    lines: list[str] = []
    match conditions.network:
        case Network.NONE:
            lines += [
                "当前没有网络：判定和警示照常，结果留在本机，有网后自动上报。",
                "There is no network: judging and warnings go on, verdicts stay here and leave once there is one.",
            ]
        case Network.METERED:
            lines += [
                "当前为流量网络：普通结果最多攒两分钟再发，严重结果立即发，录音证据等到 Wi-Fi 再传。",
                "This network is metered: verdicts wait up to two minutes for others, serious ones none,"
                " evidence waits for Wi-Fi.",
            ]
        case Network.FREE:
            pass
    if conditions.battery_low:
        lines += [
            "电量低：普通结果最多攒五分钟再发，严重结果立即发，录音证据等充电后再传。",
            "The battery is low: verdicts wait up to five minutes for others, serious ones none,"
            " evidence waits until it is charged.",
        ]
    return "\n".join(lines)
