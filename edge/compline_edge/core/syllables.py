"""Toneless pinyin: the inventory of syllables, the readings of characters, which syllables people confuse."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

_INVENTORY = """
a ai an ang ao ba bai ban bang bao bei ben beng bi bian biao bie bin bing bo bu ca cai can cang cao
ce cen ceng cha chai chan chang chao che chen cheng chi chong chou chu chua chuai chuan chuang chui
chun chuo ci cong cou cu cuan cui cun cuo da dai dan dang dao de dei den deng di dia dian diao die
ding diu dong dou du duan dui dun duo e ei en eng er fa fan fang fei fen feng fo fou fu ga gai gan
gang gao ge gei gen geng gong gou gu gua guai guan guang gui gun guo ha hai han hang hao he hei hen
heng hong hou hu hua huai huan huang hui hun huo ji jia jian jiang jiao jie jin jing jiong jiu ju
juan jue jun ka kai kan kang kao ke kei ken keng kong kou ku kua kuai kuan kuang kui kun kuo la lai
lan lang lao le lei leng li lia lian liang liao lie lin ling liu lo long lou lu luan lun luo lv lve
ma mai man mang mao me mei men meng mi mian miao mie min ming miu mo mou mu na nai nan nang nao ne
nei nen neng ni nian niang niao nie nin ning niu nong nou nu nuan nuo nv nve o ou pa pai pan pang
pao pei pen peng pi pian piao pie pin ping po pou pu qi qia qian qiang qiao qie qin qing qiong qiu
qu quan que qun ran rang rao re ren reng ri rong rou ru rua ruan rui run ruo sa sai san sang sao se
sen seng sha shai shan shang shao she shei shen sheng shi shou shu shua shuai shuan shuang shui shun
shuo si song sou su suan sui sun suo ta tai tan tang tao te tei teng ti tian tiao tie ting tong tou
tu tuan tui tun tuo wa wai wan wang wei wen weng wo wu xi xia xian xiang xiao xie xin xing xiong xiu
xu xuan xue xun ya yan yang yao ye yi yin ying yo yong you yu yuan yue yun za zai zan zang zao ze
zei zen zeng zha zhai zhan zhang zhao zhe zhei zhen zheng zhi zhong zhou zhu zhua zhuai zhuan zhuang
zhui zhun zhuo zi zong zou zu zuan zui zun zuo
"""

SYLLABLES: tuple[str, ...] = ("<blank>", *_INVENTORY.split())
"""Toneless pinyin, v for u-umlaut, in alphabetical order; index 0 is blank.

Models are trained to this order: never change it.
"""

INDEX: dict[str, int] = {syllable: index for index, syllable in enumerate(SYLLABLES)}
"""Where each syllable stands in `SYLLABLES`."""

_SAME_SOUND = {
    "n": "en",
    "ng": "en",
    "hm": "heng",
    "hng": "heng",
    "len": "leng",
    "cei": "sui",
    "nun": "nen",
    "nia": "nie",
}
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
_DIGITS = ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
_F_FINALS = {"a": "a", "an": "an", "ang": "ang", "n": "en", "i": "ei", "": "u", "o": "o"}


def readings(char: str) -> tuple[int, ...]:
    """Return the indices of all readings of `char`, the usual one first; () for what is no Chinese character.

    Source: the character dictionary of pypinyin, tones dropped.
    """
    table, several = _readings()
    return several[table[ord(char)]] if len(char) == 1 else ()


def reading(char: str) -> int:
    """Return the index of the usual reading of `char`, 0 where it has none."""
    found = readings(char)
    return found[0] if found else 0


def token_matrix(tokens: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return [len(tokens), len(SYLLABLES)]: 1 where a token has that reading, one 1 for each reading.

    The first token is the model's blank and belongs to column 0. What is no Chinese character has no 1.
    """
    matrix = np.zeros((len(tokens), len(SYLLABLES)), dtype=np.float32)
    for row, token in enumerate(tokens):
        matrix[row, list(readings(token))] = 1.0
    if tokens:
        matrix[0, 0] = 1.0
    return matrix


