"""Inference: an engine that answers questions about slices and volumes, mask first."""

from prsmed.inference.answer import Answer, ModelVersion, Presence
from prsmed.inference.cache import ByteCache
from prsmed.inference.engine import Engine, Event, MaskEvent, ProgressEvent, TokenEvent
from prsmed.inference.question import check_question
from prsmed.inference.uncertainty import MEASURES, Measure, Uncertainty, measure
from prsmed.inference.uncertainty_volume import doubts_about, merge, spread_slices

__all__ = [
    "MEASURES",
    "Answer",
    "ByteCache",
    "Engine",
    "Event",
    "MaskEvent",
    "Measure",
    "ModelVersion",
    "Presence",
    "ProgressEvent",
    "TokenEvent",
    "Uncertainty",
    "check_question",
    "doubts_about",
    "measure",
    "merge",
    "spread_slices",
]
