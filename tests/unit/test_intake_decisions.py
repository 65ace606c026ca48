"""What the hub decides about one frame, without any store or broker."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.core.enrolled import Binding, Handset
from compline_hub.core.intake import Opened, Refusal, answer, check_signature, open_batch, opener_of
from compline_hub.core.keys import EpochSecrets, HubKeys, certificate_key
from compline_shared.batch import MAX_FRAME, Batch, Outcome, pack
from compline_shared.chain import Chain
from compline_shared.enrolment import EnrolmentGrant, Secret
from compline_shared.ids import BindingId
from compline_shared.masking import BranchKey
from compline_shared.segment import Opener, Sealer
from compline_shared.wire import SegmentBase, encode_verdict
from tests.wire_handset import WireHandset, draft, drafts, finding

BINDING = BindingId("b" * 16)


def make_keys() -> HubKeys:
    return HubKeys(
        sealing=X25519PrivateKey.generate(),
        signing=Ed25519PrivateKey.generate(),
        command=Ed25519PrivateKey.generate(),
        branch=BranchKey(secrets.token_bytes(32)),
        escrow=secrets.token_bytes(32),
        ca=certificate_key(b"ca"),
        tls=certificate_key(b"tls"),
        link=certificate_key(b"link"),
        session=bytes(32),
    )


def opening(key: X25519PrivateKey) -> Callable[[Batch], Opener | None]:
    return lambda batch: opener_of(batch, [key])


class Branch:
    """A hub's keys and one joined handset with what the hub knows of it."""

    def __init__(self) -> None:
        self.keys = make_keys()
        self.sender = WireHandset("a" * 16)
        self.sender.join(
            EnrolmentGrant(
                handset=self.sender.id,
                binding=BINDING,
                epoch=1,
                branch_key=self.keys.branch,
                binding_secret=Secret(bytes(32)),
                hub_name="hub",
                hub_keys=self.keys.public((b"unused here",)),
                freeze_key=bytes(32),
            )
        )
        shown = self.sender.request
        self.handset = Handset(
            self.sender.id,
            "Desk",
            shown.signing_key_public,
            shown.tls_key_public,
            enrolled=1,
        )
        genesis = Chain(self.keys.branch, BINDING).genesis
        self.binding = Binding(BINDING, self.sender.id, epoch=1, up_to=0, head=genesis, escrow=b"")

    def opened(self, frame: bytes) -> Opened:
        batch = check_signature(frame, self.handset)
        assert isinstance(batch, Batch)
        opened = open_batch(batch, self.binding, opening(self.keys.sealing), newest_epoch=self.binding.epoch)
        assert not isinstance(opened, Refusal)
        return opened


@pytest.fixture
def branch() -> Branch:
    return Branch()


def test_answer_when_a_batch_continues_the_chain_then_all_of_it_is_new(branch: Branch) -> None:
    branch.sender.judge(*drafts(3))

    decision = answer(branch.opened(branch.sender.frame()), branch.binding, branch.keys, head_at_last=None)

    assert [link.verdict for link in decision.links] == branch.sender.verdicts
    assert (decision.binding.up_to, decision.binding.head) == (3, branch.sender.heads[3])
    assert decision.receipt.outcome is Outcome.TAKEN


def test_answer_when_a_batch_comes_again_then_nothing_is_new_and_the_receipt_repeats(branch: Branch) -> None:
    branch.sender.judge(*drafts(3))
    known = replace(branch.binding, up_to=3, head=branch.sender.heads[3])
    opened = branch.opened(branch.sender.frame())

    decision = answer(opened, known, branch.keys, head_at_last=branch.sender.heads[3])

    assert decision.links == ()
    assert decision.binding == known
    assert (decision.receipt.outcome, decision.receipt.up_to) == (Outcome.TAKEN, 3)


def test_answer_when_a_batch_overlaps_then_only_the_rest_is_new(branch: Branch) -> None:
    branch.sender.judge(*drafts(5))
    known = replace(branch.binding, up_to=2, head=branch.sender.heads[2])

    decision = answer(branch.opened(branch.sender.frame()), known, branch.keys, head_at_last=None)

    assert [link.verdict.seq for link in decision.links] == [3, 4, 5]
    assert [link.head for link in decision.links] == branch.sender.heads[3:]


def test_answer_when_something_is_missing_then_nothing_is_taken_and_the_receipt_says_how_far(
    branch: Branch,
) -> None:
    branch.sender.judge(*drafts(5))

    decision = answer(branch.opened(branch.sender.frame(4)), branch.binding, branch.keys, head_at_last=None)

    assert decision.links == ()
    assert (decision.receipt.outcome, decision.receipt.up_to) == (Outcome.GAP, 0)


