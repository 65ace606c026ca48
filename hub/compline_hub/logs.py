"""Sends every log event to the console and, as JSON, to a file in the data folder."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path

import structlog
from structlog.typing import Processor

MAX_BYTES = 5 * 2**20
FILES = 5
_SHARED: list[Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(folder: Path, *, level: str) -> logging.Logger:
    """Log to stderr for people and to `hub.jsonl` for machines (5 files of 5 MiB); return the root of our loggers."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "hub.jsonl"
    path.touch(mode=0o600, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        path, maxBytes=MAX_BYTES, backupCount=FILES - 1, encoding="utf-8"
    )
    file.setFormatter(_formatter(structlog.processors.JSONRenderer()))
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    ours = logging.getLogger("compline_hub")
    for handler in list(ours.handlers):
        ours.removeHandler(handler)
        handler.close()
    ours.handlers = [file, console]
    ours.setLevel(level.upper())
    ours.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return ours


def close_logs(logger: logging.Logger) -> None:
    """Close the files."""
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=_SHARED,
    )
