"""The phrases of many lexicon entries as one lattice of characters, laid out as arrays for the scorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_shared.template import Gap, Piece

ANY = -1
"""Label of a node that any one syllable passes."""

START = 0
"""The node before every first character; it is left anew at each step."""

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Nodes are characters; a slot's values stand side by side, so a template costs its length, not its expansions.

    Node 0 is `START`. A node is entered from one place: places 0 to nodes - 1 are nodes left by syllable or blank,
    nodes to 2 nodes - 1 the same nodes left by blank alone (a character that follows its like needs one between),
    and from 2 nodes on junctions, each the best of several of those.
    """

    characters: tuple[str, ...]  # what the labels stand for
    labels: Ints  # [nodes], index into `characters`, or ANY; ANY for START too
    entered_from: Ints  # [nodes - 1], the place before node 1, 2, ...
    junction_places: Ints  # [arms], places that lead into junctions, junction by junction
    junction_first: Ints  # [junctions], where each one's places begin
    final_nodes: Ints  # [finals], target by target
    final_first: Ints  # [targets], where each one's final nodes begin

    @property
    def nodes(self) -> int:
        """Number of nodes, START included."""
        return len(self.labels)


def build(targets: Sequence[Sequence[Piece]]) -> Lattice:
    """Lay the templates of all targets out side by side; each must hold at least one character."""
    draft = _Draft()
    finals = [sorted(draft.add(pieces)) for pieces in targets]
    junctions: dict[tuple[int, ...], int] = {}
    entered_from = [draft.place_before(node, junctions) for node in range(1, len(draft.labels))]
    return Lattice(
        characters=tuple(draft.characters),
        labels=np.array(draft.labels, dtype=np.intp),
        entered_from=np.array(entered_from, dtype=np.intp),
        junction_places=np.array([place for places in junctions for place in places], dtype=np.intp),
        junction_first=_firsts([len(places) for places in junctions]),
        final_nodes=np.array([node for nodes in finals for node in nodes], dtype=np.intp),
        final_first=_firsts([len(nodes) for nodes in finals]),
    )


class _Draft:
    """A lattice while it grows."""

    def __init__(self) -> None:
        self.characters: dict[str, int] = {}
        self.labels: list[int] = [ANY]
        self.before: list[frozenset[int]] = [frozenset()]  # the nodes that lead into each

    def add(self, pieces: Sequence[Piece]) -> frozenset[int]:
        """Add one template; returns the nodes where its phrases end."""
        ends = frozenset({START})
        for piece in pieces:
            ends = (
                self._gap(piece.most, ends) if isinstance(piece, Gap) else self._choice(piece.options, ends)
            )
        return ends - {START}

    def place_before(self, node: int, junctions: dict[tuple[int, ...], int]) -> int:
        """The one place from which `node` is entered, a new junction where it takes one."""
        nodes, label = len(self.labels), self.labels[node]
        places = tuple(
            source + (nodes if source != START and self.labels[source] == label else 0)
            for source in sorted(self.before[node])
        )
        if len(places) == 1:
            return places[0]
        return 2 * nodes + junctions.setdefault(places, len(junctions))

    def _choice(self, options: Sequence[str], ends: frozenset[int]) -> frozenset[int]:
        """Options that begin alike share nodes."""
        tree: dict[str, int] = {}
        last: set[int] = set()
        for option in options:
            before = ends
            for place in range(1, len(option) + 1):
                prefix = option[:place]
                if prefix not in tree:
                    label = self.characters.setdefault(prefix[-1], len(self.characters))
                    tree[prefix] = self._node(label, before)
                before = frozenset({tree[prefix]})
            last |= before
        return frozenset(last)

    def _gap(self, most: int, ends: frozenset[int]) -> frozenset[int]:
        after, before = ends, ends
        for _ in range(most):
            before = frozenset({self._node(ANY, before)})
            after |= before
        return after

    def _node(self, label: int, before: frozenset[int]) -> int:
        self.labels.append(label)
        self.before.append(before)
        return len(self.labels) - 1


def _firsts(counts: Sequence[int]) -> Ints:
    return np.cumsum([0, *counts], dtype=np.intp)[:-1]
