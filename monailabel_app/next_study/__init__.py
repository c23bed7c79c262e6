"""The next study: which image a reader should look at now (docs/active-learning.md)."""

from monailabel_app.next_study.desk import Desk, DeskStrategy, Reader
from monailabel_app.next_study.opening import open_desk, scores_in_background

__all__ = ["Desk", "DeskStrategy", "Reader", "open_desk", "scores_in_background"]