@cache
def fuzzy(index: int) -> tuple[int, ...]:
    """Return the other syllables of the same fuzzy class.

    Confused are zh/z, ch/c, sh/s, n/l, h/f before u, ang/an, eng/en and ing/in.
    """
    same = _classes().get(fuzzy_class(index), ())
    return tuple(other for other in same if other != index)


@cache
def fuzzy_class(index: int) -> str:
    """Return the name of the fuzzy class of a syllable; "" for blank."""
    return _class_name(SYLLABLES[index]) if index else ""


@lru_cache(maxsize=4096)
def spell(letters: str) -> tuple[tuple[int, int], ...] | None:
    """Cut lower-case Latin letters into syllables, fewest first.

    Returns:
        (index, number of letters) for each syllable, or None where the letters are no pinyin from end to end.
    """
    best: list[tuple[tuple[int, int], ...] | None] = [()] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for size in range(min(6, end), 0, -1):
            before, index = best[end - size], INDEX.get(letters[end - size : end])
            shortest = best[end]
            if before is not None and index and (shortest is None or len(before) + 1 < len(shortest)):
                best[end] = (*before, (index, size))
    return best[-1]


@cache
def primary_table() -> npt.NDArray[np.uint16]:
    """Return [code points] -> index of the usual reading, 0 for none; ASCII digits sound as named."""
    of, several = _readings()
    table = np.array([found[0] if found else 0 for found in several], dtype=np.uint16)[of]
    table[ord("0") : ord("9") + 1] = [INDEX[syllable] for syllable in _DIGITS]
    return table


@cache
def _readings() -> tuple[npt.NDArray[np.uint16], tuple[tuple[int, ...], ...]]:
    """Return [code points] -> place among the runs of readings, the first of which is empty.

    Source: pypinyin's character dictionary; importing pypinyin would load its phrases too (0.4 s).
    """
    spec = importlib.util.find_spec("pypinyin")
    path = Path((spec and spec.origin) or "").with_name("pinyin_dict.json")
    plain = _tone_table()
    table = np.zeros(0x110000, dtype=np.uint16)
    places: dict[tuple[int, ...], int] = {(): 0}
    for code, text in json.loads(path.read_text("utf-8")).items():
        table[int(code)] = places.setdefault(_parse(text.translate(plain)), len(places))
    table[ord("嗯")] = places.setdefault(_parse("en"), len(places))
    return table, tuple(places)


def _tone_table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict.fromkeys(range(0x300, 0x370))
    for char in map(chr, range(0xC0, 0x1F00)):
        parts = normalize("NFD", char)
        if len(parts) > 1 and parts[0] in "aeioumn":
            table[ord(char)] = "v" if parts[:2] == "u\u0308" else parts[0]
    return table


def _parse(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for part in text.split(",") if (index := _index(part))))


def _index(syllable: str) -> int:
    return INDEX.get(_SAME_SOUND.get(syllable, syllable), 0)


@cache
def _classes() -> dict[str, tuple[int, ...]]:
    classes: dict[str, list[int]] = {}
    for index in range(1, len(SYLLABLES)):
        classes.setdefault(fuzzy_class(index), []).append(index)
    return {name: tuple(members) for name, members in classes.items()}


def _class_name(syllable: str) -> str:
    if syllable.startswith("hu") and syllable[2:] in _F_FINALS:
        syllable = "f" + _F_FINALS[syllable[2:]]
    for spoken, plain in _INITIALS:
        if syllable.startswith(spoken) and len(syllable) > len(spoken):
            syllable = plain + syllable[len(spoken) :]
            break
    for spoken, plain in _FINALS:
        if syllable.endswith(spoken):
            return syllable[: -len(spoken)] + plain
    return syllable
