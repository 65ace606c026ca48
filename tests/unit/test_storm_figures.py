"""What the storm of connections counts as lost."""

from __future__ import annotations

import pytest

from bench.connections import lost
from compline_shared.ids import HandsetId

ONE, OTHER = HandsetId("1" * 16), HandsetId("2" * 16)


@pytest.mark.parametrize(
    ("settled", "kept", "missing"),
    [
        ({ONE: 3, OTHER: 2}, {ONE: 3, OTHER: 2}, 0),
        ({ONE: 3, OTHER: 2}, {ONE: 2, OTHER: 3}, 1),  # both sums are 5
        ({ONE: 3, OTHER: 0}, {ONE: 3, OTHER: 4}, 0),  # receipts under way
        ({ONE: 3}, {OTHER: 3}, 3),
    ],
)
def test_lost_when_the_hub_has_less_of_one_handset_then_more_of_another_does_not_make_up_for_it(
    settled: dict[HandsetId, int], kept: dict[HandsetId, int], missing: int
) -> None:
    assert lost(settled, kept) == missing
