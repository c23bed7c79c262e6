"""Training: losses, a resumable trainer, and the run that leads from images to a checkpoint."""

from prsmed.training.config import TrainConfig, parse_changes
from prsmed.training.run import train
from prsmed.training.trainer import Progress

__all__ = ["Progress", "TrainConfig", "parse_changes", "train"]
