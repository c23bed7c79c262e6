from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_set import record

from prsmed.data import (
    ConversationDataset,
    Sample,
    balanced_order,
    phantom_records,
    present_names,
    read_image,
    read_pairs,
)
from prsmed.data.converse import RADIUS
from prsmed.data.images import fit_square
from prsmed.errors import PRSMedError
from prsmed.position.zones import locate_all


def make(root: Path, **options: object) -> ConversationDataset:
    records = [*read_pairs(root), *phantom_records(6, seed=0)]
    return ConversationDataset(records, root, 64, augment=True, **options)  # type: ignore[arg-type]


def same(one: Sample, other: Sample) -> bool:
    pixels = np.array_equal(one.pixels, other.pixels)
    return pixels and np.array_equal(one.mask, other.mask) and one.turn == other.turn


def test_a_sample_depends_on_seed_epoch_and_index_alone(small_root: Path) -> None:
    first, resumed = make(small_root), make(small_root, cache_images=False)
    for index in (70, 3, 0):
        assert same(first.sample(index, 2), resumed.sample(index, 2))
    first.sample(1, 0)
    assert same(first.sample(3, 2), resumed.sample(3, 2))
    assert not same(first.sample(3, 2), first.sample(3, 1))
    assert not same(first.sample(3, 2), make(small_root, seed=1).sample(3, 2))
    repeat = first.sample(3 + len(first), 2)
    assert repeat.record == first.records[3]
    assert not same(first.sample(3, 2), repeat)


def test_labels_belong_to_the_varied_mask(small_root: Path) -> None:
    data = make(small_root)
    for index in range(len(data)):
        sample = data.sample(index, 0)
        assert sample.pixels.shape == (64, 64, 3)
        assert sample.mask.shape == (64, 64)
        assert set(np.unique(sample.mask)) <= {0, 1}
        assert sample.mask.any() == sample.turn.present
        assert sample.turn.positions == locate_all(sample.mask, "box", RADIUS)[:2]


def test_real_target_is_under_the_mask_after_augmentation(small_root: Path) -> None:
    data = ConversationDataset([r for r in read_pairs(small_root) if r.mask], small_root, 64, augment=True)
    for index in range(len(data)):
        sample = data.sample(index, 1)
        if sample.turn.present:
            inside, outside = sample.pixels[sample.mask == 1], sample.pixels[sample.mask == 0]
            assert inside.mean() > outside.mean() + 30


def test_share_of_absent_turns(small_root: Path) -> None:
    data = ConversationDataset([r for r in read_pairs(small_root) if r.mask], small_root, 32, augment=True)
    samples = [data.sample(index, epoch) for epoch in range(12) for index in range(len(data))]
    turns = [turn for sample in samples for turn in (sample.turn, sample.absent) if turn is not None]
    assert np.mean([not turn.present for turn in turns]) == pytest.approx(0.3, abs=0.06)
    never = ConversationDataset(data.records, small_root, 32, augment=True, absent_share=0.0)
    samples = [never.sample(index, 0) for index in range(len(never))]
    assert all(sample.turn.present and sample.absent is None for sample in samples)


def test_a_second_question_is_about_something_else_in_the_same_image(small_root: Path) -> None:
    data = ConversationDataset([r for r in read_pairs(small_root) if r.mask], small_root, 32, augment=True)
    asked = [s for index in range(60) if (s := data.sample(index % len(data), index)).absent is not None]
    assert asked
    for sample in asked:
        assert sample.turn.present
        assert sample.mask.any()
        assert not sample.absent.present
        assert sample.absent.target not in present_names(sample.record)
        assert sample.absent.positions == ()


def test_the_size_can_grow_during_training(small_root: Path) -> None:
    data = make(small_root)
    before = data.sample(0, 0)
    data.set_size(96)
    after = data.sample(0, 0)
    assert after.pixels.shape == (96, 96, 3)
    assert (after.turn.question, after.turn.present) == (before.turn.question, before.turn.present)


def test_letterbox_stays_black(small_root: Path) -> None:
    data = ConversationDataset(
        [r for r in read_pairs(small_root) if "xray" in r.modality], small_root, 64, augment=True
    )
    for index in range(len(data)):
        pixels = data.sample(index, 0).pixels  # 48 x 64 never becomes square, so rows above and below are outside
        assert not pixels[:7].any()
        assert not pixels[-7:].any()


def test_a_tiny_target_does_not_vanish() -> None:
    mask = np.zeros((256, 256), dtype=np.uint8)
    mask[101, 101] = 1
    for size in (32, 64, 128):
        fitted = fit_square(np.zeros((256, 256), dtype=np.uint8), mask, size)[1]
        assert fitted.any()
        np.testing.assert_allclose(np.argwhere(fitted).mean(axis=0) / size, 101.5 / 256, atol=1.5 / size)


def test_order_balances_modalities_and_numbers_repeats() -> None:
    records = [record("brain_mri")] * 400 + [record("skin_dermoscopy", "skin lesion")] * 25 + phantom_records(10, 0)
    order = balanced_order(records, epoch=0, seed=0)
    counts = Counter(
        "phantom" if records[i % len(records)].is_phantom else records[i % len(records)].modality for i in order
    )
    assert counts["phantom"] == 34
    assert counts["brain_mri"] / counts["skin_dermoscopy"] == pytest.approx(4, abs=0.1)
    assert len(set(order.tolist())) == len(order)
    used = Counter(int(i) % len(records) for i in order if 400 <= i % len(records) < 425)
    assert max(used.values()) - min(used.values()) <= 1
    np.testing.assert_array_equal(order, balanced_order(records, epoch=0, seed=0))
    assert not np.array_equal(order, balanced_order(records, epoch=1, seed=0))


def test_phantoms_come_with_and_without_lesion(tmp_path: Path) -> None:
    drawn = [read_image(r, tmp_path) for r in phantom_records(45, seed=1)]
    lesions = [bool(mask.any()) for _, mask in drawn]
    assert 0.5 < np.mean(lesions) < 0.95
    again = read_image(phantom_records(1, seed=1)[0], tmp_path)
    np.testing.assert_array_equal(drawn[0][0], again[0])


def test_unreadable_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        read_image(record(), tmp_path)
    assert error.value.code == "missing_image"
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(PRSMedError) as error:
        read_image(record(), tmp_path)
    assert error.value.code == "bad_image"


def test_the_real_set_can_be_sampled(shared_data: Path) -> None:
    records = [r for r in read_pairs(shared_data) if r.split == "train"]
    data = ConversationDataset(records, shared_data, 128, augment=True)
    samples = [data.sample(int(index), 0) for index in balanced_order(records, 0, 0)[:200]]
    assert {s.record.modality for s in samples} == {r.modality for r in records}
    turns = [turn for s in samples for turn in (s.turn, s.absent) if turn is not None]
    assert np.mean([not turn.present for turn in turns]) == pytest.approx(0.33, abs=0.1)
