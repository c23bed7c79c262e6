"""Phantoms to try the module with: made by the project, of nobody."""

from __future__ import annotations

from pathlib import Path

import slicer

_FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "SampleData"
_SAMPLES = {
    "PRSMedChestCT": ("chest_ct.nrrd", "Chest CT phantom with a nodule"),
    "PRSMedBrainMR": ("brain_mr.nrrd", "Brain MR phantom with a tumor"),
    "PRSMedSkinPhoto": ("skin_photo.png", "Photograph phantom with a lesion"),
}
_ICONS = Path(__file__).resolve().parent.parent / "Resources" / "Icons"


def registerSampleData() -> None:
    """List the phantoms in Slicer's Sample Data module."""
    import SampleData

    for name, (file, title) in _SAMPLES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="PRS-Med",
            sampleName=title,
            thumbnailFileName=str(_ICONS / f"{name}.png"),
            # Nothing is downloaded, but a source has to have an address.
            uris=(_FOLDER / file).as_uri(),
            fileNames=file,
            nodeNames=name,
            customDownloader=_loader(name),
        )


def loadSample(name: str) -> slicer.vtkMRMLVolumeNode:
    """Load a phantom; nothing is downloaded, the files come with the module."""
    file, _title = _SAMPLES[name]
    return slicer.util.loadVolume(str(_FOLDER / file), {"name": name, "singleFile": True})


def _loader(name: str):
    return lambda source: [loadSample(name)]
