"""What the collector is told when handset and hub disagree about the past."""

from __future__ import annotations

from typing import Final

DISPUTED: Final = (
    "本机与门店服务器对以往结果的记录不一致，已停止上报；判定、冻结等照常，结果留在本机。请联系门店管理员核对，处理后重新启动本程序。\n"
    "This phone and the hub remember the past differently: no verdict is sent now, and all stay kept here; judging and "
    "orders go on. Let the branch admin look into it, then start this program again."
)
