"""What can go wrong, in words for whoever sits before the panel: the cause and the cure."""

from __future__ import annotations

from PRSMedLib.i18n import tr as _


class Problem(Exception):
    """Something the user can do something about.

    Attributes:
        code: A short name that does not change, e.g. ``"refused"``; the server's own where it gave one.
        message: Cause and cure.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Cancelled(Exception):
    """The user no longer wants it."""


def problemOfException(error: Exception, address: str) -> Problem:
    """Why nothing came back from a server.

    Args:
        error: What ``requests`` raised.
        address: Where it was sent.
    """
    import requests

    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
            return Problem("not_tls", _("{0} does not speak TLS; write http:// instead of https://.").format(address))
        return Problem(
            "bad_certificate",
            _(
                "The certificate of {0} is not trusted, so nothing was sent. Check the address; if the server has a "
                "certificate of your own organization, set REQUESTS_CA_BUNDLE to its file before Slicer starts."
            ).format(address),
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Problem(
            "no_route", _("{0} does not react. Check the address, the network and the firewall.").format(address)
        )
    if isinstance(error, requests.exceptions.ReadTimeout):
        return Problem(
            "too_slow", _("{0} took the request but did not answer in time. Try again in a while.").format(address)
        )
    if any(sign in text for sign in ("Name or service", "getaddrinfo", "NameResolution", "nodename nor servname")):
        return Problem("unknown_host", _("There is no computer called so: {0}. Check the address.").format(address))
    if "timed out" in text:
        return Problem("too_slow", _("{0} stopped taking what was sent. Try again in a while.").format(address))
    if "refused" in text:
        return Problem(
            "refused",
            _(
                "No server listens at {0}. Start it (./scripts/serve --studies FOLDER), or check address and port."
            ).format(address),
        )
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return Problem(
            "lost",
            _("The connection to {0} broke off. See whether the server still runs, then try again.").format(address),
        )
    return Problem("bad_address", _("{0} cannot be reached: {1}").format(address, text[:200]))


def problemOfResponse(status: int, body: object, address: str) -> Problem:
    """Why a server refused.

    Args:
        status: HTTP status, 400 or more.
        body: The JSON that came with it, if any.
        address: Who answered.
    """
    told = body.get("error") if isinstance(body, dict) else None
    code = str(told.get("code", "")) if isinstance(told, dict) else ""
    message = str(told.get("message", "")) if isinstance(told, dict) else ""
    if not message and isinstance(body, dict) and isinstance(body.get("detail"), str):
        message = body["detail"]
    if status == 401:
        return Problem(
            "unauthorized", _("The server wants to know who asks: enter your key under Server, then connect.")
        )
    if status == 403:
        return Problem(
            code or "forbidden", _("The server does not allow this: {0}").format(message or _("no reason given"))
        )
    # What web frameworks say of a page they do not have.
    if status == 404 and message in ("", "Not Found"):
        return Problem("not_found", _("{0} has no such page; is it a MONAI Label server?").format(address))
    if status == 429:
        return Problem("busy", _("Too many questions wait for the model. Ask again in a moment."))
    if status >= 500 and not code:
        return Problem("server_fault", _("The server failed (HTTP {0}); its log says why.").format(status))
    return Problem(code or "refused_request", message or _("The server refused (HTTP {0}).").format(status))
