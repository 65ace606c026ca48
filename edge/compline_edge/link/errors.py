"""What can go wrong on the way to the hub, named for what becomes of it."""

from __future__ import annotations

from compline_edge.core.joining import Doubt
from compline_shared.errors import ComplineError
from compline_shared.pairing import Refusal


class Unreachable(ComplineError):
    """The hub's broker does not answer or refuses; the courier tries again by itself."""


class Refused(Unreachable):
    """The hub's broker does not take this handset; the handset tries again."""


class CertificateEnded(Unreachable):
    """A certificate has ended, or this handset's clock is far ahead; the handset asks the hub anew by itself."""


class NotRenewed(ComplineError):
    """The hub does not know this handset any more, or removed it; ask the branch admin, and pair anew."""


class FalseHub(ComplineError):
    """What answers as a hub is not the one that showed the code, or somebody stands between; nothing was changed."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(_DOUBTS[doubt])


class PairingRefused(ComplineError):
    """The hub does not pair this handset; nothing was changed on it."""

    def __init__(self, reason: Refusal, tries_left: int) -> None:
        super().__init__(_sentence(reason, tries_left))
        self.reason = reason


_DOUBTS = {
    Doubt.FALSE_HUB: "What answers there is not the hub that showed this code, or somebody stands between: "
    "nothing was changed. Compare the address with the hub's screen, and tell the branch admin.",
    Doubt.FALSE_OFFICER: "The compliance officer's key is not the one in the scanned code: nothing was changed. "
    "Tell the compliance officer.",
    Doubt.UNREADABLE: "What answers there does not pair as this version does; update both and try again.",
}
_REFUSALS = {
    Refusal.NO_OFFER: "No open code begins so: check the first two characters, or ask for a new code at the hub.",
    Refusal.EXPIRED: "The code's five minutes are over: ask for a new one at the hub.",
    Refusal.USED: "The code was used by another handset: ask for a new one at the hub.",
    Refusal.SPENT: "The code was tried wrong three times and is worth nothing now: ask for a new one at the hub.",
    Refusal.WITHDRAWN: "The code was called off at the hub: ask for a new one.",
    Refusal.COLLECTOR_ELSEWHERE: "The collector works with another handset: let the branch admin unbind that one "
    "first, or ask for a code for another collector.",
    Refusal.HANDSET_REFUSED: "The hub does not take this handset as it is. Unbound from the same collector: let the "
    "branch run `compline-hub rebind`. Removed, or its keys changed: pair from a new home folder.",
    Refusal.UNKNOWN_HANDSET: "The hub does not know this handset: pair it anew.",
    Refusal.UNABLE: "The hub has trouble of its own: look at its log, and try again.",
}


def _sentence(reason: Refusal, tries_left: int) -> str:
    if reason is not Refusal.WRONG_PROOF:
        return _REFUSALS[reason]
    if not tries_left:
        return "The code is wrong, and that was the last try: ask for a new one at the hub."
    left = "one try is" if tries_left == 1 else f"{tries_left} tries are"
    return f"The code is wrong: type it again as the hub shows it; {left} left."
