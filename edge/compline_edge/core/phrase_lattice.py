"""The phrases of many lexicon entries as one lattice of characters, laid out as arrays for the spotter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_shared.template import Choice, Gap, Piece

ANY = -1
"""Label of a node that any one syllable passes."""

START = 0
"""The node before every first character; it is left anew at each step."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Nodes are characters; a slot's values stand side by side, so a template costs its length, not its expansions.

    Node 0 is `START`. Edges are sorted by where they lead; every other node has at least one.
    """

    characters: tuple[str, ...]  # what the labels stand for
    labels: Ints  # [nodes], index into `characters`, or ANY; ANY for START too
    edge_from: Ints  # [edges]
    edge_again: npt.NDArray[np.bool_]  # [edges], both ends have the same label: a blank must stand between
    edge_first: Ints  # [nodes - 1], first edge into node 1, 2, ...
    final_nodes: Ints  # [finals], sorted by target
    final_first: Ints  # [targets], first final node of each target

    @property
    def nodes(self) -> int:
        """Number of nodes, START included."""
        return len(self.labels)


def build(targets: Sequence[Sequence[Piece]]) -> Lattice:
    """Lay the templates of all targets out side by side; each must hold at least one character."""
    draft = _Draft()
    finals: list[int] = []
    final_first: list[int] = []
    for pieces in targets:
        final_first.append(len(finals))
        finals += sorted(draft.add(pieces))
    order = sorted(range(1, len(draft.labels)), key=lambda node: node)
    sources = [source for node in order for source in sorted(draft.sources[node])]
    counts = [len(draft.sources[node]) for node in order]
    labels = np.array(draft.labels, dtype=np.int64)
    edge_from = np.array(sources, dtype=np.int64)
    edge_to = np.repeat(np.array(order, dtype=np.int64), counts)
    return Lattice(
        characters=tuple(draft.characters),
        labels=labels,
        edge_from=edge_from,
        edge_again=(labels[edge_from] == labels[edge_to]) & (edge_from != START),
        edge_first=np.cumsum([0, *counts[:-1]], dtype=np.int64),
        final_nodes=np.array(finals, dtype=np.int64),
        final_first=np.array(final_first, dtype=np.int64),
    )


class _Draft:
    """A lattice while it grows."""

    def __init__(self) -> None:
        self.characters: dict[str, int] = {}
        self.labels: list[int] = [ANY]
        self.sources: list[set[int]] = [set()]

    def add(self, pieces: Sequence[Piece]) -> set[int]:
        """Add one template; returns the nodes where its phrases end."""
        ends = {START}
        for piece in pieces:
            match piece:
                case Choice(options):
                    ends = self._choice(options, ends)
                case Gap(most):
                    ends = self._gap(most, ends)
        return ends - {START}

    def _choice(self, options: Sequence[str], ends: set[int]) -> set[int]:
        """Options that begin alike share nodes."""
        tree: dict[str, int] = {}
        last: set[int] = set()
        for option in options:
            before = ends
            for place in range(1, len(option) + 1):
                prefix = option[:place]
                if prefix not in tree:
                    tree[prefix] = self._node(
                        self.characters.setdefault(prefix[-1], len(self.characters)), before
                    )
                before = {tree[prefix]}
            last |= before
        return last

    def _gap(self, most: int, ends: set[int]) -> set[int]:
        after = set(ends)
        before = ends
        for _ in range(most):
            before = {self._node(ANY, before)}
            after |= before
        return after

    def _node(self, label: int, sources: set[int]) -> int:
        self.labels.append(label)
        self.sources.append(set(sources))
        return len(self.labels) - 1
