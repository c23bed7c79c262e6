from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_set import again, picture, write
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.data.record import Record, check_splits
from prsmed.data.splits import resplit
from prsmed.errors import PRSMedError

NOWHERE = Path("nowhere")


def drawn(group: str, number: int, modality: str = "phantom_ct") -> Record:
    """A record without a file: only its group tells where it belongs."""
    return Record(
        f"{modality}/{group}/{number}", None, modality, modality, "nodule", group, "train", "CC0", seed=number
    )


def many(sizes: list[int], modality: str = "phantom_ct") -> list[Record]:
    return [drawn(f"g{index}", number, modality) for index, size in enumerate(sizes) for number in range(size)]


def by_group(records: list[Record]) -> dict[tuple[str, str], str]:
    return {(record.modality, record.group): record.split for record in records}


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=60),
    others=st.lists(st.integers(1, 5), max_size=30),
    seed=st.integers(0, 1000),
    shuffle=st.randoms(use_true_random=False),
)
def test_groups_stay_whole_shares_are_met_and_order_does_not_matter(
    sizes: list[int], others: list[int], seed: int, shuffle: object
) -> None:
    records = many(sizes) + many(others, "phantom_mr")
    shares = (0.6, 0.15, 0.25)
    split = resplit(records, NOWHERE, "group", seed, shares)
    check_splits(split)
    assert [replace(record, split="train") for record in split] == records
    for modality, counts in (("phantom_ct", sizes), ("phantom_mr", others)):
        images = Counter(record.split for record in split if record.modality == modality)
        for name, share in zip(("train", "val", "test"), shares, strict=True):
            # Each cut is off by at most half a group; the middle share has two of them.
            off = max(counts, default=0) * (1.0 if name == "val" else 0.5)
            assert abs(images[name] - share * sum(counts)) <= off + 1e-6
    turned = list(records)
    shuffle.shuffle(turned)  # type: ignore[attr-defined]
    assert by_group(resplit(turned, NOWHERE, "group", seed, shares)) == by_group(split)


def test_seeds_differ_and_new_images_move_few() -> None:
    records = many([5] * 200)
    before = by_group(resplit(records, NOWHERE, "group", 0))
    assert before != by_group(resplit(records, NOWHERE, "group", 1))
    added = [drawn(f"new{number}", number) for number in range(50)]
    after = by_group(resplit(records + added, NOWHERE, "group", 0))
    moved = sum(after[group] != split for group, split in before.items())
    assert moved <= 5  # of 200; a random new order would move nearly half


def test_one_patients_modalities_go_together() -> None:
    """In one set the same name is the same patient; in another set it is somebody else."""
    own = [replace(drawn(f"p{n}", n, kind), dataset="set") for n in range(40) for kind in ("phantom_ct", "phantom_mr")]
    other = [replace(drawn(f"p{n}", n, "phantom_photo"), dataset="other") for n in range(40)]
    split = by_group(resplit(own + other, NOWHERE, "group", 0))
    assert all(split["phantom_ct", f"p{n}"] == split["phantom_mr", f"p{n}"] for n in range(40))
    assert any(split["phantom_ct", f"p{n}"] != split["phantom_photo", f"p{n}"] for n in range(40))


def test_near_duplicates_go_together(tmp_path: Path) -> None:
    """Each of 14 pictures, its copy by another site, and a third image of the copy's patient."""
    records = []
    for seed in range(14):
        records += [
            write(tmp_path, f"a{seed}", picture(seed)),
            write(tmp_path, f"b{seed}", again(picture(seed)), group=f"patient{seed}", modality="various"),
            write(tmp_path, f"c{seed}", picture(1000 + seed), group=f"patient{seed}", modality="various"),
        ]
    split = resplit(records, tmp_path, "group", 0)
    triples = [{record.split for record in split[start : start + 3]} for start in range(0, 42, 3)]
    assert all(len(splits) == 1 for splits in triples)
    assert len({next(iter(splits)) for splits in triples}) == 3
    assert by_group(resplit(records[::-1], tmp_path, "group", 0)) == by_group(split)


def test_one_file_under_two_groups_is_one_cluster(tmp_path: Path) -> None:
    """As a set that lists an image once for each of its targets."""
    records = [write(tmp_path, f"p{seed}", picture(seed)) for seed in range(15)]
    again_listed = [replace(record, group=f"other{number}", target="lungs") for number, record in enumerate(records)]
    split = resplit(records + again_listed, tmp_path, "group", 3)
    assert [record.split for record in split[:15]] == [record.split for record in split[15:]]
    assert len({record.split for record in split}) == 3


def test_only_pictures_are_read_once_each_and_unreadable_ones_go_by_group(tmp_path: Path) -> None:
    readable = write(tmp_path, "p", picture(0))
    broken = write(tmp_path, "broken", picture(1), group="g")
    (tmp_path / broken.image).write_bytes(b"no picture")
    volume = replace(readable, image="volume.nii.gz", group="g", plane="axial", slice=3)
    told: list[tuple[int, int]] = []
    records = [readable, replace(readable, target="lungs"), broken, volume, drawn("x", 1)]
    split = resplit(records, tmp_path, "group", 0, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert split[2].split == split[3].split


def test_official_splits_stay() -> None:
    records = [replace(record, split="test") for record in many([2, 3])]
    assert resplit(records, NOWHERE, "official", 0) == records


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (1.2, -0.4, 0.2)])
def test_shares_must_add_up(shares: tuple[float, float, float]) -> None:
    with pytest.raises(PRSMedError, match="add up to 1"):
        resplit(many([2]), NOWHERE, "group", 0, shares)


def test_mode_must_be_known() -> None:
    with pytest.raises(PRSMedError, match="official or group"):
        resplit(many([2]), NOWHERE, "random", 0)  # type: ignore[arg-type]
