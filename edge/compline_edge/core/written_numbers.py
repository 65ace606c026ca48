"""Writes spoken numbers, times, sums and shares of a transcript as people write them; for showing, never for matching.

三千五百块 becomes 3500块, 上午十点半 上午10点半, 百分之三点五 3.5%, 幺三八零零 13800. What may be an idiom stays as it
was said: a lone 一点, 十分, 千万, 万一.
"""

from __future__ import annotations

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "幺": 1, "〇": 0}
_TENS = {"十": 10, "百": 100, "千": 1_000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
_NEXT = {"百": "十", "千": "百", "万": "千", "亿": "千万"}
"""The unit that is left out after each: 三千五 is 三千五百."""
_DIGIT = "零〇一二三四五六七八九两幺"
_NUMBER = "零〇一二三四五六七八九两十百千万亿"
_UNIT = "块|元|毛|角|分钟|分|秒|点|号|日|月|年|岁|期|笔|天|周|个月|个小时|个工作日|小时|倍|折|个|次|人|位|名"
_LOOSE = (
    "一点",
    "十分",
    "一块",
    "一分",
    "一天",
    "一次",
    "一个",
    "一位",
    "一名",
    "一万",
    "一笔",
    "一期",
    "一年",
    "一人",
)
"""What is as often a turn of phrase as a number."""
_MOMENT = "上午|下午|早上|晚上|中午|凌晨|傍晚|今晚|明早|明晚|今早"

_SHARE = re.compile(f"百分之([{_NUMBER}]+)(?:点([{_DIGIT}]+))?")
_TIME = re.compile(f"({_MOMENT})?([{_NUMBER}]{{1,3}})点(半|[一三]刻|钟|[{_NUMBER}]{{1,3}}分?)?")
_DECIMAL = re.compile(f"([{_NUMBER}]+)点([{_DIGIT}]+)(?=块|元|万|亿|倍|折|个百分点|公里|米)")
_RUN = re.compile("[零〇一二三四五六七八九幺]{4,}")
_YEAR = re.compile("[零〇一二三四五六七八九]{4}(?=年)")
_COUNT = re.compile(f"([{_NUMBER}]+)({_UNIT})?")


def written(text: str) -> str:
    """Write the numbers of a spoken text; what is no number, or may be none, stays."""
    text = _SHARE.sub(lambda m: _share(m[0], m[1], m[2]), text)
    text = _YEAR.sub(lambda m: _run(m[0]), text)
    text = _DECIMAL.sub(lambda m: _decimal(m[0], m[1], m[2]), text)
    text = _TIME.sub(_time, text)
    text = _RUN.sub(lambda m: _run(m[0]), text)
    return _COUNT.sub(_counted, text)


def value(spoken: str) -> int | None:
    """The number below 10^16 that a cardinal names, also one whose last unit is left out; None where it is none."""
    full = spoken.replace("两", "二").replace("〇", "零")
    full = re.sub(r"(?<![一二三四五六七八九])十", "一十", full)
    if len(full) > 1 and full[-1] in "一二三四五六七八九" and full[-2] in _NEXT:
        full += _NEXT[full[-2]]
    total = section = digit = 0
    for char in full:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section += digit * _TENS[char]
            digit = 0
        elif char in _LARGE:
            total += (section + digit) * _LARGE[char]
            section = digit = 0
        else:
            return None
    found = total + section + digit
    return found if full == aloud(found) else None


def aloud(number: int) -> str:
    """Say a number from 0 to below 10^12 in full: 一千零五十, 一十二."""
    if number == 0:
        return "零"
    said = ""
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        section, number = divmod(number, size)
        if section:
            said += ("零" if said and section < 1_000 else "") + _section(section) + unit
    return said


def _section(number: int) -> str:
    """Say 1 to 9,999."""
    said, pending = "", False
    for unit, size in (("千", 1_000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            said += ("零" if pending and said else "") + "零一二三四五六七八九"[digit] + unit
        pending = bool(said) and not digit
    return said


def _run(spoken: str) -> str:
    return "".join(str(_DIGITS[char]) for char in spoken)


def _share(spoken: str, whole: str, part: str | None) -> str:
    found = 100 if whole == "百" else value(whole)
    return spoken if found is None else f"{found}{f'.{_run(part)}' if part else ''}%"


def _decimal(spoken: str, whole: str, part: str) -> str:
    found = value(whole)
    return spoken if found is None else f"{found}.{_run(part)}"


def _time(match: re.Match[str]) -> str:
    """An hour, sure to be one by what stands before or after it, or by its size."""
    moment, spoken, rest = match[1] or "", match[2], match[3] or ""
    hour = value(spoken)
    if hour is None or hour > 24 or (spoken == "一" and not moment and not rest):
        return match[0]
    said = rest.removesuffix("分")
    minute = (
        value(said.removeprefix("零")) if said and said[0] in _NUMBER and not rest.endswith("刻") else None
    )
    if minute is None:
        return f"{moment}{hour}点{rest}"
    if minute > 59 or (not rest.endswith("分") and (minute < 10) != said.startswith("零")):
        return match[0]
    return (
        f"{moment}{hour}点{'0' if said.startswith('零') else ''}{minute}{'分' if rest.endswith('分') else ''}"
    )


def _counted(match: re.Match[str]) -> str:
    """A cardinal with its unit, or one of three characters at least."""
    spoken, unit = match[1], match[2] or ""
    found = value(spoken)
    if found is None or match[0] in _LOOSE or (not unit and len(spoken) < 3):
        return match[0]
    if spoken[0] in "百千万亿" or (spoken == "十" and unit in ("", "分", "点")):
        return match[0]
    return f"{found}{unit}"
