"""The `voice` commands: enrol the collector's voice, say whether one is enrolled, forget it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from compline_edge.clock import SystemClock
from compline_edge.core.voice_enrolment import Refused
from compline_edge.core.voice_words import CONSENT, FORGOTTEN, NONE, OF_ANOTHER_MODEL, enrolled_with, refusal
from compline_edge.core.voiceprint import Voiceprint
from compline_edge.enrolling import enrol
from compline_edge.pipeline import CallListener
from compline_edge.ports import VoiceEncoder
from compline_edge.senses.model_store import ModelStore, user_models
from compline_edge.settings import EdgeSettings, load_settings
from compline_edge.vault.home import open_home
from compline_edge.wiring import models_folder, slot_at
from compline_shared.errors import ComplineError

voice_app = typer.Typer(
    no_args_is_help=True,
    help="The collector's voiceprint, by which he is told from the other side where a recording has one channel.",
)

_HOME = typer.Option(
    "--home", help="Where keys, vault and outbox lie; default: ~/.local/share/compline/edge."
)
_CONFIG = typer.Option("--config", help="Settings file; default: compline.toml here, if there is one.")


class NoSpeakerModel(ComplineError):
    """There is no speaker model in the models folder: restore it with `git checkout -- models`."""


class NotEnrolledVoice(ComplineError):
    """The recordings will not do for a voiceprint; the message says what to do."""


class NotAgreed(ComplineError):
    """Nothing was enrolled, for it was not agreed to."""


@voice_app.command("enrol")
def enrol_voice(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings in which the collector alone speaks, or stereo calls; 60 s of speech."
        ),
    ],
    agree: Annotated[
        bool,
        typer.Option("--agree", help="The collector has read what is kept, and agrees. Off: it is asked."),
    ] = False,
    home: Annotated[Path | None, _HOME] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Make a voiceprint of recordings of the collector and keep it in the vault, in place of an earlier one.

    The agent must not be running. The recordings are only read.
    """
    settings = _settings(config, home)
    encoder = _encoder(settings)
    typer.echo(CONSENT)
    if not agree and not typer.confirm("同意 / Agree?"):
        raise NotAgreed(NotAgreed.__doc__)
    with open_home(settings.home_folder, clock=SystemClock(), slot_at=slot_at(settings)) as opened:
        vault = opened.vault
        voice = voice_in(files, encoder, settings)
        vault.keep_voiceprint(voice)
    typer.echo(enrolled_with(voice.seconds))


@voice_app.command("status")
def status(
    home: Annotated[Path | None, _HOME] = None, config: Annotated[Path | None, _CONFIG] = None
) -> None:
    """Say whether a voiceprint is enrolled, and how much speech it rests on. The agent must not be running."""
    settings = _settings(config, home)
    with open_home(settings.home_folder, clock=SystemClock(), slot_at=slot_at(settings)) as opened:
        voice = opened.vault.voiceprint()
    if voice is None:
        typer.echo(NONE)
    else:
        typer.echo(
            enrolled_with(voice.seconds) if voice.model == _encoder(settings).version else OF_ANOTHER_MODEL
        )


@voice_app.command("forget")
def forget(
    home: Annotated[Path | None, _HOME] = None, config: Annotated[Path | None, _CONFIG] = None
) -> None:
    """Delete the voiceprint. The agent must not be running."""
    settings = _settings(config, home)
    with open_home(settings.home_folder, clock=SystemClock(), slot_at=slot_at(settings)) as opened:
        typer.echo(FORGOTTEN if opened.vault.forget_voiceprint() else NONE)


def known_by_voice(listener: CallListener, files: list[Path] | None, settings: EdgeSettings) -> CallListener:
    """Return a listener that knows the collector by the voice in `files` for this run alone; as it was without any.

    Raises:
        NoSpeakerModel, NotEnrolledVoice, RecordingError: he cannot be known by them.
    """
    if not files:
        return listener
    voice = voice_in(files, listener.encoder or _encoder(settings), settings)
    return listener.knowing(lambda: voice)


def voice_in(files: list[Path], encoder: VoiceEncoder, settings: EdgeSettings) -> Voiceprint:
    """Return the voice in recordings, kept nowhere.

    Raises:
        NotEnrolledVoice: they will not do.
        RecordingError: one cannot be read.
    """
    found = enrol(files, encoder, collector_channel=settings.collector_channel)
    if isinstance(found, Refused):
        raise NotEnrolledVoice(refusal(found))
    return found


def _encoder(settings: EdgeSettings) -> VoiceEncoder:
    found = ModelStore((models_folder(settings), user_models())).voice_encoder()
    if found is None:
        raise NoSpeakerModel(NoSpeakerModel.__doc__)
    return found


def _settings(config: Path | None, home: Path | None) -> EdgeSettings:
    found = load_settings(config)
    return found if home is None else replace(found, home=str(home))
