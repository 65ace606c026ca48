"""The live page: static files from inside the package, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.router import Router
from litestar.static_files import create_static_files_router

STATIC = Path(__file__).parent / "static"


@get("/", include_in_schema=False, sync_to_thread=False)
def index() -> Response[bytes]:
    """The page."""
    return Response((STATIC / "index.html").read_bytes(), media_type="text/html; charset=utf-8")


@get("/healthz", include_in_schema=False, sync_to_thread=False)
def health() -> dict[str, str]:
    """Answers while the hub runs."""
    return {"status": "ok"}


def page_routes() -> list[HTTPRouteHandler | Router]:
    """Return the routes of the page and its files."""
    static = create_static_files_router(path="/static", directories=[STATIC], include_in_schema=False)
    return [index, health, static]
