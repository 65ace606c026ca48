"""Whether it is said what cannot be judged, and nothing invented: other languages, music, signals, silence, bad lines.

Sound is made anew from a seed, of real recordings where there are any. None of it was used for choosing: the speaker
of aishell_s0252 and asr_refs (Mandarin); Italian, Russian and Spanish voice prompts, a novel read in English and eight
synthetic voices; music on hold. `make eval` fetches what comes from Debian packages, and leaves out what it cannot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Literal

import numpy as np
import soxr
from models.doubt import material, noise, sounds
from models.train.telephone import CLEAN, Floats, Line, send

from bench.figure import Figure
from compline_edge.core.audio_quality import AudioQuality, Quality
from compline_edge.core.comprehension import DoubtPoints, Scale
from compline_edge.core.doubt import CUT_OFF, LOST
from compline_edge.core.speech import Channels
from compline_edge.pipeline import CallListener
from compline_edge.ports import AudioInfo
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments
from compline_shared.taxonomy import Abstention

MANDARIN = material.DATA / "aishell_s0252"
LINES = {
    "16k": CLEAN,
    "mulaw": Line("pcm_mulaw"),
    "alaw": Line("pcm_alaw"),
    "amr475": Line("libopencore_amrnb", 4_750),
    "amr122": Line("libopencore_amrnb", 12_200),
}
TELEPHONE = tuple(line for name, line in LINES.items() if name != "16k")
RATIOS = (20, 15, 10)
DROWNED = 0
"""Speech over noise, dB, at which it is right to say that nothing can be judged."""
GAINS = (6, 12, 18, 24)
LOSSES = (0.01, 0.05, 0.1, 0.2)
VOICES = ("de", "en-us", "es", "ja", "ko", "vi", "hi", "ar")
"""Of espeak-ng: synthetic, and crude."""
TEXTS = {
    "de": "Guten Tag, ich rufe wegen Ihrer offenen Rechnung an. Bitte überweisen Sie den Betrag bis Freitag. ",
    "en-us": "Good morning, I am calling about your overdue payment. Please transfer the amount before Friday. ",
    "es": "Buenos días, le llamo por su factura pendiente. Por favor pague el importe antes del viernes. ",
    "ja": "おはようございます。おしはらいのけんでおでんわしました。きんようびまでにおねがいします。",
    "ko": "안녕하세요. 미납 요금 때문에 전화드렸습니다. 금요일까지 입금해 주시기 바랍니다. ",
    "vi": "Xin chào, tôi gọi về khoản thanh toán quá hạn của bạn. Vui lòng chuyển tiền trước thứ sáu. ",
    "hi": "नमस्ते, मैं आपके बकाया भुगतान के बारे में फोन कर रहा हूँ। कृपया शुक्रवार तक राशि भेज दें। ",
    "ar": "صباح الخير، أتصل بخصوص الدفعة المتأخرة. يرجى تحويل المبلغ قبل يوم الجمعة. ",
}
NOBODY: dict[str, Callable[[float, np.random.Generator], Floats]] = {
    "ring_back": sounds.ring_back,
    "busy": sounds.busy,
    "touch_tones": sounds.touch_tones,
    "fax": sounds.fax,
    "sweep": sounds.sweep,
    "tune": sounds.tune,
    "hum": sounds.hum,
    "comfort_noise": sounds.comfort_noise,
    "silence": sounds.silence,
}
BELIEVE_ALL: Final = DoubtPoints(
    model="",
    weights="",
    followed=Scale(bias=1.0, weights={}),
    clear=0.0,
    another_language=Scale(bias=0.0, weights={}),
)
"""What findings in other languages are counted against: all that has words counts as followed."""
NOTHING_SAID: Final = 3.0
"""Upper 95 % limit of a Poisson count of 0."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one clip's verdict says."""

    seconds: float
    findings: int
    abstained: Abstention | None
    coverage: float
    quality: Quality | None

    @property
    def marked(self) -> bool:
        """Whether a reviewer sees that something is amiss."""
        amiss = self.quality is not None and (self.quality.clipped >= CUT_OFF or self.quality.lost >= LOST)
        return self.abstained is not None or amiss


@dataclass(slots=True)
class Clip:
    """A recording in memory, as an AudioReader."""

    pcm: Channels
    sample_rate: int

    @property
    def info(self) -> AudioInfo:
        """A WAV file's."""
        return AudioInfo("wav", "pcm_s16le", self.sample_rate, 1, self.pcm.shape[1] / sounds.RATE)

    @property
    def defect(self) -> Abstention | None:
        """None: it is whole."""
        return None

    def blocks(self) -> Iterator[Channels]:
        """Seconds."""
        for start in range(0, self.pcm.shape[1], sounds.RATE):
            yield self.pcm[:, start : start + sounds.RATE]

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def figures(*, each: int = 12) -> Iterator[Figure]:
    """Yield what happens to each kind of sound; `each` bounds the clips of a kind."""
    listener = instruments(EdgeSettings(models="models")).listener
    chance = np.random.default_rng(41)
    yield from _never_said(listener, chance, each)
    clips = list(material.clips(sorted(MANDARIN.glob("*.flac")), chance, most=2 * each))
    clips += material.clips(sorted((material.DATA / "asr_refs").glob("*.flac")), chance, most=2)
    yield from _mandarin(listener, clips, chance)
    yield from _poor_lines(listener, clips[:each], chance)
    yield from _ratios(clips, chance, each)
    yield from _cost(clips)


