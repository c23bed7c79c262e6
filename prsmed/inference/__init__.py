"""Inference: an engine that answers questions about slices and volumes, mask first."""

from prsmed.inference.answer import Answer, ModelVersion, Presence
from prsmed.inference.engine import Engine, Event, MaskEvent, TokenEvent
from prsmed.inference.question import check_question

__all__ = [
    "Answer",
    "Engine",
    "Event",
    "MaskEvent",
    "ModelVersion",
    "Presence",
    "TokenEvent",
    "check_question",
]
