"""Decides what becomes of a binding: a command or the lease goes in, a new record and an effect come out.

    Bound ──freeze, lease ended──▶ Freezing ──▶ Frozen ──rebind──▶ Thawing ──▶ Bound (epoch + 1)
      └──────────────┬──────────────────────────────┴──wipe, lease lapsed──▶ Wiping ──▶ Wiped

The record is written, whole and durably, before its effect begins: checks, counter and intent are one. Effects may be
cut off anywhere and are begun again from the record at the next start; each may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from compline_edge.core.lease import Account, Standing
from compline_shared.commands import (
    APPROVERS,
    Command,
    Freeze,
    Lease,
    Policy,
    Rebind,
    Rekey,
    Roster,
    Wipe,
    approvers,
    require_different,
)
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import (
    Counter,
    Epoch,
    Id8,
    Id16,
    Seconds,
    decode_message,
    encode_message,
)
from compline_shared.place import MAX_EPOCH, Place
from compline_shared.reports import MAX_RESULTS, BindingState, Cause, CommandOutcome, Result
from compline_shared.strictness import Strictness, require_ascending

REFUSED_WIPES: Final = 5
"""Wipes without the approvals they need, within `WIPE_WINDOW`, after which none is looked at any more."""
WIPE_WINDOW: Final = 3_600
"""Seconds of running time."""
MAX_RECORD: Final = 16_384
"""Bytes of a record."""
_FINAL: Final = frozenset({CommandOutcome.DONE, CommandOutcome.WIPE_STARTED})


class Bound(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """The vault opens."""


class Freezing(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """The vault is being sealed away; `command` is None where the lease ended."""

    command: Id16 | None


class Frozen(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """Nothing on the handset opens the vault."""

    cause: Cause


class Thawing(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """A rebind was accepted; where its effect was cut off before it held, the vault is still frozen."""

    command: Id16
    cause: Cause  # of the freezing that ends


class Wiping(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """The keys go first, then the files; `command` is None where the lease lapsed."""

    command: Id16 | None


class Wiped(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=6):
    """Nothing is left but identity, outbox and this record."""

    cause: Cause


Stage: TypeAlias = Bound | Freezing | Frozen | Thawing | Wiping | Wiped


class Terms(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What policy sets."""

    version: Counter = 0
    times: LeaseTimes = LeaseTimes()
    operators: Roster = ()
    strictness: Strictness = ()

    def __post_init__(self) -> None:
        """Hold operators and categories apart, whoever named them; ValueError otherwise."""
        require_different(self.operators)
        require_ascending(self.strictness)

    @property
    def roster(self) -> Mapping[bytes, bytes]:
        """Operator id to public key."""
        return {operator.id: operator.key for operator in self.operators}


