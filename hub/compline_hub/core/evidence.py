"""Matches deposited evidence with the verdicts that it is of: both carry the SHA-256 of the sealed file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compline_shared.ids import BindingId, HandsetId
from compline_shared.taxonomy import Category, Kind, Severity


@dataclass(frozen=True, slots=True)
class Holding:
    """A binding by the names that people use; without them where the hub's database does not know it (any more)."""

    binding: BindingId
    handset: HandsetId | None = None
    handset_name: str | None = None
    collector: str | None = None  # None too: bound before there were collectors


@dataclass(frozen=True, slots=True)
class Piece:
    """A whole sealed file on the hub's disk."""

    file: str  # its path; what the officer opens
    size: int  # bytes of the sealed file
    kept: int  # Unix s when it was whole
    digest: bytes | None  # [32] as offered; None: no sound offer lies beside it, so nobody can open it


@dataclass(frozen=True, slots=True)
class Evidenced:
    """What the hub knows of a verdict that has evidence."""

    seq: int
    started: int  # Unix s
    kind: Kind
    severity: Severity | None  # the gravest finding's
    categories: tuple[Category, ...]  # of its findings, each once
    superseded: bool  # by a later pass
    digest: bytes  # [32]


@dataclass(frozen=True, slots=True)
class Listed:
    """A piece, whose it is, and its verdict; None where that has not come, or nobody can say which it is."""

    holding: Holding
    piece: Piece
    verdict: Evidenced | None

    @property
    def at(self) -> int:
        """When it was recorded, or, where no verdict says so, when it came; Unix s."""
        return self.piece.kept if self.verdict is None else self.verdict.started


@dataclass(frozen=True, slots=True)
class Listing:
    """Pieces, and how many verdicts have evidence that is not here."""

    pieces: tuple[Listed, ...] = ()
    absent: int = 0


def matched(
    holding: Holding, pieces: Iterable[Piece], verdicts: Iterable[Evidenced], *, since: int
) -> Listing:
    """Return one binding's pieces from a time (Unix s) on; a piece came after it was recorded."""
    pieces, verdicts = tuple(pieces), tuple(verdicts)
    deposited = {piece.digest: piece for piece in pieces if piece.digest is not None}
    known = {verdict.digest for verdict in verdicts}
    recent = [verdict for verdict in verdicts if verdict.started >= since]
    found = [Listed(holding, deposited[v.digest], v) for v in recent if v.digest in deposited]
    strays = [piece for piece in pieces if piece.digest not in known and piece.kept >= since]
    return Listing(
        pieces=(*found, *(Listed(holding, piece, None) for piece in strays)),
        absent=sum(verdict.digest not in deposited for verdict in recent),
    )
