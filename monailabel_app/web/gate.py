"""Nobody's body is read before it is known who they are."""

from __future__ import annotations

import anyio
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from monailabel_app.web.handlers import mistake
from monailabel_app.web.people import check_reach, identify
from prsmed.errors import PRSMedError

_OPEN = frozenset({"/", "/openapi.json", "/health", "/health/ready", "/auth/", "/auth/token"})
_HEALTH = "/health"
# Whoever signs people in may be slow; others do not wait for it.
_ASKING_AT_ONCE = 8


class Gate:
    """ASGI middleware: finds out who asks, or answers 401 or 403, before the first byte of the body is taken."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._threads = anyio.CapacityLimiter(_ASKING_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            request = Request(scope)
            try:
                if not scope["path"].startswith(_HEALTH):
                    check_reach(request)
                if scope["path"] not in _OPEN:
                    found = await anyio.to_thread.run_sync(identify, request, limiter=self._threads)
                    request.state.found, request.state.person = found, found.name
            except PRSMedError as error:
                await mistake(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
