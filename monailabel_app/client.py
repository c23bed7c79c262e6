"""The few calls of the HTTP interface that `./scripts/serve` makes to show itself."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests_toolbelt.multipart.decoder import MultipartDecoder

_TIMEOUT_SECONDS = 600
KEY_VARIABLE = "PRSMED_KEY"
"""Environment variable with the key to show, where the server asks for one."""
_FILENAME = re.compile(r'filename="?([^";]+)')


class ServerError(RuntimeError):
    """The server refused, in its own words."""


@dataclass(frozen=True)
class Reply:
    """What a question came back with.

    Attributes:
        answer: JSON of the Ask contract.
        mask: Content of the mask file; ``None`` when there is no mask.
        extension: Ending of the mask file, e.g. ``".nii.gz"``.
    """

    answer: dict[str, Any]
    mask: bytes | None = None
    extension: str = ""


def ask(url: str, image: str, params: dict[str, Any]) -> Reply:
    """Ask a question.

    Raises:
        ServerError: The server refused it.
    """
    response = requests.post(
        f"{url}/infer/prsmed",
        params={"image": image, "output": "all"},
        files={"params": (None, json.dumps(params))},
        headers=_headers(),
        timeout=_TIMEOUT_SECONDS,
    )
    _check(response)
    if response.headers["content-type"].startswith("application/json"):
        return Reply(response.json())
    answer, mask = MultipartDecoder.from_response(response).parts
    filename = _filename(mask.headers[b"Content-Disposition"].decode())
    return Reply(json.loads(answer.text), mask.content, "".join(Path(filename).suffixes))


def list_images(url: str) -> list[str]:
    """Ids of the images on a server, in order.

    Raises:
        ServerError: The server refused.
    """
    response = requests.get(f"{url}/datastore/", params={"output": "all"}, headers=_headers(), timeout=_TIMEOUT_SECONDS)
    _check(response)
    return sorted(response.json()["objects"])


def download_image(url: str, image: str, folder: Path) -> Path:
    """Fetch an image into ``folder``; the file it became.

    Raises:
        ServerError: The server refused.
    """
    response = requests.get(
        f"{url}/datastore/image", params={"image": image}, headers=_headers(), timeout=_TIMEOUT_SECONDS
    )
    _check(response)
    path = folder / Path(_filename(response.headers["content-disposition"])).name
    path.write_bytes(response.content)
    return path


def _headers() -> dict[str, str]:
    key = os.environ.get(KEY_VARIABLE)
    return {"Authorization": f"Bearer {key}"} if key else {}


def _check(response: requests.Response) -> None:
    if not response.ok:
        raise ServerError(f"HTTP {response.status_code}: {response.text[:500]}")


def _filename(disposition: str) -> str:
    match = _FILENAME.search(disposition)
    if match is None:
        raise ServerError(f"a file came without a name: {disposition}")
    return match.group(1)
