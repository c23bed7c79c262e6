from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from small_set import record, write_index, write_set

from prsmed.data.problems import Problems
from prsmed.data.record import check_splits
from prsmed.data.sources import find_sources, phantom_records, read_all, read_pairs
from prsmed.errors import PRSMedError


def test_reads_pairs_and_lesion_free_images(small_root: Path) -> None:
    records = read_pairs(small_root)
    pairs = [r for r in records if r.mask is not None]
    empty = [r for r in records if r.mask is None]
    assert (len(pairs), len(empty)) == (50, 20)
    assert sum(r.split == "val" for r in pairs) == 10
    assert 0.1 <= sum(r.split == "val" for r in empty) / len(empty) <= 0.3
    assert all((small_root / r.image).is_file() for r in records)


def test_no_group_lies_in_both_splits(small_root: Path) -> None:
    groups: dict[str, set[str]] = {"train": set(), "val": set()}
    for r in read_pairs(small_root):
        groups[r.split].add(f"{r.modality}/{r.group}")
    assert groups["train"]
    assert groups["val"]
    assert not groups["train"] & groups["val"]


def test_only_chests_called_normal_are_healthy(small_root: Path) -> None:
    chests = [r for r in read_pairs(small_root) if r.modality == "lung_xray"]
    assert {Path(r.image).stem[-1] for r in chests if r.is_healthy} == {"0"}
    assert {Path(r.image).stem[-1] for r in chests if not r.is_healthy} == {"1"}


def test_a_mask_cannot_be_its_own_image() -> None:
    with pytest.raises(PRSMedError, match=r"a\.jpg") as error:
        record(mask="a.jpg")
    assert error.value.code == "mask_is_image"


def test_a_leaking_group_is_refused() -> None:
    with pytest.raises(PRSMedError) as error:
        check_splits([record(), record(split="val")])
    assert error.value.code == "group_in_two_splits"
    check_splits([record(), record(modality="lung_ct", target="lung nodule", split="val")])


def test_missing_index_and_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        read_pairs(tmp_path)
    assert error.value.code == "missing_index"
    root = write_set(tmp_path, per_kind=1, normals=0)
    (root / "pairs/polyp_endoscopy/polypgen/masks/case000_0.png").unlink()
    with pytest.raises(PRSMedError, match="case000_0") as error:
        read_pairs(root)
    assert error.value.code == "missing_image"


@pytest.mark.parametrize(
    ("column", "value"), [(0, "brain_pet"), (2, "appendix"), (5, "test")], ids=["modality", "target", "split"]
)
def test_an_unknown_word_in_the_index_is_told(tmp_path: Path, column: int, value: str) -> None:
    row = ["brain_mri", "figshare_cheng", "brain tumour", "a.jpg", "b.png", "shared-train", "g", "CC0"]
    row[column] = value
    write_index(tmp_path, [tuple(row)])
    with pytest.raises(PRSMedError, match=f"line 2 .*{value}") as error:
        read_pairs(tmp_path)
    assert error.value.code == "bad_index"


def test_phantoms_are_disjoint_and_cover_all_kinds() -> None:
    records = phantom_records(60, seed=3)
    assert {r.modality for r in records if r.split == "val"} == {"phantom_ct", "phantom_mr", "phantom_photo"}
    assert len({r.seed for r in records}) == len({r.group for r in records}) == 60
    assert not {r.seed for r in records} & {r.seed for r in phantom_records(60, seed=4)}
    check_splits(records)


def test_the_real_set(shared_data: Path) -> None:
    records = read_pairs(shared_data)
    assert len([r for r in records if r.mask]) == 3816
    assert len([r for r in records if not r.mask]) == 133
    assert not [r for r in records if "noncommercial" in r.image]
    assert len([r for r in records if r.modality == "lung_xray" and r.is_healthy]) == 63


def test_every_pair_of_the_real_sets_is_read(shared_data: Path) -> None:
    problems = Problems()
    records = list(read_all(shared_data, problems, ["index", "busi_normal"]))
    assert not problems.count
    expected: Counter[tuple[str, str, str]] = Counter()
    for folder in ("pairs", "pairs_noncommercial"):
        with (shared_data / folder / "index.csv").open(newline="") as file:
            expected.update(
                (row["dataset"], row["split"].removeprefix("shared-"), folder) for row in csv.DictReader(file)
            )
    found = Counter((r.dataset, r.split, r.image.split("/")[0]) for r in records if r.mask)
    assert found == expected
    assert sum(r.mask is None for r in records) == 133
    assert set(read_pairs(shared_data)) <= set(records)
    check_splits(records)


def test_the_real_volumes(shared_data: Path) -> None:
    problems = Problems()
    records = list(read_all(shared_data, problems, ["volume_list"]))
    volumes = {record.mask for record in records if record.mask}
    with (shared_data / "volumes/VOLUMES.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    # Left out: a phantom with unnamed labels, and three label maps that a model drew.
    assert len(volumes) == len(listed) - 4
    assert [path for paths in problems.found.values() for path in paths] == [
        f"volumes/VOLUMES.csv:{line}" for line in (5, 21, 22, 23)
    ]
    patients = {record.group for record in records if record.dataset == "sts_tcia"}
    assert len(patients) == 5
    assert {record.modality for record in records if record.dataset == "sts_tcia"} == {"ct", "mri", "pet"}
    assert all((record.plane == "axial") for record in records if record.dataset == "sts_tcia")


def test_the_real_folder_holds_four_sources(shared_data: Path) -> None:
    found = {(source.name, folder.name) for source, folder in find_sources(shared_data)}
    assert found == {
        ("busi_normal", "busi_normal"),
        ("index", "pairs"),
        ("index", "pairs_noncommercial"),
        ("volume_list", "volumes"),
    }
