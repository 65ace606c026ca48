"""Speaks with a handset that deposits evidence, on a connection that the pairing port took."""

from __future__ import annotations

import asyncio
from typing import Final

from compline_hub.service.deposits import Deposits
from compline_shared.errors import MalformedFrame
from compline_shared.message_frame import decode_message
from compline_shared.transfer import (
    MAX_ANSWER,
    MAX_CHUNK,
    PLACE_BYTES,
    Answer,
    Declined,
    Deposit,
    Kept,
    Offer,
    write_answer,
)

IDLE_SECONDS: Final = 60.0
"""In which each chunk must come; a slow link sends smaller ones."""
LONGEST_SECONDS: Final = 3_600.0
"""Of one connection; the next goes on where it was."""


class EvidenceTalk:
    """One conversation a connection."""

    def __init__(self, deposits: Deposits) -> None:
        self._deposits = deposits

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one piece in, as far as it comes.

        Raises:
            MalformedFrame, TimeoutError, OSError, IncompleteReadError: the connection is of no more use.
        """
        async with asyncio.timeout(LONGEST_SECONDS):
            deposit = decode_message(await _frame(reader, MAX_ANSWER), Deposit)
            admitted = await asyncio.to_thread(self._deposits.begin, deposit)
            if isinstance(admitted, Declined):
                await _say(writer, admitted)
                return
            try:
                await self._take(reader, writer, admitted)
            finally:
                self._deposits.end(admitted)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, offer: Offer) -> None:
        while True:
            stands = await asyncio.to_thread(self._deposits.stands, offer)
            await _say(writer, stands)
            if not isinstance(stands, Kept):
                return
            chunk = await _frame(reader, PLACE_BYTES + MAX_CHUNK)
            at, data = int.from_bytes(chunk[:PLACE_BYTES], "big"), chunk[PLACE_BYTES:]
            await asyncio.to_thread(self._deposits.take, offer, at=at, data=data)


async def _frame(reader: asyncio.StreamReader, most: int) -> bytes:
    async with asyncio.timeout(IDLE_SECONDS):
        length = int.from_bytes(await reader.readexactly(4), "big")
        if not 0 < length <= most:
            raise MalformedFrame("A message about evidence is too long; the connection was closed.")
        return await reader.readexactly(length)


async def _say(writer: asyncio.StreamWriter, answer: Answer) -> None:
    payload = write_answer(answer)
    writer.write(len(payload).to_bytes(4, "big") + payload)
    await writer.drain()
