"""Sounds of a telephone line that are no speech, and what a line does to speech; all made anew from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from models.train.telephone import Floats

RATE = 16_000
FRAME = RATE // 50
"""Samples of a packet: 20 ms."""
ROWS, COLUMNS = (697, 770, 852, 941), (1_209, 1_336, 1_477)
"""Hz of touch tones (ITU-T Q.23)."""
SCALE = (0, 2, 4, 5, 7, 9, 11)
CHORDS = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16))


def ring_back(seconds: float, chance: np.random.Generator) -> Floats:
    """450 Hz, 1 s on and 4 s off: ringing in mainland China (GB/T 3380)."""
    return _cadence(seconds, chance, on=1.0, off=4.0)


def busy(seconds: float, chance: np.random.Generator) -> Floats:
    """450 Hz, 0.35 s on and off: busy in mainland China."""
    return _cadence(seconds, chance, on=0.35, off=0.35)


def touch_tones(seconds: float, chance: np.random.Generator) -> Floats:
    """Somebody dials, slowly or fast."""
    pieces: list[Floats] = []
    length, pause = chance.uniform(0.08, 0.3), chance.uniform(0.05, 0.4)
    while sum(map(len, pieces)) < seconds * RATE:
        low, high = int(chance.choice(ROWS)), int(chance.choice(COLUMNS))
        pieces += [_sines((low, high), length, chance), np.zeros(int(pause * RATE), np.float32)]
    return _level(np.concatenate(pieces), chance)


def fax(seconds: float, chance: np.random.Generator) -> Floats:
    """A fax machine calls (1,100 Hz, 0.5 s in 3.5) and another answers (2,100 Hz), again and again."""
    calling = np.concatenate((_sines((1_100,), 0.5, chance), np.zeros(3 * RATE, np.float32)))
    answer = _sines((2_100,), 3.0, chance)
    once = np.concatenate((calling, answer, np.zeros(RATE, np.float32)))
    return _level(np.resize(once, int(seconds * RATE)), chance)


def sweep(seconds: float, chance: np.random.Generator) -> Floats:
    """A sine that climbs from 300 to 3,400 Hz, over and over."""
    period = chance.uniform(1.0, 8.0)
    within = np.mod(_time(seconds), period) / period
    phase = 2 * np.pi * np.cumsum(300 * (3_400 / 300) ** within) / RATE
    return _level(np.sin(phase).astype(np.float32), chance)


def tune(seconds: float, chance: np.random.Generator) -> Floats:
    """A melody over chords, each note with overtones, an attack and a decay."""
    beat = 60 / chance.uniform(70, 150)
    length, key = int(seconds * RATE), 220 * 2 ** (int(chance.integers(12)) / 12)
    mixed = np.zeros(length + 4 * RATE, np.float32)
    brightness = chance.uniform(0.3, 0.8)
    for count, start in enumerate(np.arange(0, seconds, beat)):
        at = int(start * RATE)
        melody = key * 2 * 2 ** (SCALE[int(chance.integers(7))] / 12)
        notes = [(melody, beat * 0.9, 1.0)]
        if count % 4 == 0:
            chord = CHORDS[int(chance.integers(4))]
            notes += [(key * 2 ** (step / 12), 4 * beat, 0.5) for step in chord]
        for pitch, lasting, loud in notes:
            note = _note(pitch, lasting, brightness) * np.float32(loud)
            mixed[at : at + len(note)] += note
    return _level(mixed[:length], chance)


def hum(seconds: float, chance: np.random.Generator) -> Floats:
    """Mains at 50 Hz with its overtones and a little hiss."""
    time = _time(seconds)
    tones = sum(np.sin(2 * np.pi * 50 * n * time) / n**1.5 for n in range(1, 9))
    loud = np.asarray(tones, dtype=np.float32) + chance.standard_normal(time.size).astype(np.float32) * 0.01
    return np.asarray(loud / np.abs(loud).max() * 10 ** (chance.uniform(-45, -20) / 20), dtype=np.float32)


def comfort_noise(seconds: float, chance: np.random.Generator) -> Floats:
    """Soft hiss of -60 to -40 dBFS, as a line plays while nobody speaks."""
    hiss = chance.standard_normal(int(seconds * RATE)).astype(np.float32)
    return np.asarray(hiss * 10 ** (chance.uniform(-60, -40) / 20), dtype=np.float32)


def silence(seconds: float, _chance: np.random.Generator) -> Floats:
    """Digital zeros."""
    return np.zeros(int(seconds * RATE), np.float32)


def white(length: int, chance: np.random.Generator) -> Floats:
    """Noise of the same power at every frequency."""
    return chance.standard_normal(length).astype(np.float32)


def coloured(length: int, chance: np.random.Generator) -> Floats:
    """Noise whose power falls with frequency to a power of 0.6 to 2."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    slope = np.arange(1, spectrum.size + 1) ** -chance.uniform(0.3, 1.0)
    return np.fft.irfft(spectrum * slope, length).astype(np.float32)


