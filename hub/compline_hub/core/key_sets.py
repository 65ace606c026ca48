"""Which public keys the hub tells handsets, which private keys each handset needs, and who holds a rotation up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from compline_hub.core.authority import authority_name
from compline_hub.core.keys import HubKeys, certificate_key
from compline_hub.core.standing import Case, KeyNames
from compline_shared.certificates import read_certificate
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.p256 import point_of


@unique
class KnownKey(Enum):
    """The keys that handsets are told of; the value names the file and what people type."""

    COMMAND = "command"
    SIGNING = "signing"
    SEALING = "sealing"
    CA = "ca"


@dataclass(frozen=True, slots=True)
class KeySets:
    """What handsets are to know, and what those know that were not heard since; the database decides what is true."""

    present: HubPublicKeys
    former: HubPublicKeys | None = None  # None once nobody needs it any more
    since: int | None = None  # Unix s; None before the first rotation

    @property
    def names(self) -> KeyNames:
        """The sets by name."""
        return KeyNames(self.present.name, None if self.former is None else self.former.name)

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Certificates (DER) of all that issued what handsets may still show."""
        former = () if self.former is None else self.former.authorities
        return tuple(dict.fromkeys((*self.present.authorities, *former)))

    @property
    def changed(self) -> KnownKey | None:
        """Which key is being replaced; None where no rotation is under way."""
        present, former = self.present, self.former
        if former is None:
            return None
        if present.command != former.command:
            return KnownKey.COMMAND
        if present.signing != former.signing:
            return KnownKey.SIGNING
        return KnownKey.SEALING if present.sealing != former.sealing else KnownKey.CA

    @property
    def coming(self) -> HubPublicKeys | None:
        """The set that follows once all know the present one; None where it stays.

        An authority is told of while the one before still issues: only then may the server show what it issued.
        """
        authorities = self.present.authorities
        return replace(self.present, authorities=authorities[1:]) if len(authorities) > 1 else None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The hub's private keys, and the sets that say which of them a handset takes."""

    keys: HubKeys
    sets: KeySets

    @property
    def sealing(self) -> tuple[X25519PrivateKey, ...]:
        """What verdicts may be sealed to, likely ones first."""
        former = self.keys.former_sealing
        return (self.keys.sealing,) if former is None else (self.keys.sealing, former)

    def command_for(self, name: bytes | None) -> Ed25519PrivateKey | None:
        """Return the key whose commands a handset takes that tells this name; None where this hub lacks it.

        A handset that never told is older than any rotation, for pairing notes the name.
        """
        if self._is_former(name):
            return self.keys.former_command or self.keys.command
        return self.keys.command if name in (None, self.sets.names.present) else None

    def signing_for(self, name: bytes | None) -> Ed25519PrivateKey:
        """Return the key of the receipts that a handset takes which tells this name."""
        former = self.keys.former_signing if self._is_former(name) else None
        return former or self.keys.signing

    def _is_former(self, name: bytes | None) -> bool:
        return self.sets.former is not None and name in (None, self.sets.names.former)


def fits(sets: KeySets, keys: HubKeys) -> bool:
    """Whether these are the private keys of the present set, and what the former one needs beside them."""
    present, former = sets.present, sets.former
    issuing = read_certificate(present.authorities[0])
    if keys.public(present.authorities) != present or issuing.point != point_of(keys.ca):
        return False
    if former is None:
        return True
    needed = (
        (former.command, present.command, keys.former_command),
        (former.signing, present.signing, keys.former_signing),
        (former.sealing, present.sealing, keys.former_sealing),
    )
    return all(
        before == now or (key is not None and key.public_key().public_bytes_raw() == before)
        for before, now, key in needed
    )


def is_true(sets: KeySets, kind: KnownKey, staged: bytes) -> bool | None:
    """Whether a staged private key is one of the present set; None for an authority that does not issue yet."""
    present = sets.present
    match kind:
        case KnownKey.COMMAND:
            return present.command == _ed25519(staged)
        case KnownKey.SIGNING:
            return present.signing == _ed25519(staged)
        case KnownKey.SEALING:
            return present.sealing == _x25519(staged)
        case KnownKey.CA:
            points = [read_certificate(authority).point for authority in present.authorities]
            point = point_of(certificate_key(staged))
            return None if point in points[1:] else point == points[0]


def with_new(present: HubPublicKeys, kind: KnownKey, staged: bytes, *, authority: bytes) -> HubPublicKeys:
    """Return the set that follows when a private key is replaced; ``authority`` is the certificate of a new `CA`."""
    match kind:
        case KnownKey.COMMAND:
            return replace(present, command=_ed25519(staged))
        case KnownKey.SIGNING:
            return replace(present, signing=_ed25519(staged))
        case KnownKey.SEALING:
            return replace(present, sealing=_x25519(staged))
        case KnownKey.CA:
            return replace(present, authorities=(*present.authorities, authority))


def waits(case: Case, sets: KeySets, *, certified_by: bytes | None) -> bool:
    """Whether a binding may still need the former set.

    Its handset does not know another, owes what is sealed to the former key, or shows a certificate of an authority
    that goes. What was sealed to the former key lies below the newest verdict of any report that names the present set.
    ``certified_by`` is the name of the authority that the handset's newest certificate is of.
    """
    if sets.former is None or (case.gone and not case.owes):
        return False
    if case.standing.hub_keys != sets.present.name:
        return True
    match sets.changed:
        case KnownKey.SEALING:
            return case.owes
        case KnownKey.CA if sets.coming is None:
            return certified_by != authority_name(sets.present.authorities[0])
        case _:
            return False


def _ed25519(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _x25519(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
