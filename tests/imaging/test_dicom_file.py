"""Single DICOM files: radiographs, ultrasound, colour, enhanced multi-frame, compression."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGLSLossless

from prsmed.errors import PRSMedError
from prsmed.imaging.overlay import side_letters
from prsmed.imaging.plane import extract, native_plane
from prsmed.imaging.reader import read_volume
from prsmed.imaging.window import to_display

Write = Callable[..., Path]
RAMP = np.arange(30, dtype=np.uint16).reshape(5, 6) * 40


@pytest.mark.parametrize(
    ("orientation", "plane", "letters"),
    [
        (["L", "F"], "coronal", ("R", "L", "S", "I")),
        (["R", "F"], "coronal", ("R", "L", "S", "I")),
        (["P", "F"], "sagittal", ("A", "P", "S", "I")),
        (["AR", "FP"], "sagittal", ("A", "P", "S", "I")),
        (["L", "P"], "axial", ("R", "L", "A", "P")),
    ],
)
def test_a_radiograph_knows_its_sides(
    write_dicom: Write, orientation: list[str], plane: str, letters: tuple[str, ...]
) -> None:
    path = write_dicom("cr.dcm", RAMP, Modality="CR", PatientOrientation=orientation, ImagerPixelSpacing=[0.2, 0.1])
    volume = read_volume(path)
    assert volume.has_patient_space
    assert native_plane(volume) == plane
    image_slice = extract(volume, native_plane(volume), 0)
    assert side_letters(image_slice) == letters
    assert image_slice.spacing == pytest.approx((0.2, 0.1))
    is_mirrored = orientation[0][0] in "RA"
    np.testing.assert_array_equal(image_slice.pixels, RAMP[:, ::-1] if is_mirrored else RAMP)


@pytest.mark.parametrize("orientation", [None, ["L", "L"], ["", ""]])
def test_a_radiograph_without_orientation_has_no_sides(write_dicom: Write, orientation: Any) -> None:
    tags = {} if orientation is None else {"PatientOrientation": orientation}
    volume = read_volume(write_dicom("dx.dcm", RAMP, Modality="DX", PixelSpacing=[0.3, 0.4], **tags))
    assert not volume.has_patient_space
    image_slice = extract(volume, "axial", 0)
    assert side_letters(image_slice) is None
    assert image_slice.spacing == pytest.approx((0.3, 0.4))
    np.testing.assert_array_equal(image_slice.pixels, RAMP)


@pytest.mark.parametrize("window", [{}, {"WindowCenter": 500.0, "WindowWidth": 700.0}])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_monochrome1_is_the_negative(write_dicom: Write, window: dict[str, float], dtype: type) -> None:
    tags = {"Modality": "CR", "RescaleSlope": 2.0, "RescaleIntercept": -100.0, **window}
    pixels = RAMP.astype(dtype)
    positive = read_volume(write_dicom("p.dcm", pixels, **tags))
    negative = read_volume(write_dicom("n.dcm", pixels, PhotometricInterpretation="MONOCHROME1", **tags))
    shown, inverted = (to_display(extract(v, "axial", 0)).astype(int) for v in (positive, negative))
    assert np.abs(shown + inverted - 255).max() <= 1
    assert shown.max() > shown.min()


def test_ultrasound_frames_are_a_stack_with_the_size_of_their_region(write_dicom: Write) -> None:
    region = Dataset()
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
    frames = np.random.default_rng(0).integers(0, 255, (4, 5, 6)).astype(np.uint8)
    volume = read_volume(write_dicom("us.dcm", frames, Modality="US", SequenceOfUltrasoundRegions=[region]))
    assert volume.shape == (6, 5, 4)
    assert not volume.has_patient_space
    image_slice = extract(volume, "axial", 2)
    np.testing.assert_array_equal(image_slice.pixels, frames[2])
    np.testing.assert_array_equal(to_display(image_slice)[..., 0], frames[2])
    assert image_slice.spacing == pytest.approx((0.3, 0.2))


def test_color_frames(write_dicom: Write) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (3, 5, 6, 3)).astype(np.uint8)
    volume = read_volume(write_dicom("us.dcm", frames, Modality="US"))
    assert volume.is_color
    np.testing.assert_array_equal(extract(volume, "axial", 1).pixels, frames[1])


def smooth_color() -> np.ndarray:
    y, x = np.mgrid[:32, :32]
    return np.stack([x * 6 + 20, y * 5 + 40, 255 - x * 4 - y], axis=-1).astype(np.uint8)


def test_ybr_becomes_rgb(write_dicom: Write) -> None:
    rgb = smooth_color()
    ybr = np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    path = write_dicom("xc.dcm", ybr, Modality="XC", PhotometricInterpretation="YBR_FULL")
    assert np.abs(read_volume(path).voxels[:, :, 0].transpose(1, 0, 2).astype(int) - rgb).max() <= 3


def test_jpeg_color_becomes_rgb(write_dicom: Write) -> None:
    rgb = smooth_color()
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=98)
    path = write_dicom(
        "xc.dcm",
        rgb,
        syntax=JPEGBaseline8Bit,
        Modality="XC",
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=encapsulate([buffer.getvalue()]),
    )
    assert np.abs(read_volume(path).voxels[:, :, 0].transpose(1, 0, 2).astype(int) - rgb).max() <= 12


def test_palette_color(write_dicom: Write) -> None:
    indices = np.arange(30, dtype=np.uint8).reshape(5, 6) % 4
    tables = np.random.default_rng(0).integers(0, 255, (3, 4)).astype(np.uint8)
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = (table.astype("<u2") << 8).tobytes()
    volume = read_volume(write_dicom("us.dcm", indices, Modality="US", **tags))
    np.testing.assert_array_equal(volume.voxels[:, :, 0].transpose(1, 0, 2), tables.T[indices])


def make_enhanced(order: np.ndarray) -> dict[str, Any]:
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.6], 3.0
    orientation.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    frames = []
    for place in order:
        frame, position, values, window = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [-30.0, -50.0 + 3.0 * float(place), 70.0]
        values.RescaleSlope, values.RescaleIntercept = float(place + 1), -10.0
        window.WindowCenter, window.WindowWidth = 100.0 + float(place), 300.0
        frame.PlanePositionSequence = [position]
        frame.PixelValueTransformationSequence = [values]
        frame.FrameVOILUTSequence = [window]
        frames.append(frame)
    return {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}


def test_enhanced_frames_in_any_order(write_dicom: Write) -> None:
    order = np.array([3, 0, 4, 1, 2])
    stored = np.random.default_rng(0).integers(0, 90, (5, 4, 6)).astype(np.uint16)
    volume = read_volume(write_dicom("mr.dcm", stored[order], Modality="MR", **make_enhanced(order)))
    values = stored * (np.arange(5) + 1.0)[:, None, None] - 10
    np.testing.assert_allclose(volume.voxels, values.transpose(2, 1, 0))
    # LPS: x along a row, -z down a column, y from frame to frame.
    expected = np.array([[-0.6, 0, 0, 30], [0, 0, -3, 50], [0, -0.8, 0, 70], [0, 0, 0, 1.0]])
    np.testing.assert_allclose(volume.affine, expected, atol=1e-9)
    assert native_plane(volume) == "coronal"
    assert volume.window == (102.0, 300.0)


def test_enhanced_frames_are_checked_like_slices(write_dicom: Write) -> None:
    stored = np.zeros((4, 4, 6), np.uint16)
    for order, code in (([0, 1, 3, 4], "dicom_missing_slices"), ([0, 1, 1, 2], "dicom_duplicate_positions")):
        path = write_dicom("mr.dcm", stored, Modality="MR", **make_enhanced(np.array(order)))
        with pytest.raises(PRSMedError) as caught:
            read_volume(path)
        assert caught.value.code == code


def test_a_file_is_known_by_its_content(write_dicom: Write) -> None:
    assert read_volume(write_dicom("IM0001", RAMP)).shape == (6, 5, 1)


def test_a_syntax_without_decoder_is_named(write_dicom: Write) -> None:
    path = write_dicom("ct.dcm", RAMP, syntax=JPEGLSLossless, PixelData=encapsulate([b"\xff\xd8junk"]))
    with pytest.raises(PRSMedError, match=UID(JPEGLSLossless).name) as caught:
        read_volume(path)
    assert caught.value.code == "dicom_compressed"
    assert "gdcmconv" in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("modality", ["SEG", "RTDOSE"])
def test_objects_with_rows_that_are_no_images(write_dicom: Write, modality: str) -> None:
    with pytest.raises(PRSMedError, match=modality) as caught:
        read_volume(write_dicom("x.dcm", np.zeros((2, 4, 4), np.uint8), Modality=modality))
    assert caught.value.code == "not_an_image"


def test_real_segmentation_and_structure_set_are_no_images(shared_data: Path) -> None:
    structures = next((shared_data / "volumes/sts_tcia/dicom/STS_003/CT/mask").glob("*.dcm"))
    for path in (shared_data / "volumes/dcmqi_ct3slice/liver.dcm", structures):
        with pytest.raises(PRSMedError) as caught:
            read_volume(path)
        assert caught.value.code == "not_an_image"


def test_damaged_files(write_dicom: Write, tmp_path: Path) -> None:
    whole = write_dicom("whole.dcm", RAMP).read_bytes()
    for content in (b"", b"not a dicom file at all" * 20, whole[:-30], whole[:200]):
        path = tmp_path / "damaged.dcm"
        path.write_bytes(content)
        with pytest.raises(PRSMedError, match=r"damaged\.dcm") as caught:
            read_volume(path)
        assert caught.value.code in {"unreadable_image", "not_an_image"}
