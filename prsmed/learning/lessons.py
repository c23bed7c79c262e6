"""What a model is shown while it learns from corrections: these, and what it was taught before, lest it forget it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prsmed.data import ConversationDataset, Record, Sample, Turn, absent_names, balanced_order, converse, fit_square
from prsmed.data.augment import recolor, rotate, small_angle, zoom
from prsmed.data.images import read_image
from prsmed.imaging.square import BLACK, Color
from prsmed.learning.slices import Lesson
from prsmed.position.sentences import VARIANTS, write_answer

_OWN_WORDS, _ROTATED, _ABSENT = 0.5, 0.5, 0.3


class LessonDataset:
    """The pictures of corrections, asked about as the user did and in the training wordings.

    Every answer is written from the mask as it is shown, after it was cut, turned and mirrored.

    Args:
        lessons: What to sample from.
        root: Folder of the pictures.
        size: Side of the model's square in pixels.
        radius: Near-centre radius as a share of the width.
        pad_color: What is around a picture that is not square.
        seed: Another seed draws other questions and variations.
        augment: Whether pictures are varied.
    """

    def __init__(
        self,
        lessons: Sequence[Lesson],
        root: Path,
        size: int,
        *,
        radius: float,
        pad_color: Color = BLACK,
        seed: int = 0,
        augment: bool = False,
    ) -> None:
        self.lessons, self.root, self.size = tuple(lessons), root, size
        self.radius, self.pad_color, self.seed, self.augment = radius, pad_color, seed, augment

    @property
    def records(self) -> tuple[Record, ...]:
        """The pictures' records."""
        return tuple(lesson.record for lesson in self.lessons)

    def set_size(self, size: int) -> None:
        """Deliver samples of another side from now on."""
        self.size = size

    def preload(self) -> None:
        """Nothing: small pictures are read as they are needed."""

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Every picture once, shuffled."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.lessons))

    def sample(self, index: int, epoch: int) -> Sample:
        """Make one sample; it depends on the seed, the epoch and the index alone."""
        lesson = self.lessons[index]
        rng = np.random.default_rng([self.seed, epoch, index])
        image, mask = read_image(lesson.record, self.root)
        if self.augment:
            image, mask = _move(image, mask, lesson, rng)
        pixels, mask, fit = fit_square(image, mask, self.size, pad_color=self.pad_color)
        turn = self._ask(mask, lesson, rng)
        other = bool(absent_names(lesson.record, is_empty=False)) and turn.present and rng.random() < _ABSENT
        absent = converse(mask, lesson.record, rng, absent_share=1.0, radius=self.radius) if other else None
        if self.augment:
            content = np.s_[fit.top : fit.top + fit.height, fit.left : fit.left + fit.width]
            pixels[content] = recolor(pixels[content], rng)
        return Sample(pixels, mask, turn, absent, lesson.record)

    def _ask(self, mask: NDArray[np.uint8], lesson: Lesson, rng: np.random.Generator) -> Turn:
        turn = converse(mask, lesson.record, rng, absent_share=0.0, radius=self.radius)
        if lesson.question is None or rng.random() >= _OWN_WORDS:
            return turn
        name = lesson.record.target
        answer = write_answer(turn.positions, name, frame="image", variant=int(rng.integers(VARIANTS)))
        return replace(turn, question=lesson.question, answer=answer, target=name, template="correction")


class Mixture:
    """Corrections and replay in a fixed proportion.

    Args:
        own: The corrections.
        old: What was taught before.
        share: Of the corrections among all samples, within 0..1.
    """

    def __init__(self, own: LessonDataset, old: ConversationDataset, share: float) -> None:
        self.own, self.old, self.share = own, old, share

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, the corrections first."""
        return (*self.own.records, *self.old.records)

    def set_size(self, size: int) -> None:
        """Deliver samples of another side from now on."""
        self.own.set_size(size)
        self.old.set_size(size)

    def preload(self) -> None:
        """Read the replay now."""
        self.old.preload()

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Every correction once, and as much replay as the share asks for, its kinds of images balanced."""
        own = self.own.order(epoch)
        count = round(len(own) * (1 - self.share) / self.share)
        old = np.resize(balanced_order(self.old.records, epoch, self.old.seed), count)
        mixed = np.concatenate([2 * own, 2 * old + 1])
        return np.random.default_rng([self.own.seed, epoch, 1]).permutation(mixed)

    def sample(self, index: int, epoch: int) -> Sample:
        """Make one sample; even indices are corrections."""
        if index % 2:
            return replace(self.old.sample(index // 2, epoch), is_replay=True)
        return self.own.sample(index // 2, epoch)


def _move(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], lesson: Lesson, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut, turn and mirror as far as the words stay true; never on its head, as no screen would show it so."""
    shown = mask.any()
    if lesson.can_move:
        cut, moved = zoom(image, mask, lesson.record, rng)
        if rng.random() < _ROTATED:
            cut, moved = rotate(cut, moved, small_angle(lesson.record, rng))
        if moved.any() == shown:
            image, mask = cut, moved
    if lesson.can_mirror and rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    return image, mask
