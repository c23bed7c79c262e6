"""JSON of clients that is kept: it must come back from the disk as it went there."""

from __future__ import annotations

import json
import math
from typing import Any

from prsmed.errors import PRSMedError

MAX_DEPTH, MAX_CHARACTERS = 32, 200_000


def parse_object(text: str, name: str = "params") -> dict[str, Any]:
    """A JSON object.

    Raises:
        PRSMedError: ``bad_params``.
    """
    try:
        parsed = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise PRSMedError("bad_params", f"{name} is not JSON; send an object such as {{}}") from None
    if not isinstance(parsed, dict):
        raise PRSMedError("bad_params", f"{name} is a JSON {type(parsed).__name__}; send an object such as {{}}")
    return check_object(parsed, name)


def check_object(value: dict[str, Any], name: str = "params") -> dict[str, Any]:
    """Refuse what JSON readers do not agree on: NaN, infinity, half characters, deep nesting, very long texts.

    Raises:
        PRSMedError: ``bad_params``.
    """
    if _is_odd(value, 0) or len(json.dumps(value)) > MAX_CHARACTERS:
        raise PRSMedError(
            "bad_params",
            f"{name} holds NaN, infinity or half a character, is nested more than {MAX_DEPTH} deep or longer than "
            f"{MAX_CHARACTERS} characters; leave that out",
        )
    return value


def _is_odd(value: Any, depth: int) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return depth >= MAX_DEPTH or any(_is_odd(key, depth) or _is_odd(item, depth + 1) for key, item in value.items())
    if isinstance(value, list):
        return depth >= MAX_DEPTH or any(_is_odd(item, depth + 1) for item in value)
    return False
