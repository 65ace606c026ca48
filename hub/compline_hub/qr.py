"""Draws QR codes: for a terminal, and as the path of an SVG."""

from __future__ import annotations

import io

import segno

QUIET = 2
"""Empty modules around it; phones read it with fewer than the standard's four."""


def terminal_qr(text: str) -> str:
    """Return a QR of a text in half blocks, two modules a character."""
    drawn = io.StringIO()
    _made(text).terminal(drawn, compact=True, border=QUIET)
    return drawn.getvalue()


def svg_path(text: str) -> tuple[int, str]:
    """Return the side of a QR in modules, its quiet zone included, and the SVG path of its dark modules."""
    rows = [list(row) for row in _made(text).matrix_iter(border=QUIET)]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return len(rows), path


def _made(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m")
