"""What should be read from every miniature: images with group and split, and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import miniature_files as writers


@dataclass(frozen=True)
class Miniature:
    """What a writer makes of a folder, and what should be read from it.

    Attributes:
        write: Writes the set below a folder.
        images: Image (below the set's folder) to group (without the source's name) and split.
        problems: Kind to paths below the set's folder.
        folder: Name the set's folder must have, when it must.
    """

    write: Callable[[Path], None]
    images: dict[str, tuple[str, str]]
    problems: dict[str, set[str]] = field(default_factory=dict)
    folder: str = "set"


def _each(group: str, *images: str, split: str = "train") -> dict[str, tuple[str, str]]:
    return dict.fromkeys(images, (group, split))


_MAT = "brainTumorDataPublic"
_ISIC16 = "ISBI2016_ISIC_Part1"
_ISIC18 = "ISIC2018_Task1-2"
_NO_MASK, _NO_IMAGE = "image without mask", "mask without image"
MINIATURES: dict[str, Miniature] = {
    "busi": Miniature(
        writers.write_busi,
        {
            **_each("benign/block0000", "benign/benign (1).png"),
            **_each("benign/block0002", "benign/benign (10).png"),
            **_each("malignant/block0000", "malignant/malignant (2).png"),
            **_each("normal/block0000", "normal/normal (3).png"),
        },
        {_NO_MASK: {"malignant/malignant (3).png"}, _NO_IMAGE: {"malignant/malignant (4)_mask.png"}},
    ),
    "busi_normal": Miniature(
        writers.write_busi_normal,
        {"normal_001.jpg": ("busi_normal000", "train"), "normal_010.jpg": ("busi_normal002", "train")},
        {"unknown layout": {"normal_x.jpg"}},
        folder="busi_normal",
    ),
    "cheng_mri": Miniature(
        writers.write_cheng_mat,
        {
            **_each(
                "100360", *(f"brainTumorDataPublic_{part}.mat#cjdata/image" for part in ("1-766/1", "767-1532/767"))
            ),
            **_each("MR0402", "brainTumorDataPublic_1-766/10.mat#cjdata/image"),
        },
        {"unreadable": {"brainTumorDataPublic_767-1532/768.mat"}},
    ),
    "cheng_mri_png": Miniature(
        writers.write_cheng_png,
        {**_each("block0000", "images/1.png", "images/49.png"), **_each("block0001", "images/50.png")},
        {_NO_MASK: {"images/3064.png"}, _NO_IMAGE: {"masks/7.png"}},
    ),
    "isic2016": Miniature(
        writers.write_isic_2016,
        {
            **_each("ISIC_0000000", f"{_ISIC16}_Training_Data/ISIC_0000000.jpg"),
            **_each("ISIC_0000001", f"{_ISIC16}_Training_Data/ISIC_0000001.jpg"),
            **_each("ISIC_0000003", f"{_ISIC16}_Test_Data/ISIC_0000003.jpg", split="test"),
        },
        {
            _NO_MASK: {f"{_ISIC16}_Test_Data/ISIC_0000009.jpg"},
            _NO_IMAGE: {f"{_ISIC16}_Training_GroundTruth/ISIC_0000008_Segmentation.png"},
        },
    ),
    "isic2018": Miniature(
        writers.write_isic_2018,
        {
            **_each("ISIC_0000000", f"{_ISIC18}_Training_Input/ISIC_0000000.jpg"),
            **_each("ISIC_0012255", f"{_ISIC18}_Validation_Input/ISIC_0012255.jpg", split="val"),
            **_each("ISIC_0012169", f"{_ISIC18}_Test_Input/ISIC_0012169.jpg", split="test"),
        },
    ),
    "kvasir_seg": Miniature(
        writers.write_kvasir,
        {"images/cju0a.jpg": ("cju0a", "train"), "images/cju1b.jpg": ("cju1b", "train")},
        {_NO_MASK: {"images/cju2c.jpg"}, _NO_IMAGE: {"masks/cju3d.jpg"}},
    ),
    "cvc_clinicdb": Miniature(
        writers.write_clinic_db,
        {
            **_each("sequence01", "Original/25.tif"),
            **_each("sequence02", "Original/26.tif"),
            **_each("sequence29", "Original/592.tif", "Original/612.tif"),
        },
        {"unknown layout": {"Original/613.tif"}},
    ),
    "cvc_colondb": Miniature(
        writers.write_colon_db,
        {**_each("block0000", "1.bmp", "2.bmp"), **_each("block0001", "20.bmp")},
        {_NO_IMAGE: {"p7.bmp"}},
    ),
    "cvc_300": Miniature(
        writers.write_cvc_300,
        {**_each("block0000", "bbdd/1.bmp"), **_each("block0007", "bbdd/149.bmp")},
        folder="CVC-300",
    ),
    "etis": Miniature(
        writers.write_etis,
        {**_each("block0000", "ETIS-LaribPolypDB/1.tif"), **_each("block0009", "ETIS-LaribPolypDB/196.tif")},
    ),
    "polypgen": Miniature(
        writers.write_polypgen,
        {
            **_each("C1", "data_C1/images_C1/1H.jpg", "data_C1/images_C1/2H.jpg"),
            **_each("C6", "data_C6/images_C6/EndoCV_1.jpg"),
            **_each("seq2", "sequenceData/positive/seq2/images_seq2/2_endo_1.jpg"),
            **_each("negative/seq1_neg", "sequenceData/negativeOnly/seq1_neg/1.jpg"),
        },
        {_NO_MASK: {"data_C6/images_C6/EndoCV_2.jpg"}},
    ),
    "osic_konya": Miniature(
        writers.write_osic,
        {
            **_each("ID00025637202179541264076", *(f"train_images/ID00025637202179541264076_{i}.jpg" for i in (1, 2))),
            **_each("ID00025637202179541264076", "test_images/ID00025637202179541264076_11.jpg", split="test"),
        },
        {_NO_IMAGE: {"test_masks/ID00025637202179541264076_12.jpg"}},
    ),
    "finding_lungs": Miniature(
        writers.write_finding_lungs,
        {**_each("ID_0000", "2d_images/ID_0000_Z_0142.tif"), **_each("ID_0001", "2d_images/ID_0001_Z_0146.tif")},
    ),
    "covid_radiography": Miniature(
        writers.write_covid,
        {
            **_each("COVID-1", "COVID/images/COVID-1.png"),
            **_each("Normal-1", "Normal/images/Normal-1.png"),
            **_each("Viral Pneumonia-1", "Viral Pneumonia/images/Viral Pneumonia-1.png"),
        },
        {_NO_MASK: {"Normal/images/Normal-2.png"}},
    ),
    "jsrt": Miniature(
        writers.write_jsrt,
        {**_each("JPCLN001", "All247images/JPCLN001.IMG"), **_each("JPCNN002", "All247images/JPCNN002.IMG")},
    ),
    "montgomery": Miniature(
        writers.write_montgomery,
        {**_each("MCUCXR_0001_0", "CXR_png/MCUCXR_0001_0.png"), **_each("MCUCXR_0104_1", "CXR_png/MCUCXR_0104_1.png")},
        {_NO_MASK: {"CXR_png/MCUCXR_0108_1.png"}},
    ),
    "shenzhen": Miniature(
        writers.write_shenzhen,
        {**_each("CHNCXR_0001_0", "CXR_png/CHNCXR_0001_0.png"), **_each("CHNCXR_0327_1", "CXR_png/CHNCXR_0327_1.png")},
        {_NO_MASK: {"CXR_png/CHNCXR_0025_0.png"}},
    ),
    "msd": Miniature(
        writers.write_msd,
        _each("set/liver_1", "imagesTr/liver_1.nii.gz"),
        {
            "sizes differ": {"imagesTr/liver_2.nii.gz"},
            _NO_MASK: {"imagesTr/liver_3.nii.gz"},
            _NO_IMAGE: {"labelsTr/liver_4.nii.gz"},
        },
    ),
    "index": Miniature(
        writers.write_index,
        {"i/a_0.png": ("p1", "train"), "i/b_0.png": ("p2", "val"), "i/c_0.png": ("p3", "test")},
        {_NO_MASK: {"i/d_0.png"}, "bad row": {"index.csv:6"}, "mask is the image": {"i/a_0.png"}},
    ),
    "volume_list": Miniature(
        writers.write_volume_list,
        _each("own a", "own/a_image.nii.gz"),
        {
            "sizes differ": {"own/b_image.nii.gz"},
            _NO_MASK: {"VOLUMES.csv:4"},
            "bad row": {"VOLUMES.csv:5", "VOLUMES.csv:6"},
        },
    ),
    "monai_label": Miniature(
        writers.write_monai_label,
        {**_each("scan", "scan.nii.gz"), **_each("photo", "photo.png")},
        {_NO_MASK: {"new.png"}, _NO_IMAGE: {"labels/final/gone.png"}, "bad row": {"datastore_v2.json:broken"}},
    ),
    "prs_med": Miniature(
        writers.write_prs_med,
        {
            **_each("brain_tumors_ct_scan/block0000", "data/brain_tumors_ct_scan/train_images/49.png"),
            **_each("brain_tumors_ct_scan/block0001", "data/brain_tumors_ct_scan/test_images/50.png", split="test"),
            **_each("skin_rgbimage/ISIC_0000003", "data/skin_rgbimage/test_images/ISIC_0000003.jpg", split="test"),
        },
        {_NO_MASK: {"data/brain_tumors_ct_scan/val_images/7.png"}, "unknown layout": {"data/dental_xray"}},
    ),
    "medseg_qa": Miniature(
        writers.write_medseg_qa,
        {**_each("p1", "images/a.png"), **_each("images/b.png", "images/b.png", split="val")},
        {
            _NO_IMAGE: {"masks/a_liver.png"},
            "mask is the image": {"images/a.png"},
            "bad row": {"medseg_qa.json:4"},
        },
    ),
    "image_folder": Miniature(
        writers.write_image_folder,
        {"images/1.png": ("set/1", "train"), "images/x.png": ("set/x", "train")},
        {_NO_MASK: {"images/2.png"}, _NO_IMAGE: {"masks/3.png"}, "mask is the image": {"images/4.png"}},
    ),
}
