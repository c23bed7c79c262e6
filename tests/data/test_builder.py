from __future__ import annotations

import gc
import hashlib
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_set import KINDS as SMALL_KINDS
from small_set import record, write_set

from prsmed.data import (
    Conversation,
    Problems,
    Record,
    build,
    look,
    present_names,
    read_conversations,
    read_image,
    read_pairs,
)
from prsmed.data.schema import KINDS, SCHEMA
from prsmed.data.sources import read_all
from prsmed.data.wording import Wording
from prsmed.errors import PRSMedError

PLACES = ("position", "absent")


@pytest.fixture(scope="module")
def held_out(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Conversation]:
    built = build(small_root, tmp_path_factory.mktemp("built"), splits=("val",), kinds=PLACES)
    return list(read_conversations(built.path))


@pytest.fixture(scope="module")
def everything(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(small_root, tmp_path_factory.mktemp("all")).path


def test_what_is_said_is_the_truth_about_the_masks(held_out: list[Conversation], small_root: Path) -> None:
    assert len({c.id for c in held_out}) == len(held_out)
    for conversation in held_out:
        record, turn = conversation.record, conversation.turn
        assert (record.split, conversation.rule, conversation.radius) == ("val", "box", 0.1)
        shown = look(record, small_root)
        own = turn.target in present_names(record)
        assert turn.present == (own and bool(shown.mask.any())) == (conversation.kind == "position")
        assert turn.positions == (shown.positions if turn.present else ())
        assert turn.target in turn.question
        assert turn.target in turn.answer.lower()


def test_crops_made_around_a_lesion_are_cut_anew(held_out: list[Conversation], small_root: Path) -> None:
    cut = {c.id for c in held_out if c.record.crop is not None}
    assert cut == {c.id for c in held_out if c.record.dataset == "lidc_crops"}
    for conversation in (c for c in held_out if c.id in cut):
        shown, mask = read_image(conversation.record, small_root)
        whole, all_of_it = read_image(replace(conversation.record, crop=None), small_root)
        assert shown.shape[:2] == mask.shape == conversation.record.crop[2:]
        assert max(shown.shape) < max(whole.shape)
        assert 0.6 * all_of_it.sum() <= mask.sum() <= all_of_it.sum()
        assert shown[mask > 0].min() > shown[(mask == 0) & (shown > 0)].mean()  # image and mask are cut alike


def test_every_image_is_asked_and_three_in_seven_for_something_else(everything: Path, small_root: Path) -> None:
    masked: dict[str, Counter[str]] = {}
    empty: dict[str, Counter[str]] = {}
    for c in read_conversations(everything):
        (empty if c.record.mask is None else masked).setdefault(c.record.image, Counter())[c.kind] += 1
    assert (len(masked), len(empty)) == (50, 20)
    assert all(kinds["position"] == 1 and kinds["absent"] <= 1 for kinds in masked.values())
    assert all(kinds["position"] == 0 and kinds["absent"] == 1 for kinds in empty.values())
    assert 12 <= sum(kinds["absent"] for kinds in masked.values()) <= 31  # 21.4 expected, within 2.7 deviations
    assert sum(len(kinds) > 3 for kinds in masked.values()) > 40


def test_the_manifest_says_what_is_in_the_file(small_root: Path, tmp_path: Path) -> None:
    built = build(small_root, tmp_path, seed=7, splits=("val", "train"))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    conversations = list(read_conversations(built.path))
    assert manifest["conversations_sha256"] == hashlib.sha256(built.path.read_bytes()).hexdigest()
    assert (manifest["schema"], manifest["seed"], manifest["mode"]) == (SCHEMA, 7, "official")
    assert (manifest["splits"], manifest["kinds"]) == (["train", "val"], list(KINDS))
    assert (manifest["rule"], manifest["radius"], manifest["side"]) == ("box", 0.1, 256)
    assert manifest["conversations"] == len(conversations)
    assert manifest["images"] == built.images == len({c.record.image for c in conversations}) == 70
    assert manifest["counts"] == built.counts
    counted = Counter((c.record.dataset, c.record.split, c.kind) for c in conversations)
    listed = {
        (d, s, k): n for d, splits in built.counts.items() for s, kinds in splits.items() for k, n in kinds.items()
    }
    assert listed == counted
    assert manifest["licences"]["polypgen"] == ["CC0"]
    assert manifest["sources"]["polypgen"]["records"] == 10
    assert manifest["problems"] == {}


def test_the_manifest_knows_a_changed_index(tmp_path: Path) -> None:
    root, found = write_set(tmp_path / "set", per_kind=5, normals=0), []
    index = root / "pairs/index.csv"
    for change in ("", ",g3,", ""):
        index.write_text(index.read_text().replace(change, ",g33,", 1) if change else index.read_text())
        build(root, tmp_path / "out", splits=("val",), kinds=PLACES)
        found.append(json.loads((tmp_path / "out/manifest.json").read_text())["sources"])
    before, after, again = found
    assert after == again
    assert [name for name in before if before[name] != after[name]] == ["figshare_cheng"]


def test_the_same_seed_gives_the_same_bytes(small_root: Path, everything: Path, tmp_path: Path) -> None:
    again, other = (build(small_root, tmp_path / str(seed), seed=seed).path for seed in (0, 1))
    assert again.read_bytes() == everything.read_bytes() != other.read_bytes()
    assert again.with_name("manifest.json").read_bytes() == everything.with_name("manifest.json").read_bytes()


def test_a_conversation_hangs_on_its_own_image_alone(small_root: Path, everything: Path, tmp_path: Path) -> None:
    def half(root: Path, problems: Problems) -> Iterator[Record]:
        yield from reversed(list(read_all(root, problems))[::2])

    fewer = build(small_root, tmp_path, kinds=("choice", "position"), splits=("val", "train"), read=half).path
    lines = fewer.read_text().splitlines()
    assert len(lines) > 25
    assert set(lines) < set(everything.read_text().splitlines())


def test_held_out_images_are_asked_in_wordings_that_are_never_trained_on(everything: Path) -> None:
    wording = Wording.load()
    ids = {use: {phrase.id for phrase in wording.of("position", "questions", held_out=use)} for use in (False, True)}
    for c in read_conversations(everything):
        if c.kind in PLACES:
            assert {turn.template for turn in c.turns} <= ids[c.record.split != "train"]


def test_a_users_wordings_are_used(small_root: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text('position:\n  questions:\n    held_out: ["Kindly find {the}."]\n')
    built = build(small_root, tmp_path / "out", splits=("val",), kinds=("position",), wording=own)
    questions = [c.turn for c in read_conversations(built.path)]
    assert {turn.question.split(" the ")[0] for turn in questions} == {"Kindly find"}
    assert all(turn.template.startswith("user/") for turn in questions)


def test_split_by_group_leaks_nothing(small_root: Path, tmp_path: Path) -> None:
    built = build(small_root, tmp_path, mode="group", kinds=PLACES)
    seen: dict[tuple[str, str], set[str]] = {}
    for c in read_conversations(built.path):
        assert c.id.startswith(f"{c.record.split}-")
        seen.setdefault((c.record.modality, c.record.group), set()).add(c.record.split)
    assert {split for splits in seen.values() for split in splits} == {"train", "val", "test"}
    assert all(len(splits) == 1 for splits in seen.values())
    assert json.loads((tmp_path / "manifest.json").read_text())["mode"] == "group"


FILES = "pairs/polyp_endoscopy/polypgen"


def break_image(root: Path) -> None:
    (root / FILES / "images/case000_0.jpg").write_bytes(b"no picture")


def drop_image(root: Path) -> None:
    (root / FILES / "images/case000_0.jpg").unlink()


def drop_mask(root: Path) -> None:
    (root / FILES / "masks/case000_0.png").unlink()


def shrink_mask(root: Path) -> None:
    Image.fromarray(np.eye(20, dtype=bool)).save(root / FILES / "masks/case000_0.png")


def gray_mask(root: Path) -> None:
    Image.fromarray(np.full((48, 64), 100, np.uint8)).save(root / FILES / "masks/case000_0.png")


def show_mask(root: Path) -> None:
    (root / FILES / "images/case000_0.jpg").write_bytes((root / FILES / "masks/case000_0.png").read_bytes())


def name_mask_as_image(root: Path) -> None:
    index = root / "pairs/index.csv"
    index.write_text(index.read_text().replace("polypgen/images/case000_0.jpg", "polypgen/masks/case000_0.png"))


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (break_image, "unreadable"),
        (drop_image, "mask without image"),
        (drop_mask, "image without mask"),
        (shrink_mask, "sizes differ"),
        (gray_mask, "mask of grey values"),
        (show_mask, "mask is the image"),
        (name_mask_as_image, "mask is the image"),
    ],
)
def test_what_cannot_be_used_is_told_and_the_rest_is_built(
    tmp_path: Path, spoil: Callable[[Path], None], kind: str
) -> None:
    root, out = write_set(tmp_path / "set", per_kind=2, normals=0), tmp_path / "out"
    spoil(root)
    built = build(root, out, kinds=PLACES)
    assert list(built.problems.found) == [kind]
    [path] = built.problems.found[kind]
    assert "case000_0" in path
    assert "polypgen" in path
    assert json.loads((out / "manifest.json").read_text())["problems"] == {kind: {"count": 1, "paths": [path]}}
    asked = {c.record.image for c in read_conversations(built.path)}
    assert len(asked) == built.images == 2 * len(SMALL_KINDS) - 1
    before = built.path.read_bytes()
    with pytest.raises(PRSMedError, match="case000_0") as error:
        build(root, out, strict=True)
    assert error.value.code == "bad_data"
    assert built.path.read_bytes() == before
    assert {path.name for path in out.iterdir()} == {"conversations.jsonl", "manifest.json"}


