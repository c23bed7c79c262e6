"""The server's HTTP interface, as far as the panel needs it.

Every call blocks: use it in a :class:`~PRSMedLib.jobs.Job`. ``requests`` is imported when it is first used.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem, problemOfException, problemOfResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

TASK = "prsmed"
CONNECT_SECONDS, QUICK_SECONDS, ANSWER_SECONDS = 5.0, 30.0, 600.0
_REDIRECTS = range(300, 400)


@dataclass(frozen=True)
class ServerInfo:
    """What a server said of itself.

    Attributes:
        name: Of its application.
        model: Version of the model; ``""`` when it does not tell.
        strategies: How it can choose the next study.
        canStream: Whether it answers as words come and has a line; MONAI Label's stock application does not.
        canTrain: Whether it learns from corrections.
    """

    name: str
    model: str
    strategies: tuple[str, ...]
    canStream: bool
    canTrain: bool


class Server:
    """A MONAI Label server.

    Args:
        address: ``http://host:port`` or ``https://host``; ``http://`` when no scheme is given.
        token: A key or token, sent as ``Authorization: Bearer``; ``""`` sends none.

    Raises:
        Problem: ``bad_address``.
    """

    def __init__(self, address: str, token: str = "") -> None:
        self.address = _normalized(address)
        self._token = token.strip()

    @property
    def isThisComputer(self) -> bool:
        """Whether it runs on this very computer, so that no image leaves it."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def isEncrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.address.startswith("https://")

    def connect(self) -> ServerInfo:
        """Find out what is there.

        Raises:
            Problem: Why it cannot be used.
        """
        told = self.getJson("/info/")
        models = told.get("models") if isinstance(told, dict) else None
        if not isinstance(models, dict):
            raise Problem("no_monai_label", _("{0} is no MONAI Label server.").format(self.address))
        if TASK not in models:
            raise Problem(
                "no_model",
                _("{0} runs MONAI Label without PRS-Med (it has: {1}). Start it with the app monailabel_app.").format(
                    self.address, ", ".join(sorted(models)) or _("no models")
                ),
            )
        version = models[TASK].get("version") or {}
        canStream = True
        try:
            self.getJson("/health")
        except Problem as problem:
            if problem.code != "not_found":
                raise
            canStream = False
        return ServerInfo(
            name=str(told.get("name", "MONAI Label")),
            model=str(version.get("version", "")),
            strategies=tuple(told.get("strategies") or ()),
            canStream=canStream,
            canTrain=TASK in (told.get("trainers") or {}),
        )

    def getJson(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """GET an object.

        Raises:
            Problem: Whatever went wrong.
        """
        with self.request("GET", path, params=query) as response:
            return _json(response, self.address)

    def postJson(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST an object, get one back.

        Raises:
            Problem: Whatever went wrong.
        """
        with self.request("POST", path, json=body) as response:
            return _json(response, self.address)

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        readSeconds: float = QUICK_SECONDS,
        connectSeconds: float = CONNECT_SECONDS,
        **options: Any,
    ) -> Iterator[requests.Response]:
        """A request whose body is read as it comes.

        Redirects are not followed: they could lead an image elsewhere.

        Raises:
            Problem: No connection, or a status that is no success.
        """
        import requests

        # Its lines would carry ids of images into Slicer's log.
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        # What stays on this computer must not go by a proxy.
        proxies = dict.fromkeys(("http", "https", "all")) if self.isThisComputer else None
        try:
            with requests.request(
                method,
                self.address + path,
                auth=self._sign,
                proxies=proxies,
                timeout=(connectSeconds, readSeconds),
                allow_redirects=False,
                stream=True,
                **options,
            ) as response:
                if response.status_code in _REDIRECTS:
                    raise Problem(
                        "redirected",
                        _("{0} sends on to {1}; enter that address if you trust it.").format(
                            self.address, response.headers.get("location", "?")
                        ),
                    )
                if not response.ok:
                    raise problemOfResponse(response.status_code, _anyJson(response), self.address)
                yield response
        except requests.exceptions.RequestException as error:
            raise problemOfException(error, self.address) from error

    def _sign(self, request: Any) -> Any:
        """Puts the key into a request; also keeps ``requests`` from looking for another one in ``.netrc``."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _normalized(address: str) -> str:
    text = address.strip()
    if text and "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        isGood = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        isGood = False
    if not isGood or parts.query or parts.fragment or parts.username or any(character.isspace() for character in text):
        raise Problem(
            "bad_address",
            _("{0} is no address of a server; write it as http://127.0.0.1:8000.").format(address.strip() or "“”"),
        )
    return text.rstrip("/")


def _json(response: requests.Response, address: str) -> Any:
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise Problem("no_monai_label", _("{0} is no MONAI Label server.").format(address)) from error


def _anyJson(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None
