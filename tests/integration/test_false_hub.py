"""Who answers in the hub's place, or stands between, gets nothing; each control shows what one check is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from compline_edge.core import joining as handset_side
from compline_edge.link.errors import FalseHub, PairingRefused
from compline_edge.vault.identity import active_binding
from compline_hub.core import pairing as hub_side
from compline_shared import pairing
from compline_shared.pairing import Join, Offered, Refused, Taken
from compline_shared.pairing_code import Invitation, code_of
from tests.false_hub import Between, lying, serving
from tests.homes import bytes_under
from tests.pairing_hub import PairingHub, begun, handset, joined, mistyped, pairing_hub
from tests.running_hub import free_port


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PairingHub]:
    with pairing_hub(tmp_path) as hub:
        yield hub


def without_certificates(join: Join, offered: Offered, _server: bytes) -> bytes:
    """The transcript as it must not be: it says nothing of whom TLS leads to."""
    keys = msgspec.structs.replace(offered.keys, authorities=(b"any",))
    return pairing.transcript(join, msgspec.structs.replace(offered, keys=keys), b"any")


def believing(_one: bytes, _other: bytes) -> bool:
    """The comparison of proofs as it must not be."""
    return True


def test_between_when_it_shows_its_own_authority_then_the_hub_refuses_and_gives_nothing(
    hub: PairingHub, tmp_path: Path
) -> None:
    between = Between(hub.settings.pairing_port, own_authority=True)
    given = hub.offer()
    begun(tmp_path / "handset")
    before = bytes_under(tmp_path / "handset")

    with serving(between.meet) as port, pytest.raises(PairingRefused, match="The code is wrong"):
        joined(handset(tmp_path), replace(given.invitation, address=("127.0.0.1", port)))

    assert any(isinstance(said, Refused) for said in between.read)
    assert not any(isinstance(said, Taken) for said in between.read)
    assert bytes_under(tmp_path / "handset") == before
    joined(handset(tmp_path), given.invitation)  # the code is still good, at the hub itself


def test_between_when_it_leaves_the_hubs_authority_then_the_handset_stops_and_no_try_is_spent(
    hub: PairingHub, tmp_path: Path
) -> None:
    between = Between(hub.settings.pairing_port, own_authority=False)
    given = hub.offer()

    with serving(between.meet) as port, pytest.raises(FalseHub, match="somebody stands between"):
        joined(handset(tmp_path), replace(given.invitation, address=("127.0.0.1", port)))

    outcome = hub.hub.pairing.outcome(given.offer)
    assert outcome is not None
    assert outcome.tries_left == 3
    assert [type(said) for said in between.read] == [Join, Offered]


def test_between_control_when_the_transcript_lacks_the_certificates_then_it_reads_the_grant(
    hub: PairingHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in (handset_side, hub_side):
        monkeypatch.setattr(side, "transcript", without_certificates)
    between = Between(hub.settings.pairing_port, own_authority=True)
    given = hub.offer()

    with serving(between.meet) as port, pytest.raises(Exception, match="does not pair"):
        joined(handset(tmp_path), replace(given.invitation, address=("127.0.0.1", port)))

    (taken,) = [said for said in between.read if isinstance(said, Taken)]
    assert b"binding_secret" in taken.grant


def test_false_hub_when_it_takes_any_code_then_the_handset_does_not_believe_it(tmp_path: Path) -> None:
    settings = handset(tmp_path)
    begun(settings.home_folder)
    before = bytes_under(settings.home_folder)

    with serving(lying) as port, pytest.raises(FalseHub, match="nothing was changed"):
        joined(settings, _code_at(port))

    assert bytes_under(settings.home_folder) == before


def test_false_hub_control_when_the_hubs_proof_is_not_checked_then_the_handset_joins_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handset_side, "same", believing)

    with serving(lying) as port:
        joined(handset(tmp_path), _code_at(port))

    assert active_binding(tmp_path / "handset")


def test_false_hub_when_it_is_found_first_on_the_network_then_the_true_one_is_tried_too(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    unplaced = replace(given.invitation, address=None)
    with serving(lying) as port:
        joined(handset(tmp_path), unplaced, ("127.0.0.1", port), hub.address)

    assert hub.state(given) == "joined"


def test_false_hub_when_only_others_answer_then_what_says_most_is_told(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    wrong = replace(mistyped(given.invitation), address=None)
    with serving(lying) as port, pytest.raises(PairingRefused, match="2 tries are left"):
        joined(handset(tmp_path), wrong, hub.address, ("127.0.0.1", port), ("127.0.0.1", free_port()))


def _code_at(port: int) -> Invitation:
    return Invitation(code_of(bytes(10)), ("127.0.0.1", port))
