"""Inference: an engine that answers questions about slices and volumes, mask first."""

from prsmed.inference.answer import Answer, ModelVersion, Presence
from prsmed.inference.cache import ByteCache
from prsmed.inference.engine import Engine, Event, MaskEvent, ProgressEvent, TokenEvent
from prsmed.inference.question import check_question

__all__ = [
    "Answer",
    "ByteCache",
    "Engine",
    "Event",
    "MaskEvent",
    "ModelVersion",
    "Presence",
    "ProgressEvent",
    "TokenEvent",
    "check_question",
]
