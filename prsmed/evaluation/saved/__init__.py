"""Answers of other systems, read from files and judged as a model's are (docs/other-systems.md)."""

from prsmed.evaluation.saved.export import export_questions
from prsmed.evaluation.saved.system import SavedSystem

__all__ = ["SavedSystem", "export_questions"]
