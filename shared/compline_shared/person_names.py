"""Notices a person's name or a named place in a phrase, so that no lexicon can ask for one."""

from __future__ import annotations

import re

from compline_shared.ordinary_words import LONGEST, ordinary_words

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅"
    "钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎闫薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武莫孔汤向常温康施文牛"
    "樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉"
    "骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗"
    "瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥班储原栗燕"
    "楚鄢劳谌奚皮粟冼蔺楼盘满闻厉赖洪代付伏蓬阙漆尧晋丰桓习逄智亓戈郜盖芮仝戎帅强平南和敬"
)
"""The common surnames of one character; those hardly ever met but as a word (都, 来) are left out."""
LONG_SURNAMES = (
    "欧阳|司马|上官|诸葛|司徒|皇甫|尉迟|公孙|"
    "令狐|慕容|夏侯|端木|南宫|轩辕|宇文|独孤|拓跋|澹台|濮阳|钟离|闻人|东郭"
)
"""Surnames of two characters that are no word besides."""
STANDING_ALONE = frozenset(
    "费房雷熊牛钱高和时于向成应连全别方查任车满管包安明解谈封迟付代章班楼单路段冷金毛皮司白赖平强南万关原盘盖"
    "师官边农商惠储闻敬石古华"
)
"""Surnames that are words by themselves: no name unless a given name, a title, 老, 小 or 阿 stands by."""
GIVEN = frozenset(
    "丽娟伟芳娜敏静秀军磊洋艳勇杰涛超霞刚桂英玉兰萍红玲芬芝珍燕春梅莲凤洁琳素云荣爱妹香月莺媛雪佳嘉琼勤贞莉瑶怡婵雁"
    "蓓纨仪荷丹蓉眉琴蕊薇菁梦岚苑婕馨瑗琰韵融艺咏卿聪澜纯毓悦昭冰爽琬茗羽希欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚姬"
    "舒影荔枝思若汐涵梓轩浩宇诗雨彤萱琪璐瑾瑜璇昊睿泽俊博豪鑫森辰逸皓铭晨翔峰旭辉国志坚永健广义良海仁波福龙元胜学祥"
    "武利彬富顺昌康星光岩茂彪诚震振壮邦承绍功松庆友裕河哲亮亨奇固轮翰朗宏鸣斌梁栋维启克伦士树炎德泰雄琛钧冠策"
    "腾楠榕航弘妍婷婧娇娅妮姗姝娥婉娴婀媚嫣珊珠珂琦璟瑞璠玮玥玫玟曦晴晗晖昕旻旺昱杨柏桐桦楷榆槿槐沁沛泓洛淇淑淳渊"
    "湘源溪滨漫潇澄瀚灿炜烨焕煜熙烁莹菊葵蔓薰芷苒茜茵荟莎菡萌蕾蕙薏藜虹蝶翠翎翊绮绣缨纶绢织耀聿胤臻荃迪逊遥郁钰铃锦"
    "锋钢钊铮镇霖霏靖韬颖颢颐飒骁骏骞驰骥鸿鹤鹃黛麒麟凯凡冬卓吉哲喆圣坤墨奕奎宸宾寅屹岱峻崇崧嵘嵩帆庭延弈彦彰征恒恩"
    "恬慈慧懿扬捷敦斐昂映景曼朔朵杉柯棋樱歆毅沅沐沫沧泉泳涓淼渝漪潼澎濠灵鹏飞倩晶畅艾琨珏璋祺祯禄禧"
    "建强华兴林山"
)
"""Characters that given names are made of, but for those that talk needs by themselves (有, 会, 先)."""

_TITLED = re.compile(
    f"(?:[{''.join(sorted(SURNAMES))}]|{LONG_SURNAMES}|东方)(?:先生|女士|小姐|太太|某(?![部个人些种位家地天处项笔条])|总$)|{LONG_SURNAMES}"
)
_NICKNAMES = "老小阿"
_PLACE = re.compile("(?<=.)(.)(街道|小区|社区|花园|大厦|公寓|广场|胡同|大道|新村|[省市区县镇乡村路街巷])")
_POINTING = frozenset("你您我他她们的个这那哪么什全整各所同本到去在回从上来往给让是里条家和跟向于满")
"""Characters that point at a place without naming it (你们小区, 这条路)."""


def person_in(text: str) -> str | None:
    """Return what reads as a person's name in `text`, None where there is nothing of the kind.

    A surname stands in an ordinary word, or it begins a name. Where it is a word by itself, or begins one, the
    one or two characters after it tell: a name where one of them is common in given names and in no ordinary word.
    """
    titled = _TITLED.search(text)
    if titled is not None:
        return titled[0]
    for at, char in enumerate(text):
        if char in SURNAMES and _begins_name(text, at):
            return text[at : at + 3]
    return None


def place_in(text: str) -> str | None:
    """Return what reads as one named district, street, village or estate, None where nothing does."""
    for found in _PLACE.finditer(text):
        at = found.start(2)
        named = found[1] not in _POINTING
        if named and (len(found[2]) > 1 or not _in_word(text, at)):
            return text[max(0, at - 2) : found.end()]
    return None


def _begins_name(text: str, at: int) -> bool:
    if not _in_word(text, at) and (text[at] not in STANDING_ALONE or text[max(0, at - 1)] in _NICKNAMES):
        return True
    return any(
        text[place] in GIVEN and not _in_word(text, place) for place in range(at + 1, min(at + 3, len(text)))
    )


def _in_word(text: str, at: int) -> bool:
    """Whether the character at `at` stands in an ordinary word."""
    words = ordinary_words()
    return any(
        text[begin : begin + length] in words
        for length in range(2, LONGEST + 1)
        for begin in range(max(0, at - length + 1), at + 1)
    )
