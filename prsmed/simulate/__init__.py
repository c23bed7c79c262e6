"""Active learning in simulation: a labelled set, replayed as if a reader corrected it image by image."""

from prsmed.simulate.replay import simulate
from prsmed.simulate.report import Curves
from prsmed.simulate.settings import SimulationConfig

__all__ = ["Curves", "SimulationConfig", "simulate"]
