"""No body is larger than its route may take."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monailabel_app.settings import MEGABYTE
from monailabel_app.web.handlers import mistake
from prsmed.errors import PRSMedError

# Where files are uploaded.
_UPLOADS = re.compile(r"/(infer/[^/]+|datastore/?|datastore/(image|label)|session/?|proxy/dicom/stow/.*)")


class BodyLimit:
    """ASGI middleware that stops reading a request when it gets too long.

    Args:
        app: What it stands before.
        upload_bytes: For routes that take files.
        other_bytes: For all others.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int, other_bytes: int = MEGABYTE) -> None:
        self._app, self._upload_bytes, self._other_bytes = app, upload_bytes, other_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["method"] in ("PUT", "POST") and _UPLOADS.fullmatch(scope["path"])
        limit = self._upload_bytes if is_upload else self._other_bytes
        read, has_answered = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            if _declared(scope) > limit:
                raise _TooLarge
            await self._app(scope, counted, noted)
        except _TooLarge:
            if has_answered:
                raise
            error = PRSMedError("too_large", f"the request has more than {limit // MEGABYTE} MB; that is the most here")
            await mistake(None, error)(scope, receive, send)


class _TooLarge(BaseException):
    """Passes every handler of the application."""


def _declared(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
