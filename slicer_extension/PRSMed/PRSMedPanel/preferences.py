"""What is remembered between sessions of Slicer."""

from __future__ import annotations

import json

import qt
import slicer

from PRSMedLib.questions import remember
from PRSMedLib.server import Server

DEFAULT_ADDRESS = "http://127.0.0.1:8000"
_GROUP = "PRSMed"


def address() -> str:
    """The server used last."""
    return _text("Address", DEFAULT_ADDRESS)


def token(ofAddress: str) -> str:
    """The key for a server; ``""`` when none was given."""
    return _texts("Tokens").get(ofAddress, "")


def keepServer(server: Server, itsToken: str) -> None:
    """Remember a server that answered, and the key for it."""
    _set("Address", server.address)
    others = {key: value for key, value in _texts("Tokens").items() if key != server.address}
    _set("Tokens", json.dumps({**others, server.address: itsToken} if itsToken else others))


def hasServer() -> bool:
    """Whether a server was used before."""
    return bool(_text("Address", ""))


def forget(server: Server) -> None:
    """Forget the key for a server, and that images may go to it."""
    for key in ("Tokens", "Consents"):
        _set(key, json.dumps({name: value for name, value in _texts(key).items() if name != server.address}))


def recentQuestions() -> list[str]:
    """Questions asked before, newest first."""
    return list(_texts("Questions"))


def keepQuestion(question: str) -> None:
    """Remember a question."""
    _set("Questions", json.dumps(dict.fromkeys(remember(recentQuestions(), question), "")))


def hasConsented(server: Server) -> bool:
    """Whether the user agreed that images go to this server."""
    return server.address in _texts("Consents")


def keepConsent(server: Server) -> None:
    """Remember that they did."""
    _set("Consents", json.dumps({**_texts("Consents"), server.address: ""}))


def _text(key: str, default: str) -> str:
    return str(slicer.util.settingsValue(f"{_GROUP}/{key}", default))


def _texts(key: str) -> dict[str, str]:
    try:
        kept = json.loads(_text(key, "{}"))
    except ValueError:
        kept = {}
    return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}


def _set(key: str, value: str) -> None:
    qt.QSettings().setValue(f"{_GROUP}/{key}", value)
