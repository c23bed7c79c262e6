"""What could not be used: gathered while the rest is built, told together at the end."""

from __future__ import annotations

from collections import defaultdict

from prsmed.data.record import Record
from prsmed.errors import PRSMedError

_KINDS = {
    "missing_image": "mask without image",
    "missing_mask": "image without mask",
    "mask_is_image": "mask is the image",
    "mask_size": "sizes differ",
    "other_grid": "sizes differ",
    "gray_mask": "mask of grey values",
}
_OF_THE_MASK = ("missing_mask", "bad_mask", "gray_mask")


class Problems:
    """Images left out, by kind of problem.

    Args:
        strict: Stop at the first one instead.

    Attributes:
        found: Paths, relative to the data folder, of each kind in the order they were met; kinds are
            ``"image without mask"``, ``"mask without image"``, ``"mask is the image"``, ``"sizes differ"``,
            ``"unreadable"``, ``"empty mask"``, ``"mask of grey values"``, ``"bad row"``, ``"unknown layout"``.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.found: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, path: str, cure: str = "") -> None:
        """Note one.

        Raises:
            PRSMedError: ``bad_data`` when strict.
        """
        if self.strict:
            raise PRSMedError("bad_data", f"{path}: {kind}{'; ' + cure if cure else ''}")
        self.found[kind].append(path)

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(len(paths) for paths in self.found.values())


def leave_out(record: Record, error: PRSMedError, problems: Problems) -> None:
    """Note an image that could not be read, by the error that told so; a volume once, not once a slice."""
    kind = _KINDS.get(error.code, "unreadable")
    path = record.mask if record.mask and error.code in _OF_THE_MASK else record.image
    if problems.found.get(kind, [""])[-1] != path:
        problems.add(kind, path, str(error))
