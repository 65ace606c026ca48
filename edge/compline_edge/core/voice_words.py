"""What the collector is told about his voiceprint, Chinese and then English."""

from __future__ import annotations

from typing import Final

from compline_edge.core.voice_enrolment import NEEDED, Refusal, Refused

CONSENT: Final = (
    "声纹属于敏感个人信息。它只用来在单声道录音里分清哪一方是您；"
    "只加密保存在本机保险库里，不上传、不写入日志；"
    "解绑即冻结，擦除即销毁，您可随时用 compline-edge voice forget 删除。"
    "不登记也能照常使用：单声道录音里的说话人一律记为“未知”。\n"
    "A voiceprint is sensitive personal data. It serves to tell which side is you where a recording has one channel, "
    "and nothing else. It is kept encrypted in this phone's vault alone, never sent and never logged; "
    "it freezes with the binding and dies with a wipe, and `compline-edge voice forget` deletes it at any time. "
    "Without one all goes on as before: who speaks in such recordings is unknown."
)
FORGOTTEN: Final = "声纹已删除。\nThe voiceprint is deleted."
NONE: Final = (
    "尚未登记声纹：单声道录音里的说话人记为“未知”。登记请运行 compline-edge voice enrol 文件…\n"
    "No voiceprint is enrolled: who speaks in recordings of one channel is unknown. "
    "To enrol: compline-edge voice enrol FILE..."
)
OF_ANOTHER_MODEL: Final = (
    "已登记的声纹属于另一版本的声纹模型，现在不起作用；请重新登记。\n"
    "The voiceprint that is enrolled is of another version of the speaker model and is not used: enrol again."
)


def enrolled_with(seconds: float) -> str:
    """Return what is said of a voiceprint that rests on so much speech."""
    return f"声纹已登记（依据 {seconds:.0f} 秒语音）。\nThe voiceprint is enrolled, from {seconds:.0f} s of speech."


def refusal(refused: Refused) -> str:
    """Return why there is no voiceprint and what to do."""
    seconds, more = int(refused.seconds), int(NEEDED - refused.seconds) + 1
    match refused.reason:
        case Refusal.SILENT:
            return (
                "没有听到说话声：请检查录音，换一段本人说话的录音。\n"
                "Nobody speaks in it: check the recorder, and name a recording of your own speech."
            )
        case Refusal.TOO_SHORT:
            return (
                f"语音不够：现有 {seconds} 秒，还差 {more} 秒。请同时加上更多本人的录音。\n"
                f"Too little speech: {seconds} s, {more} s more are needed. "
                "Name further recordings of yourself with these."
            )
        case Refusal.POOR_AUDIO:
            return (
                "录音噪声太大或声音失真：请在安静处重新录，手机离嘴一掌远。\n"
                "The recording is noisy or distorted: "
                "record it again in a quiet place, the phone a hand's breadth away."
            )
        case Refusal.SEVERAL_VOICES:
            return (
                "录音里不止一个人的声音：请用只有本人说话的录音，或双声道通话录音。\n"
                "There is more than one voice in it: "
                "name recordings in which you alone speak, or calls in two channels."
            )
