"""One image with its mask, and what is known about both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from prsmed.errors import PRSMedError

Split = Literal["train", "val"]
Box = tuple[int, int, int, int]
"""``(top, left, height, width)`` in pixels; it may reach over the border."""


@dataclass(frozen=True)
class Record:
    """An image of a set, its mask, and their origin.

    Attributes:
        image: Path relative to the set's root, ``/`` between folders; for a phantom only a name.
        mask: Path of the mask relative to the root; ``None`` when the image shows no lesion, and
            for phantoms, whose mask is drawn with them.
        modality: ``"brain_mri"``, ``"polyp_endoscopy"``, ``"lung_ct"``, ``"breast_ultrasound"``,
            ``"skin_dermoscopy"``, ``"lung_xray"``, ``"phantom_ct"``, ``"phantom_mr"`` or ``"phantom_photo"``.
        dataset: Name of the published set, e.g. ``"polypgen"``.
        target: What the mask shows, in the set's own words, e.g. ``"lung nodule"``.
        group: Images of one patient, sequence or near-duplicate cluster share it; never in two splits.
        split: ``"train"`` or ``"val"``.
        licence: Licence of image and mask.
        is_healthy: Whether the set's publisher says that nothing is diseased in the image.
        seed: What a phantom is drawn from; ``None`` for a real image.
        crop: The part of the image that is shown; all of it when ``None``.
    """

    image: str
    mask: str | None
    modality: str
    dataset: str
    target: str
    group: str
    split: Split
    licence: str
    is_healthy: bool = False
    seed: int | None = None
    crop: Box | None = None

    def __post_init__(self) -> None:
        if self.image == self.mask:
            raise PRSMedError(
                "mask_is_image",
                f"{self.image} is both image and mask, so the model would see its answer; name the image",
            )

    @property
    def is_phantom(self) -> bool:
        """Whether the image is drawn from a seed instead of read from a file."""
        return self.seed is not None


def check_splits(records: Iterable[Record]) -> None:
    """Make sure that no group of a set lies in two splits.

    Raises:
        PRSMedError: ``group_in_two_splits``.
    """
    seen: dict[tuple[str, str], Split] = {}
    for record in records:
        if seen.setdefault((record.modality, record.group), record.split) != record.split:
            raise PRSMedError(
                "group_in_two_splits",
                f"group {record.group} of {record.modality} is in train and val; keep it in one split",
            )