def judge(listener: CallListener, sound: Floats, *, rate: int = 8_000) -> Judged:
    """Judge one clip as a recording of one channel would be."""
    pcm = np.asarray(np.clip(sound, -1, 1) * 32_767, dtype=np.int16)[None]
    seen = listener.listen(Clip(pcm, rate)).observed
    return Judged(seen.duration, len(seen.noticed), seen.abstained, seen.coverage, seen.quality)


def never_said(chance: np.random.Generator, each: int) -> Iterator[tuple[str, str, Iterator[Floats]]]:
    """Yield group, kind and clips of sound in which no Mandarin is spoken."""
    for language in material.FOR_MEASURING:
        yield "language", language, material.clips(_fetched(material.prompts, language), chance, most=each)
    novel = _fetched(lambda: sorted(material.package(*material.NOVEL).glob("*.wav")))
    yield "language", "novel_en", material.clips(novel, chance, most=each)
    if shutil.which("espeak-ng"):
        yield "language", "espeak", (voiced(voice) for voice in VOICES)
    hold = _fetched(material.music, *material.MUSIC_FOR_MEASURING)
    yield "music", "on_hold", material.excerpts(hold, each=each // 2)
    for kind, make in NOBODY.items():
        group = "music" if kind == "tune" else "signals" if kind in SIGNALS else "dead_air"
        yield group, kind, (make(2 * material.CLIP_S, chance) for _ in range(each // 3))


def voiced(voice: str) -> Floats:
    """Synthetic speech of about 20 s in another language."""
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", TEXTS[voice] * 4], check=True, capture_output=True, timeout=60
    ).stdout
    samples = np.frombuffer(said[44:], dtype="<i2").astype(np.float32) / np.float32(32_768)
    return np.asarray(soxr.resample(samples, 22_050, sounds.RATE), dtype=np.float32)


SIGNALS = frozenset({"ring_back", "busy", "touch_tones", "fax", "sweep"})
REASONS = {
    "language": {Abstention.OTHER_LANGUAGE},
    "music": {Abstention.MUSIC},
    "signals": {Abstention.TONES, Abstention.SILENT},
    "dead_air": {Abstention.SILENT},
}
"""What is right to say of each group; what voice activity takes for nothing at all is silence."""


def _never_said(listener: CallListener, chance: np.random.Generator, each: int) -> Iterator[Figure]:
    every: list[Judged] = []
    groups: dict[str, list[Judged]] = {}
    credulous = replace(listener, doubt=BELIEVE_ALL)
    believed: dict[str, float] = {}
    for group, kind, clips in never_said(chance, each):
        sent = [
            (send(clip, line), 16_000 if line is CLEAN else 8_000)
            for clip in clips
            for line in (CLEAN, TELEPHONE[int(chance.integers(len(TELEPHONE)))])
        ]
        if not sent:
            continue
        judged = [judge(listener, sound, rate=rate) for sound, rate in sent]
        if group == "language":
            taken = (judge(credulous, sound, rate=rate) for sound, rate in sent)
            believed[group] = believed.get(group, 0.0) + _invented([*taken])
        yield Figure(f"doubt_said_so_{kind}", _share(judged), "share", None, "higher")
        groups.setdefault(group, []).extend(judged)
        every += judged
    for group, judged in groups.items():
        yield Figure(f"doubt_said_so_{group}", _share(judged), "share", None, "higher")
        yield Figure(f"doubt_named_{group}", _named(group, judged), "share", None, "higher")
        yield Figure(f"doubt_invented_{group}", _invented(judged), "findings", believed.get(group), "lower")
    hours = sum(one.seconds for one in every) / 3_600
    invented = _invented(every)
    yield Figure("doubt_hours_of_nothing_said", hours, "h", None, "higher")
    yield Figure("doubt_invented", invented, "findings", None, "lower")
    yield Figure("doubt_invented_an_hour_at_most", _poisson_high(invented) / hours, "1/h", None, "lower")


def _mandarin(
    listener: CallListener, clips: Sequence[Floats], chance: np.random.Generator
) -> Iterator[Figure]:
    for name, line in LINES.items():
        judged = [
            judge(listener, send(clip, line), rate=16_000 if line is CLEAN else 8_000) for clip in clips
        ]
        yield Figure(f"doubt_wrong_mandarin_{name}", _wrong(judged), "share", None, "lower")
    for kind in ("babble", "white"):
        for decibels in (*RATIOS, DROWNED):
            judged = [
                judge(
                    listener,
                    send(_in_noise(clip, clips, kind, decibels, chance), TELEPHONE[k % len(TELEPHONE)]),
                )
                for k, clip in enumerate(clips)
            ]
            what = f"mandarin_{kind}_{decibels}_db"
            if decibels == DROWNED:
                yield Figure(f"doubt_said_so_{what}", _share(judged), "share", None, "higher")
            else:
                yield Figure(f"doubt_wrong_{what}", _wrong(judged), "share", None, "lower")


def _poor_lines(
    listener: CallListener, clips: Sequence[Floats], chance: np.random.Generator
) -> Iterator[Figure]:
    for gain in GAINS:
        judged = [
            judge(listener, send(sounds.clipped(clip, decibels=gain) * np.float32(0.7), LINES["mulaw"]))
            for clip in clips
        ]
        yield Figure(f"doubt_marked_clipped_{gain}_db", _share(judged), "share", None, "higher")
    errors: list[float] = []
    ways: tuple[Literal["zeros", "repeat"], ...] = ("zeros", "repeat")
    for share in LOSSES:
        for conceal in ways:
            judged = []
            for clip in clips:
                heard, true = sounds.packets_lost(
                    send(clip, LINES["mulaw"]), share=share, conceal=conceal, chance=chance
                )
                judged.append(judge(listener, heard))
                told = judged[-1].quality
                errors.append(abs((told.lost if told else 0.0) - true))
            name = f"doubt_marked_lost_{round(100 * share)}_{conceal}"
            yield Figure(name, _share(judged), "share", None, "higher")
    yield Figure("doubt_loss_error", float(np.mean(errors)), "share", None, "lower")


def _ratios(clips: Sequence[Floats], chance: np.random.Generator, each: int) -> Iterator[Figure]:
    chosen = list(clips[:each])
    for language in material.FOR_MEASURING:
        chosen += material.clips(_fetched(material.prompts, language), chance, most=each // 3)
    errors: dict[str, list[float]] = {}
    for clip in chosen:
        for kind, mixed, true in noise.mixtures(clip, list(clips[-each:]), chance, each=3):
            told = _quality(mixed).snr_db
            errors.setdefault(kind, []).append(abs((told or 0.0) - true))
    for kind, found in errors.items():
        yield Figure(f"doubt_snr_error_{kind}", float(np.mean(found)), "dB", None, "lower")
    every = [error for found in errors.values() for error in found]
    yield Figure("doubt_snr_error", float(np.mean(every)), "dB", None, "lower")


def _cost(clips: Sequence[Floats]) -> Iterator[Figure]:
    sound = np.concatenate(clips)
    began = time.process_time()
    _quality(sound)
    spent = time.process_time() - began
    yield Figure("doubt_real_time_factor", spent * sounds.RATE / sound.size, "s/s", 0.003, "lower")


def _quality(sound: Floats) -> Quality:
    listening = AudioQuality()
    pcm = np.asarray(np.clip(sound, -1, 1) * 32_767, dtype=np.int16)
    for start in range(0, pcm.size, sounds.RATE):
        listening.feed(pcm[start : start + sounds.RATE])
    listening.finish()
    return listening.quality


def _in_noise(
    clip: Floats, others: Sequence[Floats], kind: str, decibels: float, chance: np.random.Generator
) -> Floats:
    voices = [other for other in others if other is not clip]
    made = sounds.babble(clip.size, voices, chance) if kind == "babble" else sounds.white(clip.size, chance)
    mixed = sounds.noisy(clip, made, decibels=decibels)
    return np.asarray(mixed / np.abs(mixed).max() * 0.7, dtype=np.float32)


def _fetched(source: Callable[..., list[material.Path]], *names: str) -> list[material.Path]:
    try:
        return source(*names)
    except material.NotHere as missing:
        print(f"left out: {missing}", file=sys.stderr, flush=True)
        return []


def _share(judged: Sequence[Judged]) -> float:
    return float(np.mean([one.marked for one in judged])) if judged else 0.0


def _wrong(judged: Sequence[Judged]) -> float:
    return float(np.mean([one.abstained is not None for one in judged]))


def _named(group: str, judged: Sequence[Judged]) -> float:
    """Share whose reason is the true one."""
    return float(np.mean([one.abstained in REASONS[group] for one in judged]))


def _invented(judged: Sequence[Judged]) -> float:
    return float(sum(one.findings for one in judged))


def _poisson_high(count: float) -> float:
    """Upper 95 % limit of a Poisson mean, one-sided."""
    if count == 0:
        return NOTHING_SAID
    mean = count
    while _poisson_at_most(int(count), mean) > 0.05:
        mean += 0.01
    return mean


def _poisson_at_most(count: int, mean: float) -> float:
    term = total = float(np.exp(-mean))
    for k in range(1, count + 1):
        term *= mean / k
        total += term
    return total
