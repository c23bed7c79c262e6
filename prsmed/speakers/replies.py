"""Replies of language models, kept so that none is paid for twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.files import append_line

_BEGIN = '{"key": '


class Replies:
    """A file of JSON lines, one a reply, found again by sha256 of speaker and prompt.

    Args:
        path: The file; made with the first reply. What a kill left of a line is passed over.

    Raises:
        PRSMedError: ``bad_cache`` when the file is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[str, str] = {}
        if path.exists():
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
            except OSError:
                raise PRSMedError("bad_cache", f"{path} cannot be read; name a file") from None
            for number, line in enumerate(lines, start=1):
                self._read(line, number)

    def get(self, speaker: str, prompt: str) -> str | None:
        """The reply, if it is known."""
        return self._replies.get(_key(speaker, prompt))

    def put(self, speaker: str, prompt: str, reply: str) -> None:
        """Keep a reply, on disk at once: a run that is stopped loses nothing."""
        key = _key(speaker, prompt)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        row = {"key": key, "speaker": speaker, "prompt": prompt, "reply": reply}
        append_line(json.dumps(row, ensure_ascii=False), self._path)
        self._replies[key] = reply

    def _read(self, line: str, number: int) -> None:
        try:
            row = json.loads(line)
            key, reply = row["key"], row["reply"]
        except (ValueError, KeyError, TypeError):
            # An empty line, or one cut off while it was written, begins like ours.
            if line.startswith(_BEGIN) or _BEGIN.startswith(line):
                return
            key = reply = None
        if not (isinstance(key, str) and isinstance(reply, str)):
            message = f"line {number} of {self._path} is no reply of a model; delete the file or name another"
            raise PRSMedError("bad_cache", message)
        self._replies[key] = reply


def _key(speaker: str, prompt: str) -> str:
    return hashlib.sha256(json.dumps([speaker, prompt]).encode()).hexdigest()
