"""A rebind opens with the one-time key of the report that it answers, as long as that is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from compline_edge.core.binding_life import Bound, Frozen
from compline_edge.vault.binding import MAX_NONCES
from compline_edge.vault.home import Home
from compline_shared.commands import Command, Rebind, RebindSecrets, seal_secrets
from compline_shared.reports import Cause, CommandOutcome, Report
from tests.homes import HubKeys
from tests.lives import LifeHub, bound, living, obey


class Frosted:
    """A frozen home, open, and its hub."""

    def __init__(self, home: Home, hub: LifeHub) -> None:
        self.home, self.hub = home, hub

    def hear(self) -> Report:
        return self.hub.hear(self.home)

    def rebind(self, answers: Report, *, sealed_to: Report | None = None) -> Command:
        """A rebind that names one report's nonce, and is sealed to another's key where a test says so."""
        to = sealed_to or answers
        secrets = RebindSecrets(
            freeze_key=self.hub.freeze_key.private_bytes_raw(),
            binding_secret=b"s" * 32,
            next_freeze_key=HubKeys().sealing.public_key().public_bytes_raw(),
        )
        begins = replace(answers.place, epoch=answers.epoch + 1)
        sealed = seal_secrets(secrets, to.answer_key, begins=begins, nonce=answers.nonce)
        return self.hub.command(Rebind(answers.nonce, sealed))

    def obey(self, command: Command) -> CommandOutcome:
        obey(self.home, command)
        return self.home.binding.life.results[-1].outcome


@pytest.fixture
def frosted(tmp_path: Path) -> Iterator[Frosted]:
    folder, hub, clock = bound(tmp_path)
    with living(folder, clock) as home:
        hub.hear(home)
        obey(home, hub.freeze())
        yield Frosted(home, hub)


def test_reports_when_made_then_each_has_a_key_of_its_own(frosted: Frosted) -> None:
    assert len({frosted.hear().answer_key for _ in range(20)}) == 20


def test_rebind_when_it_answers_the_oldest_report_that_is_remembered_then_the_vault_opens(
    frosted: Frosted,
) -> None:
    first, *_ = [frosted.hear() for _ in range(MAX_NONCES)]
    assert frosted.obey(frosted.rebind(first)) is CommandOutcome.DONE
    assert frosted.home.binding.life.stage == Bound()


def test_rebind_when_it_answers_a_report_that_newer_ones_pushed_out_then_its_key_is_gone(
    frosted: Frosted,
) -> None:
    first, *_ = [frosted.hear() for _ in range(MAX_NONCES + 1)]
    assert frosted.obey(frosted.rebind(first)) is CommandOutcome.OLD_NONCE
    assert frosted.home.binding.life.stage == Frozen(Cause.COMMAND)


def test_rebind_when_it_is_sealed_to_the_key_of_another_report_then_unopened_and_its_nonce_is_spent(
    frosted: Frosted,
) -> None:
    one, other = frosted.hear(), frosted.hear()
    assert frosted.obey(frosted.rebind(one, sealed_to=other)) is CommandOutcome.UNOPENED
    assert frosted.obey(frosted.rebind(one)) is CommandOutcome.OLD_NONCE
    assert frosted.obey(frosted.rebind(other)) is CommandOutcome.DONE


def test_rebind_when_a_lease_answered_the_same_report_before_then_the_vault_opens(frosted: Frosted) -> None:
    report = frosted.hear()
    obey(frosted.home, frosted.hub.lease())
    assert frosted.obey(frosted.rebind(report)) is CommandOutcome.DONE


def test_report_when_the_vault_was_thawed_since_then_nothing_answers_it_any_more(frosted: Frosted) -> None:
    report = frosted.hear()
    frosted.obey(frosted.rebind(frosted.hear()))
    again = msgspec.structs.replace(frosted.hub.lease(), epoch=frosted.home.place.epoch)
    stale = msgspec.structs.replace(again, body=msgspec.structs.replace(again.body, nonce=report.nonce))
    assert frosted.obey(stale) is CommandOutcome.OLD_NONCE
