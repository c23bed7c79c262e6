"""One image with its mask, and what is known about both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import Plane

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
Box = tuple[int, int, int, int]
"""``(top, left, height, width)`` in pixels; it may reach over the border."""


@dataclass(frozen=True)
class Record:
    """An image of a set, its mask, and their origin.

    Attributes:
        image: Path relative to the data folder, ``/`` between folders; for a phantom only a name.
        mask: Path of the mask relative to the data folder; ``None`` when the image shows nothing of the target, and
            for phantoms, whose mask is drawn with them.
        modality: Short name, e.g. ``"brain_mri"``, ``"polyp_endoscopy"``, ``"lung_ct"``, ``"phantom_ct"``.
        dataset: Name of the published set, e.g. ``"polypgen"``; one of the sources' names, or a set of an index.
        target: What the mask shows, in the set's own words, e.g. ``"lung nodule"``.
        group: Images of one patient, video, sequence or near-duplicate cluster share it; never in two splits of a
            leak-free build. Unique within ``modality``.
        split: ``"train"``, ``"val"`` or ``"test"``, as the set's owners say; a set without splits is ``"train"``.
        licence: Licence of image and mask.
        is_healthy: Whether the set's publisher says that nothing is diseased in the image.
        seed: What a phantom is drawn from; ``None`` for a real image.
        crop: The part of the image that is shown; all of it when ``None``.
        labels: Values of a label map that count as target; when ``()`` every value above 0, of a grey picture above
            127.
        plane: The plane of the slice of a volume; ``None`` for pictures.
        slice: Its index (:func:`prsmed.imaging.plane.extract`); ``None`` for pictures.
        more_masks: Further masks of the same image; what any of them marks is target (BUSI's several lesions, one mask
            a lung).
        is_mask_scaled: Whether the publisher stores the masks at another size than the image, over the same field of
            view; they are then brought to the image's size. Otherwise another size is a mistake.
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
    labels: tuple[int, ...] = ()
    plane: Plane | None = None
    slice: int | None = None
    more_masks: tuple[str, ...] = ()
    is_mask_scaled: bool = False

    def __post_init__(self) -> None:
        if self.image == self.mask or self.image in self.more_masks:
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
        known = seen.setdefault((record.modality, record.group), record.split)
        if known != record.split:
            raise PRSMedError(
                "group_in_two_splits",
                f"group {record.group} of {record.modality} is in {known} and {record.split}; keep it in one split",
            )
