"""Enrols handsets: a request comes in, a grant goes out."""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from compline_hub.core.enrolled import FIRST_EPOCH, Binding, Handset
from compline_hub.core.keys import EpochSecrets, HubKeys
from compline_hub.errors import EnrolmentRefused
from compline_hub.ports import Ledger, Store
from compline_hub.service.orders import present_roster
from compline_shared.chain import Chain
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest, Secret
from compline_shared.ids import BindingId

MAX_NAME = 60


class Enrolment:
    """The use case, wired."""

    def __init__(
        self,
        store: Store,
        keys: HubKeys,
        *,
        hub_name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keys = keys
        self._hub_name = hub_name
        self._clock = clock

    def enrol(
        self, request: EnrolmentRequest, *, name: str, address: tuple[str, int] | None
    ) -> EnrolmentGrant:
        """Enrol a handset under a name for people; `address` is host and MQTT port, None to let it discover them.

        Asked again with the same key, the same binding is granted again.

        Raises:
            EnrolmentRefused: the id is taken by another key, or the name is empty, too long or not all visible.
        """
        if not 1 <= len(name.strip()) <= MAX_NAME:
            raise EnrolmentRefused(
                f"A handset's name has 1 to {MAX_NAME} characters; choose another with --name."
            )
        if not _visible(name.strip()):
            raise EnrolmentRefused(
                "A handset's name has no control or invisible characters; choose another with --name."
            )
        with self._store.transaction() as ledger:
            binding = self._binding(ledger, request, name.strip())
            operators, times = present_roster(ledger), ledger.book.times()
            standing = ledger.book.standing(binding.id)
            if standing.told is None:  # from the first report on, only the handset says who may approve there
                ledger.book.keep_standing(binding.id, replace(standing, roster=operators))
        keys = self._keys
        secrets_of_epoch = keys.open_escrow(binding.escrow, binding=binding.id)
        return EnrolmentGrant(
            handset=binding.handset,
            binding=binding.id,
            epoch=binding.epoch,
            branch_key=keys.branch,
            binding_secret=Secret(secrets_of_epoch.binding_secret),
            freeze_key=secrets_of_epoch.freeze_public,
            hub_name=self._hub_name,
            hub_sealing_public=keys.sealing_public,
            hub_signing_public=keys.signing_public,
            hub_command_public=keys.command_public,
            operators=operators,
            times=times,
            mqtt_username=binding.handset,
            mqtt_password=Secret(keys.password(binding.handset).encode()),
            mqtt_host=None if address is None else address[0],
            mqtt_port=None if address is None else address[1],
        )

    def _binding(self, ledger: Ledger, request: EnrolmentRequest, name: str) -> Binding:
        known = ledger.handset(request.handset_id)
        if known is None:
            return self._first_binding(ledger, request, name)
        binding = ledger.binding_of(known.id)
        if known.signing_key != request.signing_key_public or binding is None:
            raise EnrolmentRefused(
                "A handset with this id is enrolled with another key; make a new request with `compline-edge init`."
            )
        return binding

    def _first_binding(self, ledger: Ledger, request: EnrolmentRequest, name: str) -> Binding:
        binding_id = BindingId(secrets.token_hex(8))
        handset = Handset(
            id=request.handset_id,
            name=name,
            signing_key=request.signing_key_public,
            receiving_key=request.receiving_key_public,
            enrolled=int(self._clock()),
        )
        fresh = EpochSecrets(binding_secret=secrets.token_bytes(32), freeze_key=secrets.token_bytes(32))
        escrow = self._keys.seal_escrow(fresh, binding=binding_id, nonce=secrets.token_bytes(12))
        binding = Binding(
            id=binding_id,
            handset=handset.id,
            epoch=FIRST_EPOCH,
            up_to=0,
            head=Chain(self._keys.branch, binding_id).genesis,
            escrow=escrow,
        )
        ledger.enrol(handset, binding)
        return binding


def _visible(name: str) -> bool:
    """Return whether a terminal and a page show all of a name; what they obey or hide could pass for another's."""
    return not any(unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp") for c in name)
