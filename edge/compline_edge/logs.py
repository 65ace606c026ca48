"""Writes the agent's log events, fixed names with typed fields, as JSON lines to a private file."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

import structlog

MAX_BYTES = 2 * 2**20
FILES = 4


class _File(logging.handlers.RotatingFileHandler):
    """A log on a disk that may be full: what does not go in is left out."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Print no traceback over what the terminal says."""


def configure_logs(folder: Path) -> None:
    """Log to `agent.jsonl` in ``folder`` (4 files of 2 MiB, mode 0600)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "agent.jsonl"
    path.touch(mode=0o600, exist_ok=True)
    handler = _File(path, maxBytes=MAX_BYTES, backupCount=FILES - 1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("compline_edge")
    for old in list(ours.handlers):
        ours.removeHandler(old)
        old.close()
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
