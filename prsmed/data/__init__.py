"""Conversations about images: sources, questions, samples for training, lists on disk."""

from prsmed.data.builder import build
from prsmed.data.converse import MOST_REGIONS, RADIUS, converse
from prsmed.data.dataset import ConversationDataset, Sample, Samples, balanced_order
from prsmed.data.images import fit_square, in_square, look, read_image
from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record, Split, check_splits
from prsmed.data.schema import KINDS, Conversation, Kind, Turn, read_conversations
from prsmed.data.shown import Shown
from prsmed.data.sources import phantom_records, read_pairs
from prsmed.data.targets import absent_names, present_names
from prsmed.data.templates import TEST_TEMPLATES, TRAIN_TEMPLATES
from prsmed.data.vocabulary import vocabulary_lines
from prsmed.data.written import Built

__all__ = [
    "KINDS",
    "MOST_REGIONS",
    "RADIUS",
    "SPLITS",
    "TEST_TEMPLATES",
    "TRAIN_TEMPLATES",
    "Built",
    "Conversation",
    "ConversationDataset",
    "Kind",
    "Problems",
    "Record",
    "Sample",
    "Samples",
    "Shown",
    "Split",
    "Turn",
    "absent_names",
    "balanced_order",
    "build",
    "check_splits",
    "converse",
    "fit_square",
    "in_square",
    "look",
    "phantom_records",
    "present_names",
    "read_conversations",
    "read_image",
    "read_pairs",
    "vocabulary_lines",
]
