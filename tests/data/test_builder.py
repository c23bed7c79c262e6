from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from prsmed.data import TEST_TEMPLATES, build, present_names, read_conversations
from prsmed.data.images import fit_square, read_image
from prsmed.errors import PRSMedError
from prsmed.position.zones import locate_all


def test_round_trip_is_the_truth_about_the_masks(small_root: Path, tmp_path: Path) -> None:
    conversations = list(read_conversations(build(small_root, tmp_path)))
    assert len({c.id for c in conversations}) == len(conversations)
    for conversation in conversations:
        record, turn = conversation.record, conversation.turn
        assert record.split == "val"
        _, mask, _ = fit_square(*read_image(record, small_root), 256)
        own = turn.target in present_names(record)
        assert turn.present == (own and bool(mask.any()))
        assert turn.positions == (locate_all(mask, "box", 0.1)[:2] if turn.present else ())
        assert turn.target in turn.question
        assert turn.target in turn.answer.lower()


def test_crops_made_around_a_lesion_are_cut_anew(small_root: Path, tmp_path: Path) -> None:
    conversations = list(read_conversations(build(small_root, tmp_path)))
    cut = {c.id for c in conversations if c.record.crop is not None}
    assert cut == {c.id for c in conversations if c.record.dataset == "lidc_crops"}
    for conversation in (c for c in conversations if c.id in cut):
        shown, mask = read_image(conversation.record, small_root)
        whole, all_of_it = read_image(replace(conversation.record, crop=None), small_root)
        assert shown.shape[:2] == mask.shape == conversation.record.crop[2:]
        assert max(shown.shape) < max(whole.shape)
        assert 0.6 * all_of_it.sum() <= mask.sum() <= all_of_it.sum()
        assert shown[mask > 0].min() > shown[(mask == 0) & (shown > 0)].mean()  # image and mask are cut alike


def test_counts_of_present_mismatched_and_empty(small_root: Path, tmp_path: Path) -> None:
    conversations = list(read_conversations(build(small_root, tmp_path)))
    masked = [c for c in conversations if c.record.mask is not None]
    empty = [c for c in conversations if c.record.mask is None]
    assert sum(c.turn.present for c in masked) == len({c.record.image for c in masked}) == 10
    assert sum(not c.turn.present for c in masked) == 4
    assert len(empty) == len({c.record.image for c in empty}) > 0


def test_the_manifest_says_what_is_in_the_file(small_root: Path, tmp_path: Path) -> None:
    path = build(small_root, tmp_path, seed=7)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    conversations = list(read_conversations(path))
    assert manifest["conversations_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["index_sha256"] == hashlib.sha256((small_root / "pairs/index.csv").read_bytes()).hexdigest()
    assert (manifest["split"], manifest["seed"]) == ("val", 7)
    assert manifest["conversations"] == len(conversations)
    counted = Counter((c.record.modality, c.turn.target, c.turn.present) for c in conversations)
    for (modality, target, present), count in counted.items():
        assert manifest["counts"][modality][target]["present" if present else "absent"] == count
    assert manifest["licences"]["polypgen"] == "CC0"


def test_the_same_seed_gives_the_same_file(small_root: Path, tmp_path: Path) -> None:
    one, other, third = (build(small_root, tmp_path / str(n), seed=seed) for n, seed in enumerate((0, 0, 1)))
    assert one.read_bytes() == other.read_bytes() != third.read_bytes()


def test_wording_is_the_test_wording(small_root: Path, tmp_path: Path) -> None:
    starts = {template.split("{")[0] for template in TEST_TEMPLATES}
    questions = [c.turn.question for c in read_conversations(build(small_root, tmp_path))]
    assert all(any(question.startswith(start) for start in starts) for question in questions)


def test_bad_and_missing_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    with pytest.raises(PRSMedError) as error:
        list(read_conversations(path))
    assert error.value.code == "missing_conversations"
    path.write_text('{"id": "x"}\n')
    with pytest.raises(PRSMedError, match="line 1") as error:
        list(read_conversations(path))
    assert error.value.code == "bad_conversation"


def test_the_real_set(shared_data: Path, tmp_path: Path) -> None:
    conversations = list(read_conversations(build(shared_data, tmp_path)))
    masked = [c for c in conversations if c.record.mask is not None]
    assert len([c for c in masked if c.turn.present]) == 464
    assert len([c for c in masked if not c.turn.present]) / len(masked) == pytest.approx(0.3, abs=0.005)
    assert 20 <= len(conversations) - len(masked) <= 33
