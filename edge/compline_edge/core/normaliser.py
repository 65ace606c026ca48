"""Folds a text to plain simplified characters by one pass over a table, with the way back to the original."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import opencc

Codes = npt.NDArray[np.uint32]
"""Code points, shape [n]."""
Offsets = npt.NDArray[np.int64]
"""Places of characters in a text, shape [n]."""

_CODE_POINTS = 0x110000
_PART = 0x8000_0000
"""Marks the left part of a split character in the table."""
_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
_MIXED = (
    (0, 0x3400),
    (0xA000, 0xAC00),
    (0xF900, 0x10000),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F200),
    (0x2F800, 0x2FA20),
)
_HANGUL = (0xAC00, 0xD7A4)
_SAME = dict(zip("妳伱沵祢莪卟の〇瞭麽衹祇彆", "你你你你我不的零了么只只别", strict=True))
_SPLIT = {
    "亻": {
        "尔": "你",
        "也": "他",
        "言": "信",
        "责": "债",
        "门": "们",
        "十": "什",
        "故": "做",
        "专": "传",
        "昔": "借",
    },
    "氵": {"去": "法", "胃": "渭", "肖": "消", "戋": "浅"},
    "讠": {
        "上": "让",
        "兑": "说",
        "周": "调",
        "斥": "诉",
        "果": "课",
        "舌": "话",
        "己": "记",
        "正": "证",
        "人": "认",
    },
    "扌": {"丁": "打", "斤": "折", "戈": "找", "殳": "投", "兆": "挑", "爪": "抓", "非": "排", "崔": "摧"},
    "忄": {"旦": "怛", "白": "怕", "亥": "该"},
    "钅": {"戋": "钱", "失": "铁", "昔": "错", "艮": "银"},
    "犭": {"句": "狗", "者": "猪"},
    "纟": {"合": "给", "冬": "终", "色": "绝"},
    "礻": {"申": "神", "土": "社", "畐": "福"},
    "饣": {"反": "饭", "我": "饿"},
    "疒": {"丙": "病", "正": "症"},
    "彳": {"聿": "律", "主": "往", "寺": "待"},
}
SPLIT_PARTS = frozenset(_SPLIT)
"""Left parts of characters that may be written in two."""


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Folded characters and where each stood: `codes[i]` comes from characters [starts[i], ends[i])."""

    codes: Codes
    starts: Offsets
    ends: Offsets

    @property
    def text(self) -> str:
        """The folded characters; folding them again changes nothing."""
        return self.codes.tobytes().decode("utf-32-le")


def normalise(text: str) -> Normalised:
    """Fold width, script, case and digits; drop spaces, punctuation, emoji, marks, invisible characters.

    Traditional characters become simplified ones, digits of any script ASCII digits, accented Latin letters
    plain ones, and a character written as two parts (亻尔) the whole.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    folded = _table()[codes]
    starts = folded.nonzero()[0]
    folded = folded[starts]
    if folded.size and int(folded.max()) >= _PART:
        return _joined(folded & ~np.uint32(_PART), starts)
    return Normalised(folded, starts, starts + 1)


def _joined(codes: Codes, starts: Offsets) -> Normalised:
    """Put the two parts of split characters together."""
    kept: list[int] = []
    whole, ends = codes.copy(), starts + 1
    follows = False
    for place, code in enumerate(codes.tolist()):
        if follows:
            follows = False
            continue
        kept.append(place)
        rights = _SPLIT.get(chr(code))
        if rights and place + 1 < len(codes) and (found := rights.get(chr(int(codes[place + 1])))):
            whole[place], ends[place] = ord(found), ends[place + 1]
            follows = True
    return Normalised(whole[kept], starts[kept], ends[kept])


@cache
def _table() -> Codes:
    """Return [code points] -> folded code point, 0 for what is dropped; built once (about 0.1 s), kept."""
    table = np.zeros(_CODE_POINTS, dtype=np.uint32)
    for start, stop in (*_HAN, _HANGUL):
        table[start:stop] = np.arange(start, stop)
    for start, stop in _MIXED:
        table[start:stop] = [_fold(chr(code)) for code in range(start, stop)]
    simplified = _simplified()
    for start, stop in (*_HAN, *_MIXED):
        table[start:stop] = simplified[table[start:stop]]
    for char, plain in _SAME.items():
        table[ord(char)] = ord(plain)
    table = table[table]  # what a variant folds to may be a variant itself
    for part in _SPLIT:
        table[ord(part)] |= _PART
    return table


def _fold(char: str) -> int:
    """Return the code point that `char` folds to before simplification, 0 for none."""
    category = unicodedata.category(char)
    if category[0] == "N":
        number = unicodedata.numeric(char)
        if number in range(10):
            return ord(str(int(number)))
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", char).lower())
    if plain.startswith("u\u0308"):
        return ord("v")
    for part in plain:
        if unicodedata.category(part)[0] in "LN" and unicodedata.category(part) not in {"Lm", "Sk"}:
            return ord(part)
    return 0


def _simplified() -> Codes:
    """Return [code points] -> simplified code point, by OpenCC's character dictionary."""
    table = np.arange(_CODE_POINTS, dtype=np.uint32)
    chars = [chr(code) for start, stop in _HAN for code in range(start, stop)]
    converted = opencc.OpenCC("t2s").convert("\n".join(chars)).split("\n")
    for char, plain in zip(chars, converted, strict=True):
        if char != plain:
            table[ord(char)] = ord(plain[0])
    return table
