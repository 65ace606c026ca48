"""Puts the web application together."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Litestar, MediaType, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from compline_hub.errors import EnrolmentRefused, NoSuchHandset, NoSuchOrder, OrderRefused
from compline_hub.service.desk import Desk
from compline_hub.service.orders import Orders
from compline_hub.service.pairing import Pairing
from compline_hub.web.guards import Gate
from compline_hub.web.handsets import HandsetController
from compline_hub.web.offers import OfferController
from compline_hub.web.orders import OrderController
from compline_hub.web.page import page_routes
from compline_hub.web.stream import Streams, stream
from compline_hub.web.verdicts import VerdictController

_log = structlog.get_logger("compline_hub.web")


def make_application(
    desk: Desk, pairing: Pairing, orders: Orders, *, port: int, streams: Streams | None = None
) -> ASGIApp:
    """Return the ASGI application; `port` is where it will be reached, which the gate checks in Host."""
    counter = streams or Streams()
    application = Litestar(
        route_handlers=[
            VerdictController,
            HandsetController,
            OfferController,
            OrderController,
            stream,
            *page_routes(),
        ],
        dependencies={
            "desk": Provide(lambda: desk, use_cache=True, sync_to_thread=False),
            "pairing": Provide(lambda: pairing, use_cache=True, sync_to_thread=False),
            "orders": Provide(lambda: orders, use_cache=True, sync_to_thread=False),
            "streams": Provide(lambda: counter, use_cache=True, sync_to_thread=False),
        },
        exception_handlers={
            HTTPException: _refusal,
            EnrolmentRefused: _not_enrolled,
            OrderRefused: _order_refused,
            NoSuchHandset: _not_found,
            NoSuchOrder: _not_found,
            Exception: _failure,
        },
        signature_types=[Desk, Orders, Pairing, Streams],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=4096,
    )
    return Gate(application, port=port)


def _refusal(_request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """A request that cannot be served, in one sentence."""
    return Response({"status": error.status_code, "error": error.detail}, status_code=error.status_code)


def _not_enrolled(_request: Request[Any, Any, Any], error: EnrolmentRefused) -> Response[dict[str, Any]]:
    """What the branch may not do, in the use case's own sentence."""
    return Response({"status": 409, "error": str(error)}, status_code=409, media_type=MediaType.JSON)


def _order_refused(_request: Request[Any, Any, Any], error: OrderRefused) -> Response[dict[str, Any]]:
    """An order that the hub does not take: the sentence, and its code for pages."""
    return Response({"status": 409, "error": str(error), "code": error.code}, status_code=409)


def _not_found(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Something that is not there, in one sentence."""
    return Response({"status": 404, "error": str(error)}, status_code=404)


def _failure(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """A fault of ours: logged by its type, never by its text, which may hold values."""
    _log.error("request_failed", handler=str(request.route_handler), error=type(error).__name__)
    answer = {"status": 500, "error": "The hub could not answer; its log says more."}
    return Response(answer, status_code=500, media_type=MediaType.JSON)
