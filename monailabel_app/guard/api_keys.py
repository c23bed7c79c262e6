"""Keys of users, one a line of a file: ``name roles hash``."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from pathlib import Path

from prsmed.errors import PRSMedError

_LINE = re.compile(r"(?P<name>[\w.@-]{1,64}) (?P<roles>[a-z]+(,[a-z]+)*) sha256:(?P<hash>[0-9a-f]{64})")
ROLE_NAMES = ("admin", "reviewer", "annotator", "user")
"""Our short names of MONAI Label's roles, the mightiest first; each may do what those after it may."""


class ApiKeys:
    """Tells whose key it is. A file that changes is read again; a key itself is nowhere kept.

    Args:
        path: The file; lines beginning with ``#`` are notes.

    Raises:
        PRSMedError: ``bad_api_keys`` when it cannot be read or a line is not one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._changed = 0
        self._keys: list[tuple[str, frozenset[str], bytes]] = []
        self._refresh()

    def find(self, key: str) -> tuple[str, frozenset[str]] | None:
        """Name and roles of whose key it is."""
        self._refresh()
        shown, found = _hash(key), None
        # Every key is compared, and each in constant time.
        for name, roles, digest in self._keys:
            if hmac.compare_digest(shown, digest):
                found = name, roles
        return found

    def _refresh(self) -> None:
        with self._lock:
            try:
                changed = self._path.stat().st_mtime_ns
                if changed != self._changed:
                    self._keys = [_read(line) for line in self._path.read_text().splitlines() if _is_key(line)]
                    self._changed = changed
            except OSError as error:
                raise PRSMedError(
                    "bad_api_keys", f"PRSMED_API_KEYS={self._path} cannot be read: {error.strerror}; check the path"
                ) from error


def add_key(path: Path, name: str, roles: str) -> str:
    """Make a key and note its hash in the file, which is made when there is none; the key.

    Raises:
        PRSMedError: ``bad_api_keys`` for a name or role that cannot be.
    """
    key = secrets.token_urlsafe(32)
    line = f"{name} {roles} sha256:{_hash(key).hex()}"
    _read(line)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    with path.open("a") as file:
        file.write(line + "\n")
    return key


def _is_key(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _read(line: str) -> tuple[str, frozenset[str], bytes]:
    match = _LINE.fullmatch(line.strip())
    roles = frozenset(match["roles"].split(",")) if match else frozenset()
    if match is None or not roles <= set(ROLE_NAMES):
        raise PRSMedError(
            "bad_api_keys",
            f"a line that begins with {line[:20]!r} is no key: a name (letters, digits, . _ @ -), roles out of "
            f"{', '.join(ROLE_NAMES)}, and a hash; make one with python -m monailabel_app.keys",
        )
    return match["name"], roles, bytes.fromhex(match["hash"])


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
