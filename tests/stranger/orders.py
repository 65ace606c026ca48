"""What the hub orders and what the handset says of itself: commands, their results, reports, the lease."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.stranger import vault
from tests.stranger.cbor import Malformed, encode
from tests.stranger.frames import sign, signed_by
from tests.stranger.memory import Memory
from tests.stranger.sealing import opened

BOUND, FROZEN, WIPING, WIPED = 1, 2, 3, 4
BY_COMMAND, BY_LEASE = 1, 2
DONE, WIPE_STARTED, OLD_POLICY, WRONG_EPOCH, OLD_NONCE, NOT_APPROVED, TOO_OFTEN, WRONG_STATE, UNOPENED = (
    range(1, 10)
)
FREEZE, REBIND, WIPE, LEASE, POLICY, REKEY = range(1, 7)
MEMBERS = {FREEZE: 1, REBIND: 3, WIPE: 2, LEASE: 3, POLICY: 7, REKEY: 3}
KEPT = 8
HOUR = 3_600.0
SAVED_EVERY = 10.0


def name_of(keys: list[Any]) -> bytes:
    """What a set of keys is called."""
    return hashlib.sha256(b"compline/1 hub keys" + encode(keys)).digest()[:8]


@dataclass(frozen=True)
class Asked:
    """What a report's nonce stands for, as long as this process lives."""

    answer_key: X25519PrivateKey
    running: float
    wall: float


