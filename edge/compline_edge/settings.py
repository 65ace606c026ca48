"""The agent's settings, from compline.toml and COMPLINE_EDGE_* variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from compline_shared.configuration import DEFAULT_SOURCE, InvalidSettings, settings_from

PREFIX = "COMPLINE_EDGE_"


class EdgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a person may set for the agent; each has a default that works."""

    home: str = "~/.local/share/compline/edge"  # keys, vault, outbox, logs
    slot: Literal["file", "tpm"] = "file"  # where the keys of identity and vault lie; chosen before `join`
    recordings: tuple[str, ...] = ()  # folders where the phone stores calls
    chats: tuple[str, ...] = ()  # folders where chat exports arrive
    language: str = "zh-CN"  # of the calls, BCP 47
    transcriber: Literal["auto", "ctc", "vosk"] = "auto"
    charging_transcriber: Literal["", "ctc", "vosk"] = (
        ""  # hears finished recordings instead while on the charger
    )
    models: str = ""  # folder; empty: the one shipped beside the program
    hub: str = ""  # host:port of the broker; empty: find it on the LAN
    discovery_interface: str = ""  # address to browse on; empty: all
    metered: Literal["auto", "yes", "no"] = (
        "auto"  # whether each byte costs; auto: on interfaces to mobile networks
    )
    collector_channel: Annotated[int, Meta(ge=0, le=1)] = 0  # of a stereo recording
    collector_id: str = ""  # WeCom user id of the collector; empty: whoever is not external
    remove_sealed_originals: bool = False  # delete a recording once its evidence is sealed in the vault
    live: bool = True  # judge recordings while they grow
    settle_seconds: Annotated[float, Meta(ge=0.2, le=600)] = 2.0  # a file unchanged so long is complete
    longest_call_hours: Annotated[float, Meta(gt=0, le=24)] = 4.0

    @property
    def recogniser(self) -> str | None:
        """The kind of recogniser that is asked for; None: whichever comes first."""
        return None if self.transcriber == "auto" else self.transcriber

    @property
    def home_folder(self) -> Path:
        """`home` with ~ resolved."""
        return Path(self.home).expanduser()


def load_settings(config: Path | None = None) -> EdgeSettings:
    """Read the settings from ``config`` (default: ./compline.toml where there is one) and the environment.

    Raises:
        InvalidSettings: the file cannot be read, or a setting is unknown, of the wrong type or out of range.
    """
    default = Path(DEFAULT_SOURCE)
    source = config or (default if default.is_file() else None)
    try:
        toml = source.read_text(encoding="utf-8") if source else ""
    except OSError as error:
        raise InvalidSettings(
            f"{source} cannot be read ({error.strerror}): name the settings file with --config."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidSettings(f"{source} is not text in UTF-8: save it as UTF-8.") from error
    return settings_from(
        EdgeSettings,
        toml=toml,
        source=str(source or default),
        table="edge",
        environment=os.environ,
        prefix=PREFIX,
    )
