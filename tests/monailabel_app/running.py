"""A real server process, and how tests talk to it."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from requests_toolbelt.multipart import decoder
from tiny_model import FOUND

from monailabel_app.process import ServerProcess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(
    studies: Path,
    model: Path,
    log: Path,
    uvicorn_app: str = "monailabel_app.asgi:app",
    host: str = "127.0.0.1",
    **environment: str,
) -> Iterator[ServerProcess]:
    server = ServerProcess(str(studies), host, free_port(), str(model), log, uvicorn_app)
    try:
        with mock.patch.dict(os.environ, environment):
            server.start()
        for _ in server.wait_until_ready():
            pass
        yield server
    finally:
        server.stop()


def ask(url: str, image: str, /, output: str = "all", **params: object) -> requests.Response:
    fields = {"params": (None, json.dumps({"prompt": FOUND, **params}))}
    return requests.post(f"{url}/infer/prsmed", params={"image": image, "output": output}, files=fields, timeout=300)


def parts(response: requests.Response) -> tuple[dict[str, Any], bytes | None]:
    """The JSON and, if there is one, the mask file of a response."""
    response.raise_for_status()
    if response.headers["content-type"] == "application/json":
        return response.json(), None
    found = decoder.MultipartDecoder.from_response(response).parts
    named = {part.headers[b"Content-Disposition"].split(b'name="')[1].split(b'"')[0]: part for part in found}
    assert set(named) == {b"params", b"image"}
    return json.loads(named[b"params"].text), named[b"image"].content


def stream(url: str, image: str, /, **params: object) -> list[tuple[str, dict[str, Any]]]:
    """The server-sent events of a question."""
    body = {"prompt": FOUND, **params}
    with requests.post(f"{url}/ask/{image}", json=body, stream=True, timeout=300) as response:
        response.raise_for_status()
        return [*read_events(response)]


def read_events(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each event as it comes."""
    name = ""
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def metric(url: str, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = requests.get(f"{url}/metrics", timeout=60).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if re.match(rf"{name}[ {{]", line))
