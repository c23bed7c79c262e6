"""Conversations about images: records, templates, samples for training, fixed lists for evaluation."""

from prsmed.data.builder import Conversation, build, read_conversations
from prsmed.data.converse import MOST_REGIONS, RADIUS, Turn, converse
from prsmed.data.dataset import ConversationDataset, Sample, balanced_order
from prsmed.data.images import fit_square, read_image
from prsmed.data.record import Record, Split, check_splits
from prsmed.data.sources import phantom_records, read_pairs
from prsmed.data.targets import absent_names, present_names
from prsmed.data.templates import TEST_TEMPLATES, TRAIN_TEMPLATES
from prsmed.data.vocabulary import vocabulary_lines

__all__ = [
    "MOST_REGIONS",
    "RADIUS",
    "TEST_TEMPLATES",
    "TRAIN_TEMPLATES",
    "Conversation",
    "ConversationDataset",
    "Record",
    "Sample",
    "Split",
    "Turn",
    "absent_names",
    "balanced_order",
    "build",
    "check_splits",
    "converse",
    "fit_square",
    "phantom_records",
    "present_names",
    "read_conversations",
    "read_image",
    "read_pairs",
    "vocabulary_lines",
]
