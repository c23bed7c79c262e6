"""CVC-ColonDB, CVC-300 and ETIS-LaribPolypDB, each in its owners' layout and in that of PraNet's test folders.

PraNet hands them out as ``<set>/images/1.png`` and ``<set>/masks/1.png``; the folder's name tells which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import Key, block, files, make_record, names, pair
from prsmed.data.sources.source import Source

_NEIGHBOURS = 20
_GROUPS = f"the frames' sequences are not published: blocks of {_NEIGHBOURS} neighbouring numbers"


def _same(stem: str) -> str:
    return stem


def _after_p(stem: str) -> str:
    return stem.removeprefix("p")


class _Layout:
    """Where a set keeps images and masks: names to know it by, folders, and how a mask's stem names its image."""

    def __init__(self, name: str, images: str, masks: str, mask_key: Key) -> None:
        self.name, self.images, self.masks, self.mask_key = name, images, masks, mask_key

    def folders(self, folder: Path) -> tuple[Path, Path, Key] | None:
        """Folder of the images, of the masks, and the key; ``None`` when the set is not here."""
        here = set(names(folder))
        if folder.name.lower() == self.name.lower() and {"images", "masks"} <= here:
            return folder / "images", folder / "masks", _same
        images, masks = folder / self.images, folder / self.masks
        is_own = self._is_flat(here) if images == masks else {self.images, self.masks} <= here
        return (images, masks, self.mask_key) if is_own else None

    def _is_flat(self, here: set[str]) -> bool:
        stems = {Path(name).stem for name in here}
        return any(stem[:1] == "p" and stem[1:].isdecimal() and stem[1:] in stems for stem in stems)

    def is_here(self, folder: Path) -> bool:
        """See :attr:`Source.is_here`."""
        return self.folders(folder) is not None

    def reader(self, source: Callable[[], Source]) -> Callable[[Path, Path, Problems], Iterator[Record]]:
        """See :attr:`Source.read`."""

        def read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
            found = self.folders(folder)
            if found is None:
                return
            image_folder, mask_folder, key = found
            masks = files(mask_folder, root, problems)
            images = files(image_folder, root, problems)
            if image_folder == mask_folder:  # flat: 1.bmp, p1.bmp its mask; c1.bmp and s1.bmp are of no use here
                images = [path for path in images if path.stem.isdecimal()]
                masks = [path for path in masks if path.stem[0] == "p"]
            for image, own in pair(images, masks, root, problems, mask_key=key):
                yield make_record(source(), root, image, own, block(image.stem, _NEIGHBOURS))

        return read


_COLON_DB = _Layout("CVC-ColonDB", ".", ".", _after_p)
_CVC_300 = _Layout("CVC-300", "bbdd", "gtpolyp", _same)
_ETIS = _Layout("ETIS-LaribPolypDB", "ETIS-LaribPolypDB", "Ground Truth", _after_p)

CVC_COLONDB: Source = Source(
    name="cvc_colondb",
    title="CVC-ColonDB",
    modality="polyp_endoscopy",
    target="polyp",
    licence="unknown (owners ask for citation: Bernal et al. 2012)",
    obtain="by request from the Computer Vision Center, Barcelona; PraNet's TestDataset holds 380 frames",
    groups=_GROUPS,
    splits="none; all frames are a test set in PraNet",
    is_here=_COLON_DB.is_here,
    read=_COLON_DB.reader(lambda: CVC_COLONDB),
)
CVC_300: Source = Source(
    name="cvc_300",
    title="CVC-300 of EndoScene",
    modality="polyp_endoscopy",
    target="polyp",
    licence="unknown (owners ask for citation: Vazquez et al. 2017)",
    obtain="CVC-EndoSceneStill of the Computer Vision Center, Barcelona; PraNet's TestDataset holds 60 frames",
    groups=f"{_GROUPS}; its videos are those of CVC-ColonDB, so keep both sets on one side",
    splits="EndoScene's lists are not in the folder; the 60 frames in PraNet are a test set",
    is_here=_CVC_300.is_here,
    read=_CVC_300.reader(lambda: CVC_300),
)
ETIS: Source = Source(
    name="etis",
    title="ETIS-LaribPolypDB",
    modality="polyp_endoscopy",
    target="polyp",
    licence="unknown (owners ask for citation: Silva et al. 2014)",
    obtain="polyp.grand-challenge.org/EtisLarib; PraNet's TestDataset holds the same 196 frames",
    groups=_GROUPS,
    splits="none; all frames are a test set in PraNet",
    is_here=_ETIS.is_here,
    read=_ETIS.reader(lambda: ETIS),
)
