"""What can go wrong on the way to the hub, named for what becomes of it."""

from __future__ import annotations

from compline_shared.errors import ComplineError


class Unreachable(ComplineError):
    """The hub's broker does not answer or refuses; the courier tries again by itself."""


class CertificateEnded(Unreachable):
    """A certificate has ended, or this handset's clock is far ahead; the handset asks the hub anew by itself."""
