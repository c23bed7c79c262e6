"""`prsmed`, as a user types it."""

from __future__ import annotations

import sys
from typing import Protocol

import pytest

from prsmed.cli import main


class Run(Protocol):
    """Runs the command line in this process."""

    def __call__(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""


def command(*name: str, columns: int = 80) -> Run:
    """`prsmed NAME WORDS` in a terminal of so many columns."""

    def run(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
    ) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["prsmed", *name, *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(columns))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