class Binding:
    """The one binding of this handset."""

    def __init__(self, memory: Memory, identity: Ed25519PrivateKey, clock: Callable[[], float]) -> None:
        self.memory, self._identity, self._clock = memory, identity, clock
        self._asked: dict[bytes, Asked] = {}
        self._refused: list[float] = []
        self._seen = time.monotonic()
        if self.state == WIPING:
            self._destroy(memory.get("wipe"))

    @property
    def state(self) -> int:
        return int(self.memory.get("state", BOUND))

    def report(self) -> bytes:
        """The signed word of the state, under a nonce and an answer key of its own."""
        nonce, key = secrets.token_bytes(16), X25519PrivateKey.generate()
        self._asked[nonce] = Asked(key, time.monotonic(), self._clock())
        for old in list(self._asked)[:-KEPT]:
            del self._asked[old]
        get, newest = self.memory.get, self.memory.newest
        payload = [get("handset"), get("binding"), get("epoch"), get("counter", 0), self.state]
        payload += [get("cause", BY_COMMAND), get("policy", 0), name_of(get("keys")), False]
        payload += [int(self.lease_used()), newest - self.memory.settled, newest]
        answer = key.public_key().public_bytes_raw()
        return sign(self._identity, "report", [*payload, nonce, answer, get("results", [])])

    # The lease

    def lease_used(self) -> float:
        """Time without the hub: the longer of running time and wall-clock time."""
        running = int(self.memory.get("lease_running", 0)) / 1000 + time.monotonic() - self._seen
        return max(0.0, running, self._clock() - int(self.memory.get("lease_wall", int(self._clock()))))

    def lease(self) -> None:
        """Keep account, and do what the lease asks for."""
        since = time.monotonic() - self._seen
        if since < SAVED_EVERY:
            return
        self._seen = time.monotonic()
        running = self.memory.get("lease_running", 0) + int(1000 * since)
        self.memory.put(lease_running=running)
        _, freeze, destroy = self.memory.get("times")
        if self.state == BOUND and self.lease_used() >= freeze:
            with self.memory.at_once():
                vault.freeze(self.memory)
                self.memory.put(state=FROZEN, cause=BY_LEASE)
        if self.state in (BOUND, FROZEN) and running / 1000 >= destroy:
            self.memory.put(state=WIPING, cause=BY_LEASE)
            self._destroy(None)

    # Commands

    def obey(self, payload: list[Any]) -> bool:
        """Decide on a command and carry it out durably; whether a report answers it."""
        _, binding, epoch, counter, order, body = payload
        if not isinstance(body, list) or not body or len(body) != MEMBERS.get(body[0]):
            return False
        if binding != self.memory.get("binding"):
            return False
        results = self.memory.get("results", [])
        if [order, DONE] in results or [order, WIPE_STARTED] in results:
            return True
        if counter <= self.memory.get("counter", 0):
            return True
        if epoch != self.memory.get("epoch"):
            self._result(order, WRONG_EPOCH)
            return True
        with self.memory.at_once():
            self.memory.put(counter=counter)
            self._result(order, self._decide(order, body))
        if self.state == WIPING:
            self._destroy(order)
        return True

    def _result(self, order: bytes, outcome: int) -> None:
        others = [each for each in self.memory.get("results", []) if each[0] != order]
        self.memory.put(results=[*others, [order, outcome]][-KEPT:])

    def _decide(self, order: bytes, body: list[Any]) -> int:
        kind, state = body[0], self.state
        if kind == FREEZE:
            return self._freeze(state)
        if kind == WIPE:
            return self._wipe(order, body)
        if state in (WIPING, WIPED) and (kind != REKEY or state == WIPING):
            return WRONG_STATE
        if kind == REBIND and state != FROZEN:
            return WRONG_STATE
        asked = self._asked.get(body[1])
        if asked is None and state != WIPED:
            return OLD_NONCE
        if kind == REKEY:
            self.memory.put(keys=body[2], keys_before=self.memory.get("keys"))
            self.memory.end_segments()
            return DONE
        assert asked is not None
        if kind == REBIND:
            return self._rebind(asked, body[1], body[2])
        if kind == LEASE:
            since = int(1000 * (time.monotonic() - asked.running))
            self._seen = time.monotonic()
            self.memory.put(lease_running=since, lease_wall=int(asked.wall), hub_time=body[2])
            return DONE
        return self._policy(order, body)

    def _freeze(self, state: int) -> int:
        if state == FROZEN:
            return DONE
        if state != BOUND:
            return WRONG_STATE
        vault.freeze(self.memory)
        self.memory.put(state=FROZEN, cause=BY_COMMAND)
        self.memory.end_segments()
        return DONE

    def _rebind(self, asked: Asked, nonce: bytes, sealed: bytes) -> int:
        get, begins = self.memory.get, self.memory.get("epoch") + 1
        info = encode([b"compline/1 rebind", get("handset"), get("binding"), begins, nonce])
        try:
            ended, secret, freeze_key = vault.rebind_secrets(opened(asked.answer_key, sealed, info))
            vault.thaw(self.memory, ended, secret)
        except (Malformed, vault.Shut):
            return UNOPENED
        self.memory.end_segments()
        self.memory.put(freeze_key=freeze_key, epoch=begins, state=BOUND, cause=BY_COMMAND)
        return DONE

    def _approvers(self, order: bytes, body: list[Any], approvals: list[Any]) -> set[bytes]:
        get = self.memory.get
        digest = hashlib.sha256(encode(body)).digest()
        message = b"compline/1 approval" + get("handset") + get("binding") + order + digest
        keys = dict(get("operators"))
        return {
            who for who, signature in approvals if who in keys and signed_by(keys[who], signature, message)
        }

    def _wipe(self, order: bytes, body: list[Any]) -> int:
        now = time.monotonic()
        self._refused = [each for each in self._refused if now - each < HOUR]
        if len(self._refused) >= 5:
            return TOO_OFTEN
        if len(self._approvers(order, [WIPE, []], body[1])) < 2:
            self._refused.append(now)
            return NOT_APPROVED
        self.memory.put(state=WIPING, cause=BY_COMMAND, wipe=order)
        return WIPE_STARTED

    def _destroy(self, order: bytes | None) -> None:
        with self.memory.at_once():
            vault.destroy(self.memory)
            self.memory.end_segments()
            self.memory.put(state=WIPED)
            if order is not None:
                self._result(order, DONE)

    def _policy(self, order: bytes, body: list[Any]) -> int:
        _, _, version, times, operators, approvals, strictness = body
        if version <= self.memory.get("policy", 0):
            return OLD_POLICY
        before = self.memory.get("operators")
        if len(before) >= 2 and sorted(before) != sorted(operators):
            unsigned = [POLICY, bytes(16), version, times, operators, [], strictness]
            if len(self._approvers(order, unsigned, approvals)) < 2:
                return NOT_APPROVED
        self.memory.put(policy=version, times=times, operators=operators)
        return DONE
