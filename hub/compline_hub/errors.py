"""What can stop the hub, in sentences for the person who runs it."""

from __future__ import annotations

from compline_shared.errors import ComplineError


class HubNotReady(ComplineError):
    """The hub lacks something that `compline-hub init` makes."""


class HubBusy(ComplineError):
    """Another hub already uses this data folder or this port."""


class BrokerFailed(ComplineError):
    """The message broker could not be started or reached."""


class EnrolmentRefused(ComplineError):
    """A handset may not be enrolled as asked."""


class OrderRefused(ComplineError):
    """An order or an approval was not taken; nothing changed."""

    def __init__(self, sentence: str, *, code: str) -> None:
        super().__init__(sentence)
        self.code = code


class NoSuchHandset(ComplineError):
    """No handset, or more than one, goes by that name."""


class NoSuchEvidence(ComplineError):
    """No handset or collector, past or present, goes by the name under which evidence is looked for."""


class NoSuchOrder(ComplineError):
    """No order, or more than one, goes by that id."""


class OperatorRefused(ComplineError):
    """Somebody may not be made, or removed as, an operator as asked."""


class BadKeyFile(ComplineError):
    """A file that holds a key, a request or an approval cannot be read."""


class WrongPassphrase(ComplineError):
    """The passphrase does not open the file."""


class AuditBroken(ComplineError):
    """The audit is not as it was written."""


class BadBackup(ComplineError):
    """A backup cannot be written, read or used."""


class RotationRefused(ComplineError):
    """A key cannot be replaced now; nothing changed."""


class FolderInUse(ComplineError):
    """The data folder holds something already; a hub is restored into an empty one only."""
