"""Who is let in when nobody has to say who they are."""

from __future__ import annotations

import re
from collections.abc import Collection

from prsmed.errors import PRSMedError

_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost"})


def check_neighbour(reached: str | None, host: str, origin: str | None, allowed_origins: Collection[str]) -> None:
    """Let nobody in from elsewhere when nobody has to say who they are.

    A page of another site, open in a browser on this machine, can send requests to this machine too (and, by DNS
    rebinding, under a name of its own); it is told by ``Origin`` and ``Host``.

    Args:
        reached: The server's own address that the request came to; ``None`` for a Unix socket.
        host: The request's ``Host``, as it came.
        origin: The request's ``Origin``.
        allowed_origins: Pages that may (``MONAI_LABEL_CORS_ORIGINS``).

    Raises:
        PRSMedError: ``keys_required`` or ``foreign_page``.
    """
    if reached is not None and reached not in LOOPBACK:
        raise PRSMedError(
            "keys_required",
            "this server is reached from other machines but asks for no keys, so it answers nobody; whoever runs it "
            "must set PRSMED_API_KEYS or MONAI_LABEL_AUTH_ENABLE (docs/operations.md)",
        )
    if not _OWN_HOST.fullmatch(host) and reached is not None:
        raise PRSMedError("foreign_page", "a server without keys answers to 127.0.0.1 and localhost only")
    if origin and origin not in allowed_origins and not _is_own(origin):
        raise PRSMedError("foreign_page", "a page of another site may not use this server (MONAI_LABEL_CORS_ORIGINS)")


def _is_own(origin: str) -> bool:
    return origin.split("://")[-1].rsplit(":", 1)[0].strip("[]") in LOOPBACK
