"""A handset's binding among replays, reordering, kills and forged approvals, with an account of who allowed what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compline_edge.core.binding_life import (
    Bound,
    Decision,
    Effect,
    Erase,
    Freezing,
    Frozen,
    Life,
    Renew,
    Seal,
    Stage,
    Terms,
    Thaw,
    Thawing,
    Wiped,
    Wiping,
    done,
    failed,
    order,
    read_life,
    resume,
    tick,
    write_life,
)
from compline_edge.core.lease import Account, Reading, Standing
from compline_shared.commands import (
    Approval,
    Approvals,
    Body,
    Command,
    Freeze,
    Lease,
    Policy,
    Rebind,
    Rekey,
    Wipe,
    approve,
)
from compline_shared.lease import LeaseTimes
from compline_shared.reports import MAX_RESULTS, CommandOutcome
from tests.bindings import (
    ANNE,
    BERT,
    BINDING,
    ELSEWHERE,
    OPERATOR_KEYS,
    ROSTER,
    WHO,
    life,
    operator,
    some_keys,
)

Kill = Literal["none", "before the effect", "after the effect"]
SEALED: Final = -1
GONE: Final = -2
LAST: Final = Account(0.0, 0.0, Reading(bytes(4), 0.0, 0.0))
NEXT: Final[Mapping[type[Stage], tuple[type[Stage], ...]]] = {
    Bound: (Bound, Freezing, Wiping),
    Freezing: (Freezing, Frozen, Wiping),
    Frozen: (Frozen, Thawing, Wiping),
    Thawing: (Thawing, Bound, Frozen, Wiping),
    Wiping: (Wiping, Wiped),
    Wiped: (Wiped,),
}
PEOPLE: Final = st.sets(st.sampled_from(sorted(OPERATOR_KEYS)), max_size=3)


class World(RuleBasedStateMachine):
    """`vault` is the epoch under which the vault opens, or says that it does not; `pending` are effects under way."""

    decide = staticmethod(order)
    lapse = staticmethod(tick)
    start = staticmethod(resume)
    end = staticmethod(done)

    def __init__(self) -> None:
        super().__init__()
        self.life = life(terms=Terms(operators=ROSTER[:2]), counter=0)
        self.vault = self.life.epoch
        self.pending: list[tuple[Effect, Stage]] = []
        self.asked: dict[bytes, Account] = {}
        self.given: list[bytes] = []
        self.running = 0
        self.hub_counter = 0
        self.ordered = 0
        self.wire: list[Command] = []
        self.outstanding: dict[bytes, Command] = {}
        self.approved: dict[bytes, set[bytes]] = {}  # who truly did
        self.finished: Counter[bytes] = Counter()
        self.handset_asks()

    # what the hub, its operators and a forger do

    @precondition(lambda self: len(self.outstanding) < MAX_RESULTS)
    @rule(
        body=st.sampled_from([Freeze, Freeze, Rebind, Rebind, Wipe, Lease, Policy, Rekey]),
        by=PEOPLE,
        forged=st.booleans(),
        data=st.data(),
    )
    def hub_orders(self, body: type[Body], by: set[bytes], forged: bool, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from([self.given[-1], *self.given[-3:], b"a foreign nonce."]))
        epoch = max(0, self.life.epoch + data.draw(st.sampled_from([0] * 8 + [-1, 1])))
        binding = data.draw(st.sampled_from([BINDING] * 7 + [ELSEWHERE]))
        made = self._new(self._body(body, nonce, data), epoch=epoch, binding=binding)
        self.approved[made.id] = set() if forged else by
        if isinstance(made.body, Wipe | Policy):
            given = self._forged(made) if forged else tuple(approve(made, w, OPERATOR_KEYS[w]) for w in by)
            made = msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, approvals=given))
        self.outstanding[made.id] = made
        self._send(made)

    @precondition(lambda self: isinstance(self.life.stage, Frozen) and len(self.outstanding) < MAX_RESULTS)
    @rule()
    def hub_rebinds(self) -> None:
        """As usual: to the newest nonce, in the epoch that the report told."""
        made = self._new(Rebind(self.given[-1], b"sealed"), epoch=self.life.epoch, binding=BINDING)
        self.outstanding[made.id] = made
        self._send(made)

    def _new(self, body: Body, *, epoch: int, binding: bytes) -> Command:
        self.ordered += 1
        return Command(WHO, binding, epoch, 0, self.ordered.to_bytes(16, "big"), body)

    def _body(self, kind: type[Body], nonce: bytes, data: st.DataObject) -> Body:
        if kind is Freeze:
            return Freeze()
        if kind is Rebind:
            return Rebind(nonce, b"sealed")
        if kind is Wipe:
            return Wipe(())
        if kind is Lease:
            return Lease(nonce, 1_795_000_000)
        if kind is Rekey:
            return Rekey(nonce, data.draw(st.sampled_from([some_keys(b"1"), some_keys(b"2")])))
        named = data.draw(st.sampled_from([(ANNE, BERT), (ANNE,), (), tuple(OPERATOR_KEYS)]))
        version = data.draw(st.integers(0, 9))
        return Policy(nonce, version, LeaseTimes(), tuple(operator(who) for who in named))

    def _forged(self, made: Command) -> Approvals:
        """Anne's approval three times, once in Bert's name, and what Bert signed for another command."""
        other = msgspec.structs.replace(made, id=b"another command.")
        alone = approve(made, ANNE, OPERATOR_KEYS[ANNE])
        self.approved[made.id] = {ANNE}
        return (alone, alone, Approval(BERT, alone.signature), approve(other, BERT, OPERATOR_KEYS[BERT]))

    @precondition(lambda self: self.outstanding)
    @rule(data=st.data())
    def hub_signs_anew(self, data: st.DataObject) -> None:
        self._send(self.outstanding[data.draw(st.sampled_from(sorted(self.outstanding)))])

    def _send(self, made: Command) -> None:
        self.hub_counter = max(self.hub_counter, self.life.counter) + 1
        self.wire.append(msgspec.structs.replace(made, counter=self.hub_counter))

    @rule()
    def hub_reads_a_report(self) -> None:
        final = {CommandOutcome.DONE, CommandOutcome.WIPE_STARTED}
        for result in self.life.results:
            if result.outcome in final:
                self.outstanding.pop(result.command, None)

    @precondition(lambda self: self.outstanding)
    @rule()
    def hub_gives_up(self) -> None:
        """A refused command is let go once no frame of it can count any more."""
        for made in [*self.outstanding.values()]:
            alive = any(m.id == made.id and m.counter > self.life.counter for m in self.wire)
            if not alive:
                del self.outstanding[made.id]

    # what the handset does

    @rule()
    def handset_asks(self) -> None:
        nonce = (len(self.given) + 1).to_bytes(16, "big")
        self.given.append(nonce)
        self.asked[nonce] = LAST

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), kill=st.sampled_from(["none", "none", "before the effect"]))
    def handset_hears(self, data: st.DataObject, kill: Kill) -> None:
        """Nothing leaves the wire: each frame may come again, and in any order."""
        newest = st.just(len(self.wire) - 1)
        self.hear(self.wire[data.draw(newest | newest | st.integers(0, len(self.wire) - 1))], kill)

    def hear(self, it: Command, kill: Kill = "none") -> None:
        decided = self.decide(self.life, it, asked=self.asked, running=self.running)
        self.judge(it, decided)
        self.write(decided.life)
        self.begin(decided.effect, kill)

    @rule(standing=st.sampled_from([*Standing, *[Standing.GOOD, Standing.ENDED] * 5]), kill=st.booleans())
    def time_passes(self, standing: Standing, kill: bool) -> None:
        self.running += 1_000
        decided = self.lapse(self.life, standing)
        assert not isinstance(decided.life.stage, Thawing) or isinstance(self.life.stage, Thawing)
        assert standing is Standing.LAPSED or not isinstance(decided.effect, Erase)
        self.write(decided.life)
        self.begin(decided.effect, "before the effect" if kill else "none")

    def begin(self, effect: Effect | None, kill: Kill) -> None:
        if kill == "before the effect":
            self.die()
        elif effect is not None and not isinstance(effect, Renew):
            self.pending.append((effect, self.life.stage))

    @precondition(lambda self: self.pending)
    @rule(kill=st.sampled_from(["none", "none", "after the effect"]), works=st.booleans())
    def effect_ends(self, kill: Kill, works: bool) -> None:
        effect, begun = self.pending.pop(0)
        if isinstance(effect, Thaw) and not works:
            self.write(failed(self.life, CommandOutcome.UNOPENED))
            return
        self.carry_out(effect)
        if kill == "after the effect":
            self.die()
        else:
            self.write(self.end(self.life, begun))

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Seal() if self.vault >= 0:
                self.vault = SEALED
            case Thaw(epoch=epoch) if self.vault == SEALED:
                self.vault = epoch
            case Erase():
                self.vault = GONE
            case Seal() | Thaw() | Renew():
                pass

    @rule()
    def die(self) -> None:
        """Killed, and started again from the record."""
        self.pending, self.asked = [], {}
        self.life = read_life(write_life(self.life))
        again = self.start(self.life)
        if again is not None:
            self.pending.append((again, self.life.stage))
        if isinstance(self.life.stage, Thawing):
            held = self.vault == self.life.epoch + 1
            settled = done(self.life, self.life.stage)
            self.write(settled if held else failed(self.life, CommandOutcome.NO_ROOM))
        self.handset_asks()

    # what must hold

    def judge(self, it: Command, decided: Decision) -> None:
        """Whoever has no authority changes nothing but what is remembered of the command."""
        before, after = self.life, decided.life
        if (before.stage, before.terms, before.hub_keys, None) == (
            after.stage,
            after.terms,
            after.hub_keys,
            decided.effect,
        ):
            return
        assert (it.handset, it.binding, it.epoch) == (before.handset, before.binding, before.epoch)
        assert it.counter > before.counter
        assert not self.finished[it.id]
        wiped = isinstance(before.stage, Wiped)  # knows no nonce any more, and may still owe verdicts
        if isinstance(it.body, Rebind | Lease | Policy) or (isinstance(it.body, Rekey) and not wiped):
            assert it.body.nonce in self.asked
        named = {each.id for each in before.terms.operators}
        changed = before.terms.operators != after.terms.operators
        if isinstance(decided.effect, Erase) or (changed and len(named) >= 2):
            assert len(self.approved[it.id] & named) >= 2
        assert len(named) < 2 or len(after.terms.operators) >= 2

    def write(self, new: Life) -> None:
        """Put a record in the place of the last."""
        old, self.life = self.life, new
        assert new.counter >= old.counter
        assert isinstance(new.stage, NEXT[type(old.stage)])
        thawed = isinstance(old.stage, Thawing) and isinstance(new.stage, Bound)
        assert new.epoch == old.epoch + thawed
        assert new.terms.version >= old.terms.version
        was = {result.command for result in old.results if result.outcome is CommandOutcome.DONE}
        for result in new.results:
            if result.outcome is CommandOutcome.DONE and result.command not in was:
                self.finished[result.command] += 1
                assert self.finished[result.command] == 1

    @invariant()
    def vault_is_what_the_record_says(self) -> None:
        match self.life.stage:
            case Bound():
                assert self.vault == self.life.epoch
            case Frozen():
                assert self.vault == SEALED
            case Wiped():
                assert self.vault == GONE
            case Freezing() | Thawing() | Wiping():
                assert self.pending

    def teardown(self) -> None:
        """Whatever was lost, each command that is signed anew above the counter gets its answer."""
        while self.pending:
            self.effect_ends_now()
        for made in [*self.outstanding.values()]:
            if made.binding != BINDING:
                continue
            self._send(made)
            self.hear(self.wire[-1])
            while self.pending:
                self.effect_ends_now()
            assert any(result.command == made.id for result in self.life.results)

    def effect_ends_now(self) -> None:
        effect, begun = self.pending.pop(0)
        self.carry_out(effect)
        self.write(self.end(self.life, begun))
