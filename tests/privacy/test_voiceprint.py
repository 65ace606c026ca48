"""The voiceprint lies in the vault and nowhere else: no file, log, line on the screen or frame holds any form of it."""

from __future__ import annotations

import base64
import shutil
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from compline_edge.cli import app
from compline_edge.core.judgement import Observed
from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.core.voiceprint import Voiceprint, pack
from compline_edge.senses.recording import open_recording
from compline_edge.vault.errors import VaultFrozen, VaultLocked
from compline_edge.vault.keys import VaultKey
from compline_edge.vault.store import Vault
from compline_shared.wire import canonical
from tests.homes import HubKeys, bytes_under, chain_of, enrolled, opened
from tests.judging_home import arrival_of, judge_over
from tests.lives import bound, living, obey
from tests.privacy.day import recording

VECTOR = np.linspace(-1.0, 1.7, 60, dtype=np.float32)
VOICE = Voiceprint(1, 61.0, np.asarray(VECTOR / np.linalg.norm(VECTOR), dtype=np.float32))
OTHER = Voiceprint(1, 61.0, np.asarray(VECTOR[::-1] / np.linalg.norm(VECTOR), dtype=np.float32))


def forms(voice: Voiceprint) -> dict[str, bytes]:
    """What a careless program might write of it: eight numbers in a row as bytes or text are enough to find it by."""
    piece = voice.vector[40:48]
    found = {
        "float32": piece.astype("<f4").tobytes(),
        "big-endian": piece.astype(">f4").tobytes(),
        "float64": piece.astype("<f8").tobytes(),
        "float16": piece.astype("<f2").tobytes(),
        "hex": piece.astype("<f4").tobytes().hex().encode(),
        "int8": np.round(piece * 127).astype(np.int8).tobytes(),
        "text": f"{float(piece[0]):.5f}".encode(),
    }
    stored = pack(voice)
    for skip in range(3):
        found[f"base64 {skip}"] = base64.b64encode(stored[skip:])[120:180]
    return found


def found_in(content: bytes, voice: Voiceprint = VOICE) -> set[str]:
    return {name for name, form in forms(voice).items() if form in content}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return enrolled(tmp_path)


def mono(source: Path, path: Path) -> Path:
    """The two channels of a sample call in one, 20 s of it."""
    with open_recording(source, limit_s=20.0) as call:
        sides = np.concatenate(list(call.blocks()), axis=1).astype(np.int32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.clip(sides.sum(axis=0), -32768, 32767).astype("<i2").tobytes())
    return path


def test_voiceprint_when_kept_then_the_vault_has_it_and_no_file_shows_it(home: Path) -> None:
    with opened(home) as here:
        here.vault.keep_voiceprint(VOICE)
        assert found_in(bytes_under(home)) == set()
    with opened(home) as here:
        kept = here.vault.voiceprint()
    assert kept is not None
    assert np.array_equal(kept.vector, VOICE.vector)
    assert found_in(bytes_under(home)) == set()


@pytest.mark.parametrize("form", ["float32", "hex", "float64"])
def test_scan_when_a_careless_program_keeps_the_print_beside_the_vault_then_it_is_found(
    home: Path, form: str
) -> None:
    """Control: what is not found above would be found."""
    (home / "left").write_bytes(b"something " + forms(VOICE)[form])
    assert form in found_in(bytes_under(home))


def test_call_when_judged_with_a_voiceprint_then_nothing_that_leaves_holds_it(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    call = mono(recording("private-account"), tmp_path / "phone" / "call.wav")
    with opened(home, outbox_limit=2**24) as here:
        here.vault.keep_voiceprint(VOICE)
        judge = judge_over(here)
        knowing = replace(judge, listener=judge.listener.knowing(here.vault.voiceprint))
        knowing.recording(arrival_of(call))
        entries = here.outbox.due(after=0, limit=10)
        verdicts = HubKeys().open(here.grant, entries)
        sent = b"".join(canonical(v) for v in verdicts) + b"".join(e.ciphertext + e.header for e in entries)
    printed = "".join(capfd.readouterr()).encode()
    assert verdicts
    assert found_in(sent + printed + bytes_under(home)) == set()


def test_two_runs_when_only_the_voiceprint_differs_and_a_call_has_two_channels_then_the_same_is_said(
    tmp_path: Path,
) -> None:
    said: list[Observed] = []
    for voice in (VOICE, OTHER):
        folder = tmp_path / str(len(said))
        with opened(enrolled(folder), outbox_limit=2**24) as here:
            here.vault.keep_voiceprint(voice)
            listener = judge_over(here).listener.knowing(here.vault.voiceprint)
            with open_recording(recording("private-account"), limit_s=20.0) as call:
                said.append(listener.listen(call).observed)
    assert said[0] == said[1]
    assert said[0].noticed


def test_voiceprint_when_forgotten_then_it_is_gone_and_the_log_too(home: Path) -> None:
    with opened(home) as here:
        here.vault.keep_voiceprint(VOICE)
        assert here.vault.forget_voiceprint()
        assert here.vault.voiceprint() is None
        assert (here.binding.folder / "vault.db-wal").stat().st_size == 0
        assert not here.vault.forget_voiceprint()


def test_voiceprint_when_the_binding_is_frozen_then_nobody_reads_it_and_a_rebind_brings_it_back(
    tmp_path: Path,
) -> None:
    home, hub, clock = bound(tmp_path)
    with living(home, clock) as here:
        here.vault.keep_voiceprint(VOICE)
        hub.hear(here)
        obey(here, hub.freeze())
        with pytest.raises(VaultFrozen):
            here.vault.voiceprint()
        hub.hear(here)
        obey(here, hub.rebind())
        kept = here.vault.voiceprint()
    assert kept is not None
    assert np.array_equal(kept.vector, VOICE.vector)


def test_voiceprint_when_the_binding_is_wiped_then_it_is_gone_with_the_vault(tmp_path: Path) -> None:
    home, hub, clock = bound(tmp_path)
    with living(home, clock) as here:
        here.vault.keep_voiceprint(VOICE)
        hub.hear(here)
        obey(here, hub.wipe())
        with pytest.raises(VaultFrozen):
            here.vault.voiceprint()
    assert not list(home.rglob("vault.db*"))


def test_voiceprint_when_another_binding_opens_then_it_has_none_and_its_key_does_not_open_the_vault(
    tmp_path: Path,
) -> None:
    with opened(enrolled(tmp_path / "one")) as one, opened(enrolled(tmp_path / "two")) as two:
        one.vault.keep_voiceprint(VOICE)
        assert two.vault.voiceprint() is None
        copy = Path(shutil.copytree(one.binding.folder, tmp_path / "copy"))
        with pytest.raises(VaultLocked):
            Vault(copy, key=VaultKey(bytes(two.binding.vault_key())), chain=chain_of(two))
        own = Vault(copy, key=one.binding.vault_key(), chain=chain_of(one))  # control: its own key does
        assert own.voiceprint() is not None
        own.close()


def test_status_when_printed_then_it_shows_seconds_and_no_number_of_the_print(home: Path) -> None:
    with opened(home) as here:
        here.vault.keep_voiceprint(VOICE)
    result = CliRunner().invoke(app, ["voice", "status", "--home", str(home)])
    assert result.exit_code == 0
    assert "61 s" in result.output
    assert found_in(result.output.encode()) == set()
