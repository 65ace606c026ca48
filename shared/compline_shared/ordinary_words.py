"""The ordinary words by which a surname, a given name's character or a place's suffix is told from a name."""

from __future__ import annotations

from functools import cache

from compline_shared.long_words import LONG_WORDS
from compline_shared.word_pairs import PAIRS

LONGEST = 4
"""Characters of the longest word."""
_OF_THE_TRADE = (
    "支付宝 责任心 东西 谢谢 祝您 祝你 顾问 师傅 祖宗 仲裁庭 立马 招呼 智障 饶不了 胡搅蛮缠 "
    "永无宁日 鸡犬不宁 马王爷 马虎眼 搅黄 鳖孙 龟孙 孙子 这张 那张 办张 评论区 朋友圈 村委 村支 "
    "村主任 村干部 城市 这边 那边 温馨 宁波 绝孙 没孙 得孙 踏马 阎王 全是 八乡 "
)
"""What collections talk and the templates of the starter pack need besides."""


@cache
def ordinary_words() -> frozenset[str]:
    """Return the words, of 2 to `LONGEST` characters."""
    pairs = (group[0] + second for group in PAIRS.split() for second in group[1:])
    return frozenset((*pairs, *LONG_WORDS.split(), *_OF_THE_TRADE.split()))
