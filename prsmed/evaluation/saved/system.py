"""A folder of saved answers in the place of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from prsmed.data import Conversation, fit_square, look
from prsmed.data.images import SIDE
from prsmed.evaluation.answering import asked_mask
from prsmed.evaluation.outcome import Answered, Prediction
from prsmed.evaluation.saved.mask_file import read_probability
from prsmed.evaluation.saved.table import PREDICTIONS, Row, read_table
from prsmed.model.manifest import Manifest
from prsmed.model.parts import hash_files

_HALF = 0.5


class SavedSystem:
    """Another system's answers, judged in the square that nano is judged in.

    Masks are taken as they are, at a probability of 0.5: nothing is cleaned up, and presence empties none.

    Args:
        folder: Holds ``predictions.csv`` (:func:`~prsmed.evaluation.saved.table.read_table`) and the masks.
        asked: All questions.

    Raises:
        PRSMedError: What :func:`~prsmed.evaluation.saved.table.read_table` raises.
    """

    def __init__(self, folder: Path, asked: Sequence[Conversation]) -> None:
        self._folder = folder
        self._rows = read_table(folder, [item.id for item in asked])
        table = hash_files([folder / PREDICTIONS])
        self.manifest = Manifest("saved", folder.resolve().name, table, {"name": folder.resolve().name})

    def ask(self, conversations: Sequence[Conversation], root: Path) -> Iterator[Answered]:
        """Look the answers up, in the order of the questions.

        Args:
            conversations: Any of the questions.
            root: Folder the images' paths are relative to.

        Raises:
            PRSMedError: ``bad_prediction`` for a mask that cannot be used; what :func:`~prsmed.data.look` raises.
        """
        for conversation in conversations:
            yield self._answer(conversation, self._rows[conversation.id], root)

    def _answer(self, conversation: Conversation, row: Row, root: Path) -> Answered:
        shown = look(conversation.record, root)
        spacing = (1.0, 1.0) if shown.image_slice is None else shown.image_slice.spacing
        pixels, mask, fit = fit_square(shown.pixels, shown.mask, SIDE, spacing)
        probability = np.zeros((SIDE, SIDE), dtype=np.float32)
        if row.mask is not None:
            rows, cols = shown.mask.shape
            probability = fit.apply_mask(read_probability(self._folder, row.mask, shown.record, (rows, cols)))
        drawn = probability >= _HALF
        says_present = None if row.presence is None else row.presence >= _HALF
        prediction = Prediction(drawn, drawn, row.presence, says_present, row.answer, probability)
        return Answered(conversation, pixels, asked_mask(conversation, mask), prediction)
