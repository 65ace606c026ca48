"""Shows a collector or a program what this handset is: bound or not, until when, and what keeps its keys."""

from __future__ import annotations

import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from compline_edge.core.beginning import left_alone
from compline_edge.core.conditions import Conditions, Network, waits
from compline_edge.core.lack_words import Lack, judging_without
from compline_edge.core.lease_words import outlook, slot_means
from compline_edge.core.room_words import Shortage, judging_stopped
from compline_edge.core.strictness_words import judged_by
from compline_edge.display import legible
from compline_edge.vault.glance import BindingGlance, Glance
from compline_shared.reports import BindingState

UNBOUND: Final = "unbound"
_ALONE = (
    "本机尚未与门店绑定；请门店出示配对码，然后运行 compline-edge join 配对码。\n"
    "This phone is not bound to a hub yet; let the branch show a pairing code, then: compline-edge join CODE"
)


class LeaseRow(msgspec.Struct, frozen=True):
    """Seconds of the lease, as of now."""

    used_s: int
    warns_in_s: int
    freezes_in_s: int
    destroys_in_s: int  # of running time


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """What `status --format json` prints; sentences are Chinese and then English."""

    handset: str
    hub: str | None = None
    binding: str | None = None
    state: str = UNBOUND
    cause: str | None = None  # where it is not bound: command or lease
    epoch: int | None = None
    policy: int | None = None  # version
    strictness: tuple[str, ...] = ()  # of categories that are not judged as calibrated
    lease: LeaseRow | None = None
    told: tuple[str, ...]
    slot: str
    slot_means: tuple[str, ...] = ()
    owed: int = 0  # verdicts
    left_alone: int = 0  # files of before the binding
    network: str = Network.FREE.value
    battery_low: bool = False
    without: tuple[str, ...] = ()  # parts of the judging that are not installed
    short_of: str | None = None  # disk where too little is free for anything to be judged


def status_row(
    glance: Glance, *, slot: str, conditions: Conditions, lacks: tuple[Lack, ...] = ()
) -> StatusRow:
    """Return the row of a home; ``slot`` is the kind that is set, ``lacks`` what judging goes without."""
    binding = glance.binding
    if binding is None:
        return StatusRow(handset=glance.handset, slot=slot, told=tuple(_ALONE.splitlines()))
    life = binding.life
    stopped = binding.short_of_room and life.state is BindingState.BOUND
    return StatusRow(
        handset=glance.handset,
        hub=binding.hub,
        binding=life.place.binding,
        state=life.state.code,
        cause=None if life.state is BindingState.BOUND else life.cause.code,
        epoch=life.epoch,
        policy=life.terms.version,
        strictness=tuple(map(str, life.terms.strictness)),
        lease=_lease(binding),
        told=(
            *outlook(life, binding.account).splitlines(),
            *(judged_by(life.terms.strictness) or "").splitlines(),
            *left_alone(binding.left_alone).splitlines(),
            *waits(conditions).splitlines(),
            *(judging_without(lacks) or "").splitlines(),
            *(judging_stopped(Shortage.DISK).splitlines() if stopped else ()),
        ),
        slot=slot,
        slot_means=tuple(slot_means(rollback_resistant=binding.rollback_resistant).splitlines()),
        owed=binding.owed,
        left_alone=binding.left_alone,
        network=conditions.network.value,
        battery_low=conditions.battery_low,
        without=tuple(lack.value for lack in lacks),
        short_of=Shortage.DISK.value if stopped else None,
    )


def print_status(row: StatusRow, *, as_json: bool) -> None:
    """Print the row on stdout, as one line of JSON or as a table with its sentences."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, words in _cells(row):
        table.add_row(heading, legible(words))
    Console(markup=False, emoji=False, highlight=False).print(table)


def _cells(row: StatusRow) -> list[tuple[str, str]]:
    state = row.state if row.cause is None else f"{row.state} (by {row.cause})"
    cells = [("handset", row.handset), ("state", state)]
    if row.binding is not None:
        cells += [
            ("hub", row.hub or ""),
            ("binding", f"{row.binding}, epoch {row.epoch}, policy {row.policy}"),
        ]
    if row.lease is not None:
        lease = row.lease
        until = f"destroys after {_span(lease.destroys_in_s)} of running"
        if row.state == BindingState.BOUND.code:
            until = f"warns in {_span(lease.warns_in_s)}, freezes in {_span(lease.freezes_in_s)}, {until}"
        cells.append(("lease", f"{_span(lease.used_s)} used; {until}"))
    cells += [("", sentence) for sentence in row.told]
    cells += [("key slot", row.slot), *(("", sentence) for sentence in row.slot_means)]
    if row.binding is not None:
        cells.append(("owed", "1 verdict" if row.owed == 1 else f"{row.owed} verdicts"))
    return cells


def _lease(binding: BindingGlance) -> LeaseRow | None:
    account, times = binding.account, binding.life.terms.times
    if account is None:
        return None
    return LeaseRow(
        used_s=round(account.used),
        warns_in_s=max(0, round(times.warn - account.used)),
        freezes_in_s=max(0, round(times.freeze - account.used)),
        destroys_in_s=max(0, round(times.destroy - account.running)),
    )


def _span(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
