"""What we seal, others open, and the other way: RFC 9180's vectors, a second library, and the standard's text."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, PyHPKEError

from compline_shared.codec import encode
from compline_shared.errors import MalformedFrame
from compline_shared.sealed import seal, unseal
from compline_shared.segment import Opener, Sealer
from compline_shared.wire import SegmentBase, encode_base
from tests.bindings import ANSWERING, PLACE
from tests.hpke_reference import CHACHA20_POLY1305, EXPORT_ONLY, decapsulated, encapsulated, scheduled
from tests.verdicts import VERSIONS

PYHPKE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)
INFO = encode([b"compline/1 rebind", *PLACE.members()])
BASE = SegmentBase(first_seq=10, started=1_795_000_000, versions=VERSIONS)

# RFC 9180, appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode
RFC_RECEIVER = X25519PrivateKey.from_private_bytes(
    bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
)
RFC_EPHEMERAL = X25519PrivateKey.from_private_bytes(
    bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")
)
RFC_ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
RFC_INFO = b"Ode on a Grecian Urn"
RFC_PLAIN = b"Beauty is truth, truth beauty"
RFC_SEALED = bytes.fromhex(
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
)


def test_reference_when_given_the_standards_vector_then_its_secrets() -> None:
    schedule = scheduled(decapsulated(RFC_ENC, RFC_RECEIVER), RFC_INFO, CHACHA20_POLY1305)
    assert (schedule.key.hex(), schedule.base_nonce.hex(), schedule.exporter_secret.hex()) == (
        "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91",
        "5c4d98150661b848853b547f",
        "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922",
    )


def test_reference_when_it_encapsulates_the_standards_ephemeral_key_then_the_same_secret() -> None:
    assert RFC_EPHEMERAL.public_key().public_bytes_raw() == RFC_ENC
    shared = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7"
    assert encapsulated(RFC_EPHEMERAL, RFC_RECEIVER.public_key()).hex() == shared


def test_reference_when_it_opens_the_standards_vector_then_its_plaintext() -> None:
    schedule = scheduled(decapsulated(RFC_ENC, RFC_RECEIVER), RFC_INFO, CHACHA20_POLY1305)
    opened = ChaCha20Poly1305(schedule.key).decrypt(schedule.base_nonce, RFC_SEALED, b"Count-0")
    assert opened == RFC_PLAIN


@pytest.mark.parametrize(
    ("context", "exported"),
    [
        (b"", "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e"),
        (b"\x00", "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69"),
        (b"TestContext", "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"),
    ],
)
def test_reference_when_it_exports_then_the_standards_values(context: bytes, exported: str) -> None:
    schedule = scheduled(decapsulated(RFC_ENC, RFC_RECEIVER), RFC_INFO, CHACHA20_POLY1305)
    assert schedule.export(context, 32).hex() == exported


def test_control_reference_when_the_info_is_another_then_it_does_not_open() -> None:
    schedule = scheduled(decapsulated(RFC_ENC, RFC_RECEIVER), b"another", CHACHA20_POLY1305)
    with pytest.raises(InvalidTag):
        ChaCha20Poly1305(schedule.key).decrypt(schedule.base_nonce, RFC_SEALED, b"Count-0")


def test_message_when_we_seal_it_then_the_second_library_opens_it() -> None:
    sealed = seal(b"secrets", ANSWERING.public_key(), use="rebind", place=PLACE.members())
    context = PYHPKE.create_recipient_context(
        sealed[:32], KEMKey.from_pyca_cryptography_key(ANSWERING), info=INFO
    )
    assert context.open(sealed[32:]) == b"secrets"


def test_message_when_the_second_library_seals_it_then_we_open_it() -> None:
    enc, context = PYHPKE.create_sender_context(
        KEMKey.from_pyca_cryptography_key(ANSWERING.public_key()), info=INFO
    )
    sealed = enc + context.seal(b"secrets")
    assert unseal(sealed, ANSWERING, use="rebind", place=PLACE.members(), limit=64) == b"secrets"


def test_message_when_made_by_the_standards_text_then_we_open_it() -> None:
    schedule = scheduled(encapsulated(RFC_EPHEMERAL, ANSWERING.public_key()), INFO, CHACHA20_POLY1305)
    sealed = RFC_ENC + ChaCha20Poly1305(schedule.key).encrypt(schedule.base_nonce, b"secrets", b"")
    assert unseal(sealed, ANSWERING, use="rebind", place=PLACE.members(), limit=64) == b"secrets"


def test_control_message_when_sealed_for_another_place_then_the_second_library_refuses() -> None:
    sealed = seal(b"secrets", ANSWERING.public_key(), use="rebind", place=PLACE.members()[:2])
    context = PYHPKE.create_recipient_context(
        sealed[:32], KEMKey.from_pyca_cryptography_key(ANSWERING), info=INFO
    )
    with pytest.raises(PyHPKEError):
        context.open(sealed[32:])


def test_control_message_when_the_second_library_seals_with_other_data_then_we_refuse() -> None:
    enc, context = PYHPKE.create_sender_context(
        KEMKey.from_pyca_cryptography_key(ANSWERING.public_key()), info=INFO
    )
    sealed = enc + context.seal(b"secrets", aad=b"other data")
    with pytest.raises(MalformedFrame):
        unseal(sealed, ANSWERING, use="rebind", place=PLACE.members(), limit=64)


def segment_key(shared: bytes) -> ChaCha20Poly1305:
    info = encode([b"compline/1 verdicts", *PLACE.members()])
    return ChaCha20Poly1305(scheduled(shared, info, EXPORT_ONLY).export(b"segment", 32))


def test_segment_when_its_key_is_computed_from_the_standards_text_then_its_entries_open() -> None:
    sealer = Sealer(ANSWERING.public_key(), PLACE, BASE)
    entry = sealer.seal(10, b"verdict")
    key = segment_key(decapsulated(sealer.enc, ANSWERING))
    assert key.decrypt(bytes(12), sealer.header, encode([*PLACE.members(), 0])) == encode_base(BASE)
    assert key.decrypt(bytes(11) + b"\x01", entry, encode([*PLACE.members(), 10])) == b"verdict"


def test_segment_when_made_from_the_standards_text_then_we_open_it() -> None:
    key = segment_key(encapsulated(RFC_EPHEMERAL, ANSWERING.public_key()))
    header = key.encrypt(bytes(12), encode_base(BASE), encode([*PLACE.members(), 0]))
    entry = key.encrypt(bytes(11) + b"\x01", b"verdict", encode([*PLACE.members(), 10]))
    assert Opener(ANSWERING, PLACE, enc=RFC_ENC, header=header).open(10, entry) == b"verdict"


def test_control_segment_when_exported_for_another_suite_then_it_does_not_open() -> None:
    sealer = Sealer(ANSWERING.public_key(), PLACE, BASE)
    info = encode([b"compline/1 verdicts", *PLACE.members()])
    schedule = scheduled(decapsulated(sealer.enc, ANSWERING), info, CHACHA20_POLY1305)
    with pytest.raises(InvalidTag):
        ChaCha20Poly1305(schedule.export(b"segment", 32)).decrypt(
            bytes(12), sealer.header, encode([*PLACE.members(), 0])
        )
