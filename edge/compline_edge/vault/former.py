"""Keeps when a binding began that was not the first of its home, and how many files of before it were left alone.

bindings/<id>/former      0600  JSON; no such file in the first binding of a home. It names no file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from compline_edge.core.beginning import Beginning
from compline_edge.vault.durable import write_file
from compline_edge.vault.errors import FilesPutBack

_NAME: Final = "former"
_LONGEST: Final = 1_024  # bytes


def keep_beginning(folder: Path, beginning: Beginning) -> None:
    """Keep it durably in a binding's folder, in the place of what was there; raises StorageFull."""
    write_file(folder / _NAME, msgspec.json.encode(beginning))


def beginning_in(folder: Path) -> Beginning | None:
    """Return what was kept; None in the first binding of a home.

    Raises:
        FilesPutBack: the file is damaged.
    """
    try:
        with (folder / _NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_LONGEST), type=Beginning)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise FilesPutBack(
            f"The file {_NAME} of this binding is damaged: put it back, or pair this handset anew."
        ) from None
