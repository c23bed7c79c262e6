"""Images and labels on their way to the server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from PRSMedLib.problem import Problem
from PRSMedLib.server import ANSWER_SECONDS, QUICK_SECONDS, Server

_CHUNK = 1 << 18


def sendForAWhile(server: Server, name: str, content: bytes, sent: Callable[[float], None]) -> dict[str, str]:
    """Upload an image that the server forgets again, and keeps out of its studies.

    Args:
        server: Where to.
        name: With the ending of the format.
        content: The file.
        sent: Called with the share that has gone out; may raise to stop.

    Returns:
        Where the server finds it, for :class:`~PRSMedLib.asking.Question`.

    Raises:
        Problem: Whatever went wrong.
    """
    told = _put(server, "/session/", {}, [("files", name, content)], {}, sent)
    return {"session_id": str(told["session_id"])}


def addStudy(server: Server, image: str, name: str, content: bytes, sent: Callable[[float], None]) -> dict[str, str]:
    """Take an image into the server's studies as ``image``; arguments and result as in :func:`sendForAWhile`."""
    told = _put(server, "/datastore/image", {"image": image}, [("file", name, content)], {}, sent)
    return {"image": str(told["image"])}


def submitLabel(
    server: Server, image: str, content: bytes, params: dict[str, Any], sent: Callable[[float], None]
) -> None:
    """Submit a corrected label map (NRRD) of an image of the server's studies as final.

    Args:
        server: Where to.
        image: The image's id.
        content: The label map.
        params: ``label_names``, and the question it answers where there was one.
        sent: As in :func:`sendForAWhile`.
    """
    query = {"image": image, "tag": "final"}
    _put(server, "/datastore/label", query, [("label", "label.nrrd", content)], {"params": json.dumps(params)}, sent)


def _put(
    server: Server,
    path: str,
    query: dict[str, str],
    files: list[tuple[str, str, bytes]],
    fields: dict[str, str],
    sent: Callable[[float], None],
) -> dict[str, Any]:
    body = _Multipart(files, fields, sent)
    headers = {"Content-Type": f"multipart/form-data; boundary={body.boundary}"}
    with server.request(
        "PUT", path, params=query, data=body, headers=headers, readSeconds=ANSWER_SECONDS, connectSeconds=QUICK_SECONDS
    ) as response:
        told: Any = json.loads(response.content)
    if not isinstance(told, dict):
        raise Problem("server_fault", f"{told!r:.100}")
    return told


class _Multipart:
    """A form as a file that ``requests`` reads piece by piece, so that one can see how far it is."""

    def __init__(
        self, files: list[tuple[str, str, bytes]], fields: dict[str, str], sent: Callable[[float], None]
    ) -> None:
        self.boundary = uuid.uuid4().hex
        parts: list[bytes] = []
        for name, value in fields.items():
            parts += [self._head(name), value.encode(), b"\r\n"]
        for name, filename, content in files:
            parts += [self._head(name, filename), content, b"\r\n"]
        self._parts = [*parts, f"--{self.boundary}--\r\n".encode()]
        self._length = sum(map(len, self._parts))
        self._done, self._offset, self._sent = 0, 0, sent

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """The next piece, at most 256 KB; ``b""`` at the end."""
        self._sent(self._done / self._length)
        while self._parts and self._offset >= len(self._parts[0]):
            del self._parts[0]
            self._offset = 0
        if not self._parts:
            return b""
        wanted = _CHUNK if size < 0 else min(size, _CHUNK)
        piece = self._parts[0][self._offset : self._offset + wanted]
        self._offset += len(piece)
        self._done += len(piece)
        return piece

    def _head(self, name: str, filename: str | None = None) -> bytes:
        text = f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if filename is not None:
            text += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
        return f"{text}\r\n\r\n".encode()
