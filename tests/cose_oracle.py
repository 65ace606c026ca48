"""Makes and checks COSE_Sign1 messages with `cwt`, which shares no code with ours; runs in an environment of its own.

One JSON list of requests comes in on stdin, one list of answers goes out: the frame that was made, or the payload that
was verified, or null where it does not verify. Byte strings are hexadecimal; messages carry tag 18, which ours leave
out.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cwt import COSE, COSEKey


def answer(request: dict[str, Any]) -> str | None:
    """Carry out one request."""
    context = bytes.fromhex(request["context"])
    if request["do"] == "sign":
        members = {1: 1, 3: -8, -1: 6, -2: request["public"], -4: request["private"]}
        made = COSE.new().encode_and_sign(
            bytes.fromhex(request["payload"]),
            key(members),
            protected={1: -8},
            external_aad=context,
        )
        return str(made.hex())
    try:
        public = key({1: 1, 3: -8, -1: 6, -2: request["public"]})
        payload = COSE.new().decode(bytes.fromhex(request["frame"]), public, external_aad=context)
    except Exception:  # noqa: BLE001 - whatever it says, it does not verify
        return None
    return bytes(payload).hex()


def key(members: dict[int, Any]) -> Any:
    """A COSE key from its members, byte strings as hexadecimal."""
    return COSEKey.new({name: bytes.fromhex(m) if isinstance(m, str) else m for name, m in members.items()})


if __name__ == "__main__":
    json.dump([answer(request) for request in json.load(sys.stdin)], sys.stdout)
