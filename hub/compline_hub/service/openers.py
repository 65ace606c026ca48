"""Remembers what opens the segments that handsets are sending, since a segment comes in many batches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.core.intake import opener_of
from compline_shared.batch import Batch
from compline_shared.place import Place
from compline_shared.segment import Opener

REMEMBERED = 1_024
"""Segments, of about 2 KiB each."""


class Openers:
    """What opened one of the last segments opens its next batch; the key exchange is done once a segment.

    Of a segment that opens with no key nothing is remembered. Whoever works with other keys makes another of these.
    """

    def __init__(self, keys: Sequence[X25519PrivateKey], *, remembered: int = REMEMBERED) -> None:
        self._keys = tuple(keys)
        self._limit = remembered
        self._known: OrderedDict[tuple[Place, bytes, bytes], Opener] = OrderedDict()

    def find(self, batch: Batch) -> Opener | None:
        """Return what opens a batch's segment, None where no key does."""
        segment = (batch.place, batch.enc, batch.header)
        known = self._known.get(segment)
        if known is not None:
            self._known.move_to_end(segment)
            return known
        opener = opener_of(batch, self._keys)
        if opener is not None:
            self._known[segment] = opener
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        return opener
