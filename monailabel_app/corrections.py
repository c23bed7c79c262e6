"""The corrections in a datastore: labels of the tag ``final``, with the question and the view that came with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monailabel.interfaces.datastore import Datastore, DefaultLabelTag

from monailabel_app.guard.labels import names_of
from monailabel_app.studies import locate
from prsmed.errors import PRSMedError
from prsmed.learning.correction import Correction
from prsmed.learning.job import Quarantined

FINAL, ORIGINAL = DefaultLabelTag.FINAL.value, DefaultLabelTag.ORIGINAL.value


def read_corrections(datastore: Datastore) -> Iterator[Correction | Quarantined]:
    """The corrections, in order of their images' ids; of one that the datastore cannot give, the reason.

    Of an archive, series and labels are downloaded as they come.

    Raises:
        PRSMedError: ``pacs_unreachable``.
    """
    for image in sorted(datastore.get_labeled_images()):
        try:
            yield _correction(datastore, image)
        except PRSMedError as error:
            if error.code == "pacs_unreachable":
                raise
            yield {"image": image, "reason": str(error)}


def _correction(datastore: Datastore, image: str) -> Correction:
    source = locate(datastore, image)
    label = datastore.get_label_uri(image, FINAL)
    if not label or not Path(label).is_file():
        raise PRSMedError("missing_label", "the label's file is gone; save the label anew")
    info = datastore.get_label_info(image, FINAL) or {}
    nested = info.get("params")
    told: dict[str, Any] = {**(nested if isinstance(nested, Mapping) else {}), **info}
    question, view = told.get("question"), told.get("view")
    return Correction(
        image=image,
        # What must not be parted from it: the other series of a patient or study, where the datastore knows.
        group=getattr(datastore, "group_of", str)(image),
        source=source,
        label=Path(label),
        names=names_of(told, datastore.get_label_info(image, ORIGINAL) or {}) or {},
        question=question if isinstance(question, str) else None,
        view=view if isinstance(view, Mapping) else {},
    )
