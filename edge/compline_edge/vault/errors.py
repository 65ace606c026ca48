"""What can go wrong with what the handset keeps, named for what one can do about it."""

from __future__ import annotations

from compline_edge.ports import NotKept
from compline_shared.errors import ComplineError


class NotEnrolled(ComplineError):
    """The agent's home has no identity or no binding yet; run `compline-edge join CODE` first."""


class AlreadyEnrolled(ComplineError):
    """The agent's home has an identity or binding already, and it is not overwritten."""


class HomeInUse(ComplineError):
    """Another agent works in this home; stop it first."""


class VaultLocked(ComplineError):
    """The vault does not open with this handset's key; restore the key slot and the binding that belong to it."""


class VaultFrozen(ComplineError):
    """This handset was unbound: its vault is sealed until the hub binds it again; nothing kept is lost."""


class FilesPutBack(VaultLocked):
    """The files of this binding are not those that its key slot knows: somebody put back a copy; pair anew."""


class VaultTooNew(ComplineError):
    """A newer version wrote this store; install that version or a later one."""


class StoresDisagree(ComplineError):
    """Vault and outbox are not of the same time: one was put back from an older copy; put both back, or pair anew."""


class StorageFull(NotKept):
    """The disk has no room; free some, nothing that was kept is lost."""


class StorageFailing(NotKept):
    """The disk answers with errors; what was kept before is kept, but it should be replaced, or the phone should."""


class OutboxFull(ComplineError):
    """The hub has not answered for long and the outbox is at its limit; reconnect, or raise the limit."""
