"""A line of log and a count for every request, by route: without ids, questions or addresses."""

from __future__ import annotations

import logging
import time
from typing import Any

from monailabel.interfaces.utils.app import app_instance
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("prsmed.access")
_CLOSED_EARLY = 499


class AccessLog:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), _CLOSED_EARLY
        # Routes write into it who asks.
        state: dict[str, Any] = scope.setdefault("state", {})

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            seconds = time.monotonic() - started
            route = getattr(scope.get("route"), "path", None)
            # A method may be any word; only those of routes are few.
            method = scope["method"] if route else "-"
            logger.info("%s %s %d %.3f s by %s", method, route or "-", status, seconds, state.get("person", "-"))
            app_instance().metrics.request(method, route or "-", status, seconds)
