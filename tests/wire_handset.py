"""A handset reduced to its wire: keys, chain, sealed batches; for tests of the hub."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_shared.batch import Batch, Receipt, pack, unpack_receipt
from compline_shared.certificates import Certificate
from compline_shared.chain import Chain
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import HandsetId
from compline_shared.messages import Finding, Verdict, Versions
from compline_shared.p256 import point_of
from compline_shared.segment import Sealer
from compline_shared.taxonomy import Category, Kind, Pass, Role, Severity, Technique
from compline_shared.wire import SegmentBase, canonical, encode_verdict

STARTED = 1_795_400_000


class WireHandset:
    """Builds the frames that a joined handset would send."""

    def __init__(self, handset: str | None = None) -> None:
        self.id = HandsetId(handset or secrets.token_hex(8))
        self.signing = Ed25519PrivateKey.generate()
        self.tls = ec.generate_private_key(ec.SECP256R1())
        self._grant: EnrolmentGrant | None = None
        self.verdicts: list[Verdict] = []
        self.heads: list[bytes] = []

    @property
    def request(self) -> EnrolmentRequest:
        return EnrolmentRequest(
            handset=self.id,
            signing_key_public=self.signing.public_key().public_bytes_raw(),
            tls_key_public=point_of(self.tls),
        )

    @property
    def grant(self) -> EnrolmentGrant:
        assert self._grant is not None
        return self._grant

    @property
    def keys(self) -> HubPublicKeys:
        """By which it knows its hub."""
        return self.grant.hub_keys

    def join(self, grant: EnrolmentGrant, certificate: Certificate | None = None) -> None:
        self._grant = grant
        self.certificate = certificate
        self.chain = Chain(grant.branch_key, grant.place.binding)
        self.heads = [self.chain.genesis]

    def judge(self, *drafts: Verdict) -> None:
        """Give drafts their seq and put them on the chain."""
        for draft in drafts:
            verdict = msgspec.structs.replace(draft, seq=len(self.verdicts) + 1)
            self.verdicts.append(verdict)
            self.heads.append(self.chain.link(self.heads[-1], canonical(verdict)))

    def frame(self, first: int = 1, last: int | None = None) -> bytes:
        """The signed batch of seqs first..last (default: to the newest)."""
        return pack(self.batch(first, last), self.signing)

    def batch(self, first: int = 1, last: int | None = None) -> Batch:
        chosen = self.verdicts[first - 1 : last]
        base = SegmentBase(first_seq=first, started=chosen[0].started, versions=chosen[0].versions)
        sealer = Sealer(self.keys.sealing_key, self.grant.place, base)
        entries = tuple(sealer.seal(verdict.seq, encode_verdict(verdict, base)) for verdict in chosen)
        head = self.heads[chosen[-1].seq]
        return Batch(self.grant.place, sealer.enc, sealer.header, first, entries, head)

    def copy(self) -> WireHandset:
        """The same handset from a stolen or restored store: same keys, the same past."""
        twin = WireHandset(self.id)
        twin.signing, twin.tls = self.signing, self.tls
        twin.join(self.grant)
        twin.verdicts, twin.heads = list(self.verdicts), list(self.heads)
        return twin

    def receipt(self, message: bytes) -> Receipt:
        return unpack_receipt(message, self.keys.receipt_key, self.id)


def finding(
    category: Category = Category.THREAT,
    severity: Severity = Severity.SERIOUS,
    *,
    offset: int = 12,
    entry: int = 2001,
    confidence: int = 88,
) -> Finding:
    return Finding(
        category=category,
        severity=severity,
        confidence=confidence,
        offset=offset,
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        rule=0,
        entry=entry,
    )


def draft(*findings: Finding, started: int = STARTED, kind: Kind = Kind.CALL, **fields: object) -> Verdict:
    """A verdict without its seq."""
    plain = Verdict(
        seq=1,
        started=started,
        judged=started + 60,
        kind=kind,
        pass_=Pass.FULL,
        duration=55,
        speech=40,
        findings=tuple(findings),
        versions=Versions(model=1, lexicon=1, rules=1),
    )
    return msgspec.structs.replace(plain, **fields) if fields else plain


def drafts(count: int) -> Sequence[Verdict]:
    return [draft(finding(offset=i % 50), started=STARTED + 60 * i) for i in range(count)]


__all__ = ["STARTED", "WireHandset", "draft", "drafts", "finding"]
