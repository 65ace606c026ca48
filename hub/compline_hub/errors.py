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
