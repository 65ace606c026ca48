"""A recording replayed at the pace of speech."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType

import numpy as np

from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.ports import AudioInfo, AudioReader, Clock
from compline_shared.taxonomy import Abstention


class PacedAudio:
    """Another reader's blocks, cut small, each handed out when it would have been spoken."""

    def __init__(
        self,
        reader: AudioReader,
        *,
        clock: Clock,
        speed: float = 1.0,
        block_s: float = 0.1,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._speed = speed
        self._samples = max(1, min(SAMPLE_RATE, round(block_s * SAMPLE_RATE)))
        self._wait = wait

    @property
    def info(self) -> AudioInfo:
        """What the paced recording's container says."""
        return self._reader.info

    @property
    def defect(self) -> Abstention | None:
        """The paced recording's defect."""
        return self._reader.defect

    def blocks(self) -> Iterator[Channels]:
        """Yield blocks of `block_s`; one that ends t s into the recording comes t / speed after the start."""
        began = self._clock.monotonic()
        given = 0
        for block in self._resliced():
            given += block.shape[1]
            early = began + given / SAMPLE_RATE / self._speed - self._clock.monotonic()
            if early > 0:
                self._wait(early)
            yield block

    def _resliced(self) -> Iterator[Channels]:
        held: Channels | None = None
        for block in self._reader.blocks():
            held = block if held is None else np.concatenate((held, block), axis=1)
            while held.shape[1] >= self._samples:
                yield held[:, : self._samples]
                held = held[:, self._samples :]
        if held is not None and held.shape[1]:
            yield held

    def __enter__(self) -> PacedAudio:
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)
