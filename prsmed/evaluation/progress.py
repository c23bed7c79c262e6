"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with questions done and questions in all."""
PhaseProgress = Callable[[str, int, int], None]
"""The same of work in several phases, with the phase's name first."""