def babble(length: int, voices: Sequence[Floats], chance: np.random.Generator) -> Floats:
    """Four to eight voices at once, none of them over."""
    chosen = [voices[int(k)] for k in chance.integers(len(voices), size=int(chance.integers(4, 9)))]
    shifted = [np.resize(np.roll(voice, int(chance.integers(voice.size))), length) for voice in chosen]
    return np.asarray(np.sum(shifted, axis=0), dtype=np.float32)


def active_power(speech: Floats) -> float:
    """Mean square where somebody speaks: in frames of 30 ms at most 30 dB below the loudest twentieth."""
    frames = speech[: speech.size // 480 * 480].reshape(-1, 480)
    power = np.mean(frames * frames, axis=1)
    return float(power[power > np.quantile(power, 0.95) / 1_000].mean())


def noisy(speech: Floats, noise: Floats, *, decibels: float) -> Floats:
    """Add noise so that active speech stands `decibels` above it."""
    gain = np.sqrt(active_power(speech) / float(np.mean(noise * noise)) / 10 ** (decibels / 10))
    return np.asarray(speech + noise * gain, dtype=np.float32)


def clipped(speech: Floats, *, decibels: float) -> Floats:
    """Amplify the speech by `decibels` above where its peak would just fit, and cut off what does not."""
    return np.asarray(
        np.clip(speech / np.abs(speech).max() * 10 ** (decibels / 20), -1.0, 1.0), dtype=np.float32
    )


def packets_lost(
    heard: Floats, *, share: float, conceal: Literal["zeros", "repeat"], chance: np.random.Generator
) -> tuple[Floats, float]:
    """Lose packets of 20 ms at random, played as silence or as the one before once more; returns the true share too."""
    frames = heard[: heard.size // FRAME * FRAME].copy().reshape(-1, FRAME)
    lost = np.flatnonzero(chance.random(len(frames)) < share)
    for k in lost.tolist():
        frames[k] = frames[k - 1] if conceal == "repeat" and k else 0.0
    return frames.reshape(-1), lost.size / len(frames)


def _cadence(seconds: float, chance: np.random.Generator, *, on: float, off: float) -> Floats:
    time = _time(seconds) + chance.uniform(0, on + off)
    pitch = 450 + chance.uniform(-20, 20)
    tone = np.sin(2 * np.pi * pitch * time) * (np.mod(time, on + off) < on)
    return _level(tone.astype(np.float32), chance)


def _sines(pitches: Sequence[float], seconds: float, chance: np.random.Generator) -> Floats:
    time = _time(seconds)
    return np.asarray(
        sum(np.sin(2 * np.pi * pitch * time + chance.uniform(0, 6)) for pitch in pitches), dtype=np.float32
    )


def _note(pitch: float, seconds: float, brightness: float) -> Floats:
    time = _time(seconds)
    overtones = sum(brightness**n * np.sin(2 * np.pi * pitch * (n + 1) * time) for n in range(6))
    envelope = np.minimum(time / 0.02, 1) * np.exp(-1.5 * time)
    return np.asarray(overtones * envelope, dtype=np.float32)


def _level(sound: Floats, chance: np.random.Generator) -> Floats:
    """At a peak of -25 to -6 dBFS."""
    return np.asarray(sound / np.abs(sound).max() * 10 ** (chance.uniform(-25, -6) / 20), dtype=np.float32)


def _time(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.arange(int(seconds * RATE)) / RATE