class Life(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The whole record of one binding."""

    handset: Id8
    binding: Id8
    epoch: Epoch
    stage: Stage = Bound()
    counter: Counter = 0  # the highest that was used
    results: Annotated[tuple[Result, ...], Meta(max_length=MAX_RESULTS)] = ()  # newest last
    terms: Terms = Terms()
    refused_wipes: Annotated[tuple[Seconds, ...], Meta(max_length=REFUSED_WIPES)] = ()  # s of running time
    hub_time: Seconds = 0  # Unix s, the latest that the hub told
    hub_keys: HubPublicKeys | None = None  # by which it knows its hub; None: as paired
    former_keys: HubPublicKeys | None = None  # those before; None: as paired

    @property
    def place(self) -> Place:
        """Handset, binding and epoch."""
        return Place(HandsetId(self.handset.hex()), BindingId(self.binding.hex()), self.epoch)

    @property
    def state(self) -> BindingState:
        """What a report says."""
        match self.stage:
            case Bound() | Freezing():
                return BindingState.BOUND
            case Frozen() | Thawing():
                return BindingState.FROZEN
            case Wiping():
                return BindingState.WIPING
            case Wiped():
                return BindingState.WIPED

    @property
    def cause(self) -> Cause:
        """What brought it there."""
        match self.stage:
            case Bound():
                return Cause.COMMAND
            case Freezing(command=command) | Wiping(command=command):
                return Cause.COMMAND if command else Cause.LEASE
            case Frozen(cause=cause) | Thawing(cause=cause) | Wiped(cause=cause):
                return cause


def write_life(life: Life) -> bytes:
    """Return the one encoding of a record."""
    return encode_message(life)


def read_life(data: bytes) -> Life:
    """Return the record that `write_life` wrote; raises MalformedFrame."""
    return decode_message(data, Life, limit=MAX_RECORD)


@dataclass(frozen=True, slots=True)
class Seal:
    """Drain what is owed, seal the vault's key to the hub's freeze key, destroy what opens it."""


@dataclass(frozen=True, slots=True)
class Thaw:
    """Open the frozen wrap with what the hub sent, wrap the key anew for the next epoch, and take up the lease anew."""

    sealed: bytes
    nonce: bytes  # of the report that the hub answers; the private half of its answer key opens ``sealed``
    epoch: int  # the one that begins
    asked: Account  # the lease counts from here


@dataclass(frozen=True, slots=True)
class Erase:
    """Destroy slot, wraps and secret, then remove the files."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Take up the lease anew as of this account, under a new slot key."""

    asked: Account


Effect: TypeAlias = Seal | Thaw | Erase | Renew


@dataclass(frozen=True, slots=True)
class Decision:
    """The record to write, and then what to do, if anything."""

    life: Life
    effect: Effect | None = None


def order(life: Life, command: Command, *, asked: Mapping[bytes, Account], running: int) -> Decision:
    """Decide on a command whose signature holds for this handset; one for another binding changes nothing.

    ``asked`` maps the nonces that are still good to the lease's account when each was given; ``running`` is seconds of
    running time that never go back. A command that was decided before changes nothing: its result stands.
    """
    if (command.handset, command.binding) != (life.handset, life.binding):
        return Decision(life)
    if any(result.command == command.id and result.outcome in _FINAL for result in life.results):
        return Decision(life)
    if command.counter <= life.counter:  # the report that answers says above which counter to sign it anew
        return Decision(life)
    if command.epoch != life.epoch:
        return Decision(_with(life, command.id, CommandOutcome.WRONG_EPOCH))
    taken = replace(life, counter=command.counter)
    match command.body:
        case Freeze():
            return _freeze(taken, command.id)
        case Rebind() as body:
            return _rebind(taken, command.id, body, asked)
        case Wipe():
            return _wipe(taken, command, running)
        case Lease() as body:
            return _lease(taken, command.id, body, asked)
        case Policy() as body:
            return _policy(taken, command, body, asked)
        case Rekey() as body:
            return _rekey(taken, command.id, body, asked)


def order_former(life: Life, command: Command, *, asked: Mapping[bytes, Account], running: int) -> Decision:
    """Decide as `order` does, on a binding under which the handset works no more: it is never thawed."""
    if not isinstance(command.body, Rebind):
        return order(life, command, asked=asked, running=running)
    decided = order(life, command, asked={}, running=running)  # no nonce is good for it
    return (
        decided
        if decided.life == life
        else Decision(_with(decided.life, command.id, CommandOutcome.WRONG_STATE))
    )


def tick(life: Life, standing: Standing) -> Decision:
    """Decide on what the lease allows now."""
    match standing:
        case Standing.LAPSED if isinstance(life.stage, Bound | Freezing | Frozen | Thawing):
            return Decision(replace(life, stage=Wiping(None)), Erase())
        case Standing.ENDED if isinstance(life.stage, Bound):
            return Decision(replace(life, stage=Freezing(None)), Seal())
        case Standing.GOOD | Standing.WARNED | Standing.ENDED | Standing.LAPSED:
            return Decision(life)


def resume(life: Life) -> Effect | None:
    """What a start has to do again; a thaw that was cut off is settled by what the files say."""
    match life.stage:
        case Freezing():
            return Seal()
        case Wiping():
            return Erase()
        case Bound() | Frozen() | Thawing() | Wiped():
            return None


def done(life: Life, begun: Stage) -> Life:
    """The record after the effect of the stage ``begun`` has come to its end.

    A wipe may have come while a seal or a thaw was under way: their end is not the wipe's, and changes nothing.
    """
    if type(life.stage) is not type(begun):
        return life
    match life.stage:
        case Freezing(command=command):
            cause = Cause.COMMAND if command else Cause.LEASE
            return _with(replace(life, stage=Frozen(cause)), command, CommandOutcome.DONE)
        case Thawing(command=command):
            return _with(replace(life, stage=Bound(), epoch=life.epoch + 1), command, CommandOutcome.DONE)
        case Wiping(command=command):
            cause = Cause.COMMAND if command else Cause.LEASE
            wiped = _with(replace(life, stage=Wiped(cause)), command, CommandOutcome.DONE)
            return replace(wiped, results=tuple(_ended(result) for result in wiped.results))
        case Bound() | Frozen() | Wiped():
            return life


def failed(life: Life, outcome: CommandOutcome) -> Life:
    """The record after a thaw that could not be done: frozen as before."""
    match life.stage:
        case Thawing(command=command, cause=cause):
            return _with(replace(life, stage=Frozen(cause)), command, outcome)
        case Bound() | Freezing() | Frozen() | Wiping() | Wiped():
            return life


def _freeze(life: Life, command: bytes) -> Decision:
    match life.stage:
        case Bound():
            return Decision(replace(life, stage=Freezing(command)), Seal())
        case Freezing():  # by the lease, under way: it is the hub's from now on
            return Decision(replace(life, stage=Freezing(command)))
        case Frozen():
            frozen = replace(life, stage=Frozen(Cause.COMMAND))
            return Decision(_with(frozen, command, CommandOutcome.DONE))
        case Thawing() | Wiping() | Wiped():
            return Decision(_with(life, command, CommandOutcome.WRONG_STATE))


def _rebind(life: Life, command: bytes, body: Rebind, asked: Mapping[bytes, Account]) -> Decision:
    match life.stage:
        case Frozen(cause=cause):
            if body.nonce not in asked:
                return Decision(_with(life, command, CommandOutcome.OLD_NONCE))
            if life.epoch == MAX_EPOCH:
                return Decision(_with(life, command, CommandOutcome.WRONG_STATE))
            thawing = replace(life, stage=Thawing(command, cause))
            return Decision(thawing, Thaw(body.sealed, body.nonce, life.epoch + 1, asked[body.nonce]))
        case Bound() | Freezing() | Thawing() | Wiping() | Wiped():
            return Decision(_with(life, command, CommandOutcome.WRONG_STATE))


def _wipe(life: Life, command: Command, running: int) -> Decision:
    if isinstance(life.stage, Wiping):
        return Decision(_with(life, command.id, CommandOutcome.WIPE_STARTED))
    if isinstance(life.stage, Wiped):
        return Decision(_with(life, command.id, CommandOutcome.DONE))
    recent = tuple(at for at in life.refused_wipes if running - WIPE_WINDOW < at <= running)
    if len(recent) >= REFUSED_WIPES:
        return Decision(_with(replace(life, refused_wipes=recent), command.id, CommandOutcome.TOO_OFTEN))
    if not _approved(life, command):
        refused = replace(life, refused_wipes=(*recent, running))
        return Decision(_with(refused, command.id, CommandOutcome.NOT_APPROVED))
    wiping = replace(life, stage=Wiping(command.id))
    return Decision(_with(wiping, command.id, CommandOutcome.WIPE_STARTED), Erase())


def _lease(life: Life, command: bytes, body: Lease, asked: Mapping[bytes, Account]) -> Decision:
    match life.stage:
        case Bound() | Frozen():
            if body.nonce not in asked:
                return Decision(_with(life, command, CommandOutcome.OLD_NONCE))
            told = replace(life, hub_time=max(life.hub_time, body.hub_time))
            return Decision(_with(told, command, CommandOutcome.DONE), Renew(asked[body.nonce]))
        case Freezing() | Thawing() | Wiping() | Wiped():
            return Decision(_with(life, command, CommandOutcome.WRONG_STATE))


def _policy(life: Life, command: Command, body: Policy, asked: Mapping[bytes, Account]) -> Decision:
    if isinstance(life.stage, Wiping | Wiped):
        return Decision(_with(life, command.id, CommandOutcome.WRONG_STATE))
    if body.nonce not in asked:
        return Decision(_with(life, command.id, CommandOutcome.OLD_NONCE))
    if body.version <= life.terms.version:
        return Decision(_with(life, command.id, CommandOutcome.OLD_POLICY))
    settled = len(life.terms.operators) >= APPROVERS  # before that the hub names the first ones; never again
    changed = body.operators != life.terms.operators
    if settled and changed and not (len(body.operators) >= APPROVERS and _approved(life, command)):
        return Decision(_with(life, command.id, CommandOutcome.NOT_APPROVED))
    terms = Terms(body.version, body.times, body.operators, body.strictness)
    return Decision(_with(replace(life, terms=terms), command.id, CommandOutcome.DONE))


def _rekey(life: Life, command: bytes, body: Rekey, asked: Mapping[bytes, Account]) -> Decision:
    """A wiped handset takes keys too, for it may still owe verdicts; without a lease it knows no nonce."""
    if isinstance(life.stage, Wiping):
        return Decision(_with(life, command, CommandOutcome.WRONG_STATE))
    if body.nonce not in asked and not isinstance(life.stage, Wiped):
        return Decision(_with(life, command, CommandOutcome.OLD_NONCE))
    rekeyed = replace(life, hub_keys=body.keys, former_keys=life.hub_keys)
    return Decision(_with(rekeyed, command, CommandOutcome.DONE))


def _approved(life: Life, command: Command) -> bool:
    return len(approvers(command, life.terms.roster)) >= APPROVERS


def _ended(result: Result) -> Result:
    started = (
        result.outcome is CommandOutcome.WIPE_STARTED
    )  # so was every wipe that found the first under way
    return Result(result.command, CommandOutcome.DONE) if started else result


def _with(life: Life, command: bytes | None, outcome: CommandOutcome) -> Life:
    """Remember a result, in the place of an earlier one of the same command; a repeated one writes nothing."""
    if command is None or Result(command, outcome) in life.results:
        return life
    others = tuple(result for result in life.results if result.command != command)
    return replace(life, results=(*others, Result(command, outcome))[-MAX_RESULTS:])
