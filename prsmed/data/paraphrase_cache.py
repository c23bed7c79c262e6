"""Replies of language models, kept so that none is paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from prsmed.errors import PRSMedError


class ReplyCache:
    """A JSON file of replies by sha256 of (template, model, prompt).

    Args:
        path: The file; made with the first reply.

    Raises:
        PRSMedError: ``bad_cache`` when the file is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[str, str] = {}
        if path.is_file():
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                if not all(isinstance(reply, str) for reply in content.values()):
                    raise ValueError
            except (ValueError, AttributeError):
                raise PRSMedError("bad_cache", f"{path} is no cache of replies; delete it or name another") from None
            self._replies = content

    def get(self, template: str, model: str, prompt: str) -> str | None:
        """The reply, if it is known."""
        return self._replies.get(_key(template, model, prompt))

    def put(self, template: str, model: str, prompt: str, reply: str) -> None:
        """Keep a reply, on disk at once: a run that is stopped loses nothing."""
        self._replies[_key(template, model, prompt)] = reply
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.part")
        draft.write_text(json.dumps(self._replies, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        os.replace(draft, self._path)


def _key(template: str, model: str, prompt: str) -> str:
    return hashlib.sha256(json.dumps([template, model, prompt]).encode()).hexdigest()
