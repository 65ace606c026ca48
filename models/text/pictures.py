"""What emoji stand for in hidden words: the thing that is shown, as one would say it; written by hand."""

from __future__ import annotations

_SHOWN = """
狗=🐶🐕🐩 猪=🐷🐖🐗🐽 马=🐴🐎 鸡=🐔🐓🐤🐣🐥 鸭=🦆 牛=🐮🐂🐄 羊=🐏🐑🐐 猴=🐵🐒 龟=🐢 蛇=🐍 龙=🐲🐉
虫=🐛 蚁=🐜 蜂=🐝 蚊=🦟 蝇=🪰 蟑螂=🪳 鱼=🐟🐠 鼠=🐁🐀🐭 兔=🐰🐇 虎=🐯🐅 猫=🐱🐈 狼=🐺 熊=🐻
蛙=🐸 狐=🦊 象=🐘 狮=🦁 鸟=🐦 鹰=🦅 鲸=🐳 猩猩=🦧🦍 屎=💩 鬼=👻👹👺🎃 魔=😈👿 死=💀☠ 棺材=⚰
坟=🪦 人=👤🧍👥🚶 男=👨🧔♂🚹👦 女=👩♀🚺👧 婴=👶 孩=🧒 爷=👴 婆=👵 公主=👸 警=👮 黑=🖤⚫⬛🏴
白=👱⚪⬜🤍🏳 黄=🟡💛 红=🔴 心=❤ 绿=💚🟢 蓝=💙 日=☀🌞 月=🌙 星=⭐ 球=🌍🏀⚽🎾 火=🔥 水=💧💦🌊
树=🌲🌳 草=🌿🌱🍀🌾 花=🌸🌹🌺 拳=👊✊🥊 手=👋✋🖐 ok=👌 赞=👍 差=👎 操=🖕 嘴=👄 舔=👅 眼=👀👁
耳=👂 鼻=👃 脑=🧠 骨=🦴 力=💪 腿=🦵 脚=🦶 刀=🔪 剑=🗡 枪=🔫 炸=💣💥 钱=💰💵💴 茶=🍵🫖 酒=🍺
饭=🍚 肉=🍖🥩 蛋=🥚🍳 屁股=🍑 屌=🍆 蕉=🍌 例子=🌰 家=🏠🏡 学校=🏫 医院=🏥 车=🚗🚄 警车=🚓
手机=📱 电话=📞☎ 药=💊 毒=💉 烟=🚬 垃圾=🗑🚮 砖=🧱 逼=🅱 a=🅰 满=🈵 救命=🆘 同性恋=🌈 基=👬
拉拉=👭 口红=💄 裙=👗 鞋=👠 王=👑🤴 小丑=🤡 恶心=🤮🤢 舞=💃 僵尸=🧟 瓜=🥒🍉 棒=🌽🥢 叶=🍃 石=🪨
山=⛰🏔
"""

PICTURES: dict[str, str] = {
    picture: word
    for word, _, pictures in (part.partition("=") for part in _SHOWN.split())
    for picture in pictures
}
"""Emoji of one code point -> what it stands for."""
