"""Image sets by the layouts their owners publish: what is known, what lies in a folder, and records of all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources import (
    busi,
    busi_normal,
    cheng_mri,
    covid_radiography,
    cvc_clinicdb,
    finding_lungs,
    image_folder,
    isic,
    jsrt,
    kvasir_seg,
    medseg_qa,
    monai_label,
    msd,
    nlm_xray,
    osic_konya,
    pairs_index,
    polyp_frames,
    polypgen,
    prs_med,
    volume_list,
)
from prsmed.data.sources.layout import natural, relative
from prsmed.data.sources.pairs_index import INDEX, read_pairs
from prsmed.data.sources.phantoms import phantom_records
from prsmed.data.sources.source import Source
from prsmed.errors import PRSMedError

__all__ = ["INDEX", "SOURCES", "Source", "find_sources", "phantom_records", "read_all", "read_pairs"]

SOURCES: tuple[Source, ...] = (
    prs_med.SOURCE,
    pairs_index.SOURCE,
    volume_list.SOURCE,
    monai_label.SOURCE,
    msd.SOURCE,
    medseg_qa.SOURCE,
    busi.SOURCE,
    busi_normal.SOURCE,
    cheng_mri.MAT,
    cheng_mri.PNG,
    isic.ISIC_2016,
    isic.ISIC_2018,
    kvasir_seg.SOURCE,
    cvc_clinicdb.SOURCE,
    polyp_frames.CVC_300,
    polyp_frames.ETIS,
    polyp_frames.CVC_COLONDB,
    polypgen.SOURCE,
    osic_konya.SOURCE,
    finding_lungs.SOURCE,
    covid_radiography.SOURCE,
    jsrt.SOURCE,
    nlm_xray.MONTGOMERY,
    nlm_xray.SHENZHEN,
    image_folder.SOURCE,
)
"""Every known set; the first that recognises a folder has it, so folders of any pairs come last."""
_DEPTH = 3


def find_sources(root: Path, problems: Problems | None = None) -> list[tuple[Source, Path]]:
    """Which sets lie at or below a folder, at most three folders deep, by their folders in natural order.

    Looks at names only. A folder that is a set is not searched for others. Folders that cannot be listed are noted in
    ``problems``.

    Raises:
        PRSMedError: ``missing_folder``.
    """
    if not root.is_dir():
        raise PRSMedError("missing_folder", f"no folder {root}; give the one that holds the image sets")
    return list(_walk(root, root, _DEPTH, problems or Problems()))


def read_all(root: Path, problems: Problems, names: Collection[str] | None = None) -> Iterator[Record]:
    """Records of every set at or below a folder, always in the same order.

    Args:
        root: Data folder, which the records' paths are relative to.
        problems: Where everything that cannot be used is noted.
        names: Only sources with these names; all when ``None``.

    Raises:
        PRSMedError: ``missing_folder``, ``unknown_source``, ``no_source`` when there is none of them, or
            ``missing_package`` for a set whose files need one that is not installed.
    """
    known = [source.name for source in SOURCES]
    for name in names or ():
        if name not in known:
            raise PRSMedError("unknown_source", f"no source is called '{name}'; use one of {', '.join(known)}")
    found = [
        (source, folder) for source, folder in find_sources(root, problems) if names is None or source.name in names
    ]
    if not found:
        raise PRSMedError("no_source", f"no known image set below {root}; put images in images/, masks in masks/")
    for source, folder in found:
        yield from source.read(root, folder, problems)


def _walk(folder: Path, root: Path, depth: int, problems: Problems) -> Iterator[tuple[Source, Path]]:
    source = next((source for source in SOURCES if source.is_here(folder)), None)
    if source is not None:
        yield source, folder
        return
    try:
        children = [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    except OSError:
        problems.add("unreadable", relative(folder, root), "grant access to the folder")
        return
    for child in sorted(children, key=lambda path: natural(path.name)) if depth else ():
        yield from _walk(child, root, depth - 1, problems)
