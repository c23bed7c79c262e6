"""Questions of every kind about one image, with answers that are true of its mask."""

from prsmed.data.questions.every_kind import converse_about
from prsmed.data.wording import Wording

__all__ = ["Wording", "converse_about"]