def test_a_broken_volume_is_told_once_not_once_a_slice(small_root: Path, tmp_path: Path) -> None:
    slices = [record(image="none.nii.gz", mask="none_label.nii.gz", plane="axial", slice=n) for n in range(5)]
    good = [record(image="pairs/brain_mri/figshare_cheng/images/case000_0.jpg", mask=None)]
    built = build(small_root, tmp_path, read=lambda root, problems: slices + good)
    assert built.problems.found == {"mask without image": ["none.nii.gz"]}


def test_an_image_listed_twice_is_asked_about_once(small_root: Path, tmp_path: Path) -> None:
    one = record(image="pairs/brain_mri/figshare_cheng/images/case000_0.jpg", mask=None)
    built = build(small_root, tmp_path, read=lambda root, problems: [one, one, replace(one, target="polyp")])
    assert built.images == 2
    ids = [c.id for c in read_conversations(built.path)]
    assert len(set(ids)) == len(ids)


def test_nothing_to_write_is_told_and_leaves_what_was_there(small_root: Path, tmp_path: Path) -> None:
    before = build(small_root, tmp_path, splits=("val",), kinds=PLACES).path.read_bytes()
    with pytest.raises(PRSMedError, match="split test") as error:
        build(small_root, tmp_path, splits=("test",))
    assert error.value.code == "empty_split"
    assert (tmp_path / "conversations.jsonl").read_bytes() == before