def test_answer_when_the_past_differs_then_it_is_a_fork(branch: Branch) -> None:
    branch.sender.judge(*drafts(2))
    twin = branch.sender.copy()
    branch.sender.judge(draft(finding(offset=1)))
    twin.judge(draft(finding(offset=2)))
    known = replace(branch.binding, up_to=3, head=branch.sender.heads[3])

    decision = answer(branch.opened(twin.frame(3)), known, branch.keys, head_at_last=branch.sender.heads[3])

    assert decision.links == ()
    assert decision.receipt.outcome is Outcome.FORK


def test_check_signature_when_another_handset_signed_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    thief = branch.sender.copy()
    thief.signing = Ed25519PrivateKey.generate()

    assert check_signature(thief.frame(), branch.handset) is Refusal.BAD_FRAME


def test_check_signature_when_the_topic_names_another_handset_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    other = replace(branch.handset, id=WireHandset("c" * 16).id)

    assert check_signature(branch.sender.frame(), other) is Refusal.BAD_FRAME


def test_check_signature_when_the_frame_is_too_large_then_it_is_not_read(branch: Branch) -> None:
    assert check_signature(bytes(MAX_FRAME + 1), branch.handset) is Refusal.TOO_LARGE


def test_open_batch_when_its_epoch_has_not_begun_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))

    assert (
        open_batch(branch.sender.batch(), branch.binding, opening(branch.keys.sealing), newest_epoch=0)
        is Refusal.WRONG_BINDING
    )


def test_open_batch_when_it_was_sealed_before_a_rebind_then_it_is_taken(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    rebound = replace(branch.binding, epoch=3)

    assert isinstance(
        open_batch(branch.sender.batch(), rebound, opening(branch.keys.sealing), newest_epoch=3), Opened
    )


def test_open_batch_when_the_binding_is_another_handsets_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    foreign = replace(branch.binding, handset=WireHandset("c" * 16).id)

    assert (
        open_batch(branch.sender.batch(), foreign, opening(branch.keys.sealing), newest_epoch=1)
        is Refusal.WRONG_BINDING
    )


def test_open_batch_when_it_is_sealed_to_another_hub_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))

    assert (
        open_batch(branch.sender.batch(), branch.binding, opening(make_keys().sealing), newest_epoch=1)
        is Refusal.BAD_SEAL
    )


def test_open_batch_when_entries_are_swapped_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(2))
    batch = branch.sender.batch()
    swapped = replace(batch, entries=batch.entries[::-1])

    assert (
        open_batch(swapped, branch.binding, opening(branch.keys.sealing), newest_epoch=1) is Refusal.BAD_SEAL
    )


def test_open_batch_when_a_verdict_claims_another_seq_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(2))
    first, second = branch.sender.verdicts
    base = SegmentBase(first_seq=1, started=first.started, versions=first.versions)
    sealer = Sealer(branch.sender.keys.sealing_key, branch.sender.grant.place, base)
    entry = sealer.seal(1, encode_verdict(second, base))
    lying = replace(branch.sender.batch(1, 1), enc=sealer.enc, header=sealer.header, entries=(entry,))

    assert (
        open_batch(lying, branch.binding, opening(branch.keys.sealing), newest_epoch=1) is Refusal.BAD_VERDICT
    )


def test_open_batch_when_an_entry_is_no_verdict_then_it_is_refused(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    base = SegmentBase(first_seq=1, started=0, versions=branch.sender.verdicts[0].versions)
    sealer = Sealer(branch.sender.keys.sealing_key, branch.sender.grant.place, base)
    talk = sealer.seal(1, b"he said his name is Made Up")
    lying = replace(branch.sender.batch(), enc=sealer.enc, header=sealer.header, entries=(talk,))

    assert (
        open_batch(lying, branch.binding, opening(branch.keys.sealing), newest_epoch=1) is Refusal.BAD_VERDICT
    )


def test_check_signature_when_the_frame_is_whole_then_the_batch_comes_out(branch: Branch) -> None:
    branch.sender.judge(*drafts(1))
    batch = branch.sender.batch()

    assert check_signature(pack(batch, branch.sender.signing), branch.handset) == batch


def test_keys_when_shown_then_no_secret_stands_in_them(branch: Branch) -> None:
    shown = repr(branch.keys)

    assert branch.keys.escrow.hex() not in shown
    assert shown == f"HubKeys({branch.keys.fingerprint})"


def test_escrow_when_opened_for_another_binding_then_it_stays_shut(branch: Branch) -> None:
    fresh = EpochSecrets(binding_secret=b"s" * 32, freeze_key=b"f" * 32)
    escrow = branch.keys.seal_escrow(fresh, binding=BINDING, nonce=bytes(12))

    assert branch.keys.open_escrow(escrow, binding=BINDING) == fresh
    with pytest.raises(InvalidTag):
        branch.keys.open_escrow(escrow, binding=BindingId("d" * 16))
