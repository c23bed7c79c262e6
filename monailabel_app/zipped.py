"""Images and their labels as one ZIP file."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError


def zip_dataset(pairs: Sequence[Mapping[str, str]], listing: Mapping[str, Any]) -> str:
    """Zip files below folders named by their keys, and ``metadata.json``.

    Args:
        pairs: ``image`` and ``label`` to paths.
        listing: What is known of them.

    Returns:
        Path of the ZIP file, for the caller to delete.

    Raises:
        PRSMedError: ``not_found`` when there is nothing to zip.
    """
    if not pairs:
        raise PRSMedError("not_found", "no image has a final label yet; submit one first")
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file, zipfile.ZipFile(file, "w") as archive:
        for pair in pairs:
            for key, path in pair.items():
                archive.write(path, f"{key}/{Path(path).name}")
        archive.writestr("metadata.json", json.dumps(listing, default=str))
    return file.name
