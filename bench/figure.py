"""One measured figure beside its reference, printed as one JSON line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """A value and what it stands against; `better` says which way is better.

    `against` is None where there is nothing to compare with.
    """

    name: str
    value: float
    unit: str
    against: float | None
    better: Literal["higher", "lower"]

    @property
    def ratio(self) -> float | None:
        """Value over reference, None without one."""
        return None if not self.against else self.value / self.against

    def line(self) -> str:
        """Return the JSON line, without its line end; numbers at four significant digits."""
        fields = {
            "name": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "against": _short(self.against),
            "ratio": _short(self.ratio),
            "better": self.better,
        }
        return msgspec.json.encode(fields).decode()


def keep(lines: Sequence[str], latest: Path) -> None:
    """Put fresh JSON lines into the file of the latest, in place of all that bear one of their names."""
    before = latest.read_text(encoding="utf-8").splitlines() if latest.exists() else []
    fresh = {_name(line) for line in lines}
    kept = [line for line in before if _name(line) not in fresh]
    latest.write_text("".join(line + "\n" for line in [*kept, *lines]), encoding="utf-8")


def _name(line: str) -> str:
    return str(msgspec.json.decode(line)["name"])


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
