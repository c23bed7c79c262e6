"""Compressed DICOM as a PACS sends it: what gdcm wrote must be read back voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import gdcm
import numpy as np
import pytest

from prsmed.imaging import read_volume, write_demo_studies

LOSSLESS = {
    "JPEG lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
    "RLE": gdcm.TransferSyntax.RLELossless,
}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_studies(tmp_path_factory.mktemp("demo"))["chest_ct"]


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS)
def test_lossless_series_are_read_like_plain_ones(series: Path, tmp_path: Path, syntax: int) -> None:
    for source in series.iterdir():
        _compress(source, tmp_path / source.name, syntax)
    plain, compressed = read_volume(series), read_volume(tmp_path)
    np.testing.assert_array_equal(compressed.voxels, plain.voxels)
    np.testing.assert_allclose(compressed.affine, plain.affine)


def _compress(source: Path, target: Path, syntax: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