def test_every_image_is_reported(small_root: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build(small_root, tmp_path, splits=("val",), kinds=PLACES, report=lambda *step: told.append(step))
    assert told == [("asking about images", number + 1, len(told)) for number in range(len(told))]
    assert len(told) > 10


def test_memory_does_not_grow_with_the_number_of_images(small_root: Path, tmp_path: Path) -> None:
    pair = {
        "image": "pairs/brain_mri/figshare_cheng/images/case000_0.jpg",
        "mask": "pairs/brain_mri/figshare_cheng/masks/case000_0.png",
    }

    def peak(count: int) -> int:
        def read(root: Path, problems: Problems) -> Iterator[Record]:
            for n in range(count):
                gc.collect()  # encoders and decoders leave cycles behind, which would pile up for a while
                yield record(**pair, crop=(-(n // 20), -(n % 20), 70, 90))  # type: ignore[arg-type]

        tracemalloc.start()
        built = build(small_root, tmp_path, kinds=PLACES, read=read, report=lambda *_: gc.collect() and None)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert built.images == count
        return most

    peak(5)  # imports and caches
    gc.freeze()
    assert peak(165) - peak(15) < 60_000  # 150 records alone would take twice as much
    gc.unfreeze()


def test_the_real_pairs(shared_data: Path, tmp_path: Path) -> None:
    built = build(shared_data, tmp_path, splits=("val",), kinds=PLACES, read=lambda root, _: read_pairs(root))
    masked = [c for c in read_conversations(built.path) if c.record.mask is not None]
    assert sum(c.turn.present for c in masked) == 464
    assert sum(not c.turn.present for c in masked) / len(masked) == pytest.approx(0.3, abs=0.03)
    assert 20 <= built.images - 464 <= 33
    assert built.problems.count == 0
