"""Writers of miniatures: every published set as a handful of tiny files in its own layout, orphans included."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

SHAPE = (24, 32)


def picture(path: Path, size: tuple[int, int] = SHAPE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, cols = size
    ramp = np.linspace(60, 180, rows * cols).reshape(size).astype(np.uint8)
    Image.fromarray(ramp).save(path)


def mask(path: Path, top: int = 4, left: int = 4, size: tuple[int, int] = SHAPE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = np.zeros(size, dtype=np.uint8)
    drawn[top : top + 6, left : left + 6] = 255
    Image.fromarray(drawn).save(path)


def pairs(folder: Path, *named: tuple[str, str]) -> None:
    for image, drawn in named:
        picture(folder / image)
        mask(folder / drawn)


def volume(path: Path, voxels: np.ndarray, step: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(voxels.astype(np.int16), np.diag((step, step, 3.0, 1.0)))
    image.set_sform(image.affine, 1)
    nib.save(image, path)


def case(image: Path, label: Path, values: dict[int, int], step: float = 1.0, label_step: float = 1.0) -> None:
    """A volume of 6 axial slices whose label map has ``value`` in slice ``index`` for every item of ``values``."""
    rng = np.random.default_rng(0)
    volume(image, rng.integers(-100, 100, (8, 10, 6)), step)
    drawn = np.zeros((8, 10, 6))
    for index, value in values.items():
        drawn[2:5, 3:6, index] = value
    volume(label, drawn, label_step)


def mat(path: Path, patient: str) -> None:
    h5py = pytest.importorskip("h5py", reason="MATLAB files need h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        drawn = np.zeros(SHAPE, dtype=np.uint8)
        drawn[2:8, 20:30] = 1
        # MATLAB files hold columns first.
        file["cjdata/image"] = np.arange(SHAPE[0] * SHAPE[1], dtype=np.int16).reshape(SHAPE).T
        file["cjdata/tumorMask"] = drawn.T
        file["cjdata/PID"] = np.array([[ord(letter)] for letter in patient], dtype=np.uint16)


def write_busi(folder: Path) -> None:
    pairs(folder / "benign", ("benign (1).png", "benign (1)_mask.png"), ("benign (10).png", "benign (10)_mask.png"))
    mask(folder / "benign/benign (1)_mask_1.png", top=14, left=20)
    pairs(folder / "malignant", ("malignant (2).png", "malignant (2)_mask.png"))
    pairs(folder / "normal", ("normal (3).png", "normal (3)_mask.png"))
    picture(folder / "malignant/malignant (3).png")
    mask(folder / "malignant/malignant (4)_mask.png")


def write_busi_normal(folder: Path) -> None:
    for name in ("normal_001.jpg", "normal_010.jpg", "normal_x.jpg"):
        picture(folder / name)


def write_cheng_mat(folder: Path) -> None:
    mat(folder / "brainTumorDataPublic_1-766/1.mat", "100360")
    mat(folder / "brainTumorDataPublic_1-766/10.mat", "MR0402")
    mat(folder / "brainTumorDataPublic_767-1532/767.mat", "100360")
    (folder / "brainTumorDataPublic_767-1532/768.mat").write_bytes(b"nothing")
    (folder / "cvind.mat").write_bytes(b"folds")


def write_cheng_png(folder: Path) -> None:
    pairs(folder, *((f"images/{number}.png", f"masks/{number}.png") for number in (1, 49, 50)))
    picture(folder / "images/3064.png")
    mask(folder / "masks/7.png")


def write_isic_2016(folder: Path) -> None:
    train, test = "ISBI2016_ISIC_Part1_Training", "ISBI2016_ISIC_Part1_Test"
    for part, number in ((train, "0000000"), (train, "0000001"), (test, "0000003")):
        pairs(folder, (f"{part}_Data/ISIC_{number}.jpg", f"{part}_GroundTruth/ISIC_{number}_Segmentation.png"))
    picture(folder / f"{test}_Data/ISIC_0000009.jpg")
    mask(folder / f"{train}_GroundTruth/ISIC_0000008_Segmentation.png")


def write_isic_2018(folder: Path) -> None:
    for part, number in (("Training", "0000000"), ("Validation", "0012255"), ("Test", "0012169")):
        image = f"ISIC2018_Task1-2_{part}_Input/ISIC_{number}.jpg"
        pairs(folder, (image, f"ISIC2018_Task1_{part}_GroundTruth/ISIC_{number}_segmentation.png"))
    (folder / "ISIC2018_Task1-2_Training_Input/ATTRIBUTION.txt").write_text("terms")


def write_kvasir(folder: Path) -> None:
    pairs(folder, *((f"images/cju{name}.jpg", f"masks/cju{name}.jpg") for name in ("0a", "1b")))
    picture(folder / "images/cju2c.jpg")
    mask(folder / "masks/cju3d.jpg")
    (folder / "kavsir_bboxes.json").write_text("{}")


def write_clinic_db(folder: Path) -> None:
    pairs(folder, *((f"Original/{number}.tif", f"Ground Truth/{number}.tif") for number in (25, 26, 592, 612, 613)))


def write_colon_db(folder: Path) -> None:
    for number in (1, 2, 20):
        pairs(folder, (f"{number}.bmp", f"p{number}.bmp"))
        mask(folder / f"c{number}.bmp")
    mask(folder / "p7.bmp")


def write_cvc_300(folder: Path) -> None:
    pairs(folder, *((f"bbdd/{number}.bmp", f"gtpolyp/{number}.bmp") for number in (1, 149)))


def write_etis(folder: Path) -> None:
    pairs(folder, *((f"ETIS-LaribPolypDB/{number}.tif", f"Ground Truth/p{number}.tif") for number in (1, 196)))


def write_polypgen(folder: Path) -> None:
    pairs(folder, *((f"data_C1/images_C1/{name}.jpg", f"data_C1/masks_C1/{name}_mask.jpg") for name in ("1H", "2H")))
    pairs(folder, ("data_C6/images_C6/EndoCV_1.jpg", "data_C6/masks_C6/EndoCV_1_mask.jpg"))
    sequence = "sequenceData/positive/seq2"
    pairs(folder, (f"{sequence}/images_seq2/2_endo_1.jpg", f"{sequence}/masks_seq2/2_endo_1_mask.jpg"))
    picture(folder / "sequenceData/negativeOnly/seq1_neg/1.jpg")
    picture(folder / "data_C6/images_C6/EndoCV_2.jpg")


def write_osic(folder: Path) -> None:
    study = "ID00025637202179541264076"
    for split, slices in (("train", (1, 2)), ("test", (11,))):
        for index in slices:
            pairs(folder, (f"{split}_images/{study}_{index}.jpg", f"{split}_masks/{study}_{index}.jpg"))
    mask(folder / f"test_masks/{study}_12.jpg")


def write_finding_lungs(folder: Path) -> None:
    for name in ("ID_0000_Z_0142", "ID_0001_Z_0146"):
        mask(folder / f"2d_masks/{name}.tif")
        (folder / "2d_images").mkdir(exist_ok=True)
        hounsfield = np.linspace(-1000, 400, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(np.int32)
        Image.fromarray(hounsfield).save(folder / f"2d_images/{name}.tif")


def write_covid(folder: Path) -> None:
    for kind, name in (("COVID", "COVID-1"), ("Normal", "Normal-1"), ("Viral Pneumonia", "Viral Pneumonia-1")):
        picture(folder / kind / f"images/{name}.png", size=(30, 30))
        mask(folder / kind / f"masks/{name}.png", size=(20, 20))
    picture(folder / "Normal/images/Normal-2.png")
    (folder / "Normal.metadata.xlsx").write_text("")


def write_jsrt(folder: Path) -> None:
    (folder / "All247images").mkdir(parents=True)
    for fold, name in (("fold1", "JPCLN001"), ("fold2", "JPCNN002")):
        np.full((2048, 2048), 4095, dtype=">u2").tofile(folder / f"All247images/{name}.IMG")
        mask(folder / f"scratch/{fold}/masks/left lung/{name}.gif", left=20)
        mask(folder / f"scratch/{fold}/masks/right lung/{name}.gif", left=4)
        mask(folder / f"scratch/{fold}/masks/heart/{name}.gif")


def write_montgomery(folder: Path) -> None:
    for name in ("MCUCXR_0001_0", "MCUCXR_0104_1", "MCUCXR_0108_1"):
        pairs(folder, (f"CXR_png/{name}.png", f"ManualMask/leftMask/{name}.png"))
        mask(folder / f"ManualMask/rightMask/{name}.png", left=20)
    (folder / "ManualMask/rightMask/MCUCXR_0108_1.png").unlink()


def write_shenzhen(folder: Path) -> None:
    for name in ("CHNCXR_0001_0", "CHNCXR_0327_1"):
        pairs(folder, (f"CXR_png/{name}.png", f"mask/mask/{name}_mask.png"))
    picture(folder / "CXR_png/CHNCXR_0025_0.png")


def write_msd(folder: Path) -> None:
    case(folder / "imagesTr/liver_1.nii.gz", folder / "labelsTr/liver_1.nii.gz", {2: 1, 3: 2})
    case(folder / "imagesTr/liver_2.nii.gz", folder / "labelsTr/liver_2.nii.gz", {2: 1}, label_step=2.0)
    case(folder / "imagesTr/liver_3.nii.gz", folder / "labelsTr/liver_4.nii.gz", {})
    (folder / "imagesTr/._liver_1.nii.gz").write_bytes(b"")
    labels = {"0": "background", "1": "liver", "2": "cancer"}
    about = {"name": "Liver", "licence": "CC-BY-SA 4.0", "modality": {"0": "CT"}, "labels": labels}
    (folder / "dataset.json").write_text(json.dumps(about))


def write_index(folder: Path) -> None:
    rows = [
        ("lung_xray", "montgomery", "lungs", f"i/{name}_0.png", f"m/{name}.png", split, group, "CC0")
        for name, split, group in (
            ("a", "train", "p1"),
            ("b", "shared-val", "p2"),
            ("c", "test", "p3"),
            ("d", "train", "p1"),
            ("e", "x", "p"),
        )
    ]
    rows.append(("skin", "own", "mole", "i/a_0.png", "i/a_0.png", "train", "p1", "CC0"))
    pairs(folder, *((row[3], row[4]) for row in rows[:-1]))
    (folder / "m/d.png").unlink()
    columns = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def write_volume_list(folder: Path) -> None:
    case(folder / "own/a_image.nii.gz", folder / "own/a_label.nii.gz", {1: 1, 2: 1, 3: 7})
    case(folder / "own/b_image.nii.gz", folder / "own/b_label.nii.gz", {1: 1}, step=2.0)
    rows = [
        ("own a CT", "CT abdomen", "set/own/a_image.nii.gz", "set/own/a_label.nii.gz", "cyst=7; kidney=1 7", ""),
        ("own b CT", "CT", "own/b_image.nii.gz", "own/b_label.nii.gz", "cyst", ""),
        ("own c CT", "CT", "own/a_image.nii.gz", "", "cyst", ""),
        ("own d CT", "CT", "own/a_image.nii.gz", "own/a_label.nii.gz", "", ""),
        ("own liver", "CT", "own/a_image.nii.gz", "own/a_label.nii.gz", "", "model prediction"),
    ]
    with (folder / "VOLUMES.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "modality", "image", "label", "target", "note"), *rows])


def write_monai_label(folder: Path) -> None:
    case(folder / "scan.nii.gz", folder / "labels/final/scan.nii.gz", {1: 1, 2: 2})
    pairs(folder, ("photo.png", "labels/final/photo.png"), ("new.png", "labels/original/new.png"))
    mask(folder / "labels/final/gone.png")
    told = {"label_info": [{"name": "tumour", "idx": 1}, {"name": "oedema", "idx": 2}]}
    objects = {
        "scan": {"image": {"ext": ".nii.gz"}, "labels": {"final": {"ext": ".nii.gz", "info": told}}},
        "photo": {
            "image": {"ext": ".png"},
            "labels": {"final": {"ext": ".png", "info": {"params": {"label_names": {"mole": 255}}}}},
        },
        "new": {"image": {"ext": ".png"}, "labels": {"original": {"ext": ".png"}}},
        "broken": {"image": None},
    }
    (folder / "datastore_v2.json").write_text(json.dumps({"objects": objects}))


def write_prs_med(folder: Path) -> None:
    brain, skin = folder / "data/brain_tumors_ct_scan", folder / "data/skin_rgbimage"
    pairs(brain, ("train_images/49.png", "train_masks/49.png"), ("test_images/50.png", "test_masks/50.png"))
    pairs(skin, ("test_images/ISIC_0000003.jpg", "test_masks/ISIC_0000003_Segmentation.png"))
    picture(brain / "val_images/7.png")
    picture(folder / "data/dental_xray/train_images/1.png")
    (folder / "annotations/qa").mkdir(parents=True)
    (folder / "annotations/qa/brain_tumors_ct_scan.csv").write_text("image_path\n")


def write_medseg_qa(folder: Path) -> None:
    pairs(folder, ("images/a.png", "masks/a_liver.png"))
    mask(folder / "masks/a_cyst.png", top=14, left=20)
    picture(folder / "images/b.png")
    entries = [
        {
            "image": "images/a.png",
            "turns": [
                {"role": "user", "text": "What is in the left upper part?"},
                {
                    "role": "assistant",
                    "text": "The liver [SEG].",
                    "targets": [{"token": "[SEG]", "label": "liver", "mask": "masks/a_liver.png"}],
                },
                {"role": "user", "text": "And what may need follow-up?"},
                {
                    "role": "assistant",
                    "text": "A cyst [SEG] at the bottom right.",
                    "targets": [{"token": "[SEG]", "label": "cyst", "mask": "masks/a_cyst.png"}],
                },
            ],
            "reviewed_by": "dr",
            "group": "p1",
        },
        {
            "image": "images/b.png",
            "split": "val",
            "turns": [
                {"role": "user", "text": "Outline the liver."},
                {
                    "role": "assistant",
                    "text": "It is [SEG].",
                    "targets": [{"label": "liver", "rle": {"size": [24, 32], "counts": [2 * 24 + 1, 10, 709]}}],
                },
            ],
        },
        {"image": "images/gone.png", "turns": entries_turns("masks/a_liver.png")},
        {"image": "images/a.png", "turns": entries_turns("images/a.png")},
        {"turns": []},
    ]
    (folder / "medseg_qa.json").write_text(json.dumps(entries))


def entries_turns(path: str) -> list[dict[str, object]]:
    return [
        {"role": "user", "text": "Where?"},
        {"role": "assistant", "text": "[SEG]", "targets": [{"label": "liver", "mask": path}]},
    ]


def write_image_folder(folder: Path) -> None:
    pairs(folder, ("images/1.png", "masks/1.jpg"), ("images/x.png", "masks/x_mask.png"))
    picture(folder / "images/2.png")
    mask(folder / "masks/3.png")
    (folder / "masks/4.png").symlink_to(folder / "images/4.png")
    picture(folder / "images/4.png")
    (folder / "about.json").write_text(json.dumps({"modality": "knee_mri", "target": "meniscus", "licence": "own"}))
