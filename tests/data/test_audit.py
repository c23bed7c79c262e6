from __future__ import annotations

import base64
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from drawn_set import SHAPE, again, box, picture, write
from numpy.typing import NDArray
from PIL import Image
from talk_set import one_of_each_kind, write_picture
from typer.testing import CliRunner

from prsmed.cli_data_audit import audit as audit_command
from prsmed.cli_data_audit import review as review_command
from prsmed.data import audit_findings
from prsmed.data.audit import audit, audit_conversations
from prsmed.data.audit_page import write_page
from prsmed.data.audit_tables import examples, summary, tables, to_terminal
from prsmed.data.images import read_image
from prsmed.data.record import Record
from prsmed.data.schema import Conversation, Review, Turn, to_line
from prsmed.position.findings import Position

MIDDLE = box(90, 110, 110, 130)


def clean(root: Path, count: int = 6) -> list[Record]:
    """Pictures with nothing wrong, every third held out."""
    return [
        write(root, f"clean{seed}", picture(seed), MIDDLE, split="val" if seed % 3 == 2 else "train")
        for seed in range(count)
    ]


def test_a_clean_set_has_no_findings(tmp_path: Path) -> None:
    found = audit(clean(tmp_path), tmp_path)
    assert found.images == 6
    assert found.alike_in_group == 0
    for name in ("shared_groups", "leaks", "duplicates", "empty", "specks", "gray", "unreadable"):
        assert getattr(found, name).count == 0, name
    assert examples(found) == []


def test_planted_faults_are_found_and_nothing_else(tmp_path: Path) -> None:
    records = clean(tmp_path)
    near_leak = write(tmp_path, "near", again(picture(0)), split="test", group="elsewhere")
    exact_leak = write(tmp_path, "exact", picture(1), MIDDLE, split="val")
    twin = write(tmp_path, "twin", picture(3), MIDDLE)
    near_twin = write(tmp_path, "near_twin", again(picture(2)), split="val")
    frame = write(tmp_path, "frame", again(picture(4)), group="clean4")
    shared = write(tmp_path, "shared", picture(50), MIDDLE, split="test", group="clean5")
    nothing = np.zeros(SHAPE, np.uint8)
    empty = write(tmp_path, "empty", picture(51), nothing)
    healthy = write(tmp_path, "healthy", picture(52), nothing, is_healthy=True)
    speck = write(tmp_path, "speck", picture(53), MIDDLE | box(5, 5, 8, 8))
    second = write(tmp_path, "second", picture(54), MIDDLE | box(5, 5, 15, 15))  # a quarter of the first: no speck
    gray = write(tmp_path, "gray", picture(55), MIDDLE)
    Image.fromarray((255 * MIDDLE).astype(np.uint8) | box(0, 0, 9, 9) * 30).save(tmp_path / str(gray.mask))
    broken = write(tmp_path, "broken", picture(56))
    (tmp_path / broken.image).write_bytes(b"no picture")
    planted = [near_leak, exact_leak, twin, near_twin, frame, shared, empty, healthy, speck, second, gray, broken]
    found = audit(records + planted, tmp_path)

    def names(pairs: object) -> list[tuple[frozenset[str], bool]]:
        stems = [
            (frozenset({Path(pair.first.image).stem, Path(pair.second.image).stem}), pair.is_exact)
            for pair in pairs  # type: ignore[attr-defined]
        ]
        return sorted(stems, key=lambda item: sorted(item[0]))

    assert names(found.leaks) == [(frozenset({"clean0", "near"}), False), (frozenset({"clean1", "exact"}), True)]
    assert names(found.duplicates) == [
        (frozenset({"clean2", "near_twin"}), False),
        (frozenset({"clean3", "twin"}), True),
    ]
    assert found.alike_in_group == 1  # the frame
    [group] = found.shared_groups
    assert (group.within, group.group, group.counts, group.firsts) == (
        "polyp_endoscopy",
        "clean5",
        {"val": 1, "test": 1},
        (records[5], shared),
    )
    assert list(found.empty) == [empty]
    assert list(found.specks) == [speck]
    assert list(found.gray) == [gray]
    assert [(item.record, item.code) for item in found.unreadable] == [(broken, "bad_image")]
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["leaks"]["count"] == 2
    assert {image["image"] for image in plain["leaks"]["shown"][0]["images"]} == {"images/clean1.png", exact_leak.image}


def test_one_patients_ct_and_mr_in_two_splits_are_a_leak(tmp_path: Path) -> None:
    """Within a set a group's name is a patient's; another set may use the same name for somebody else."""
    ct = write(tmp_path, "ct", picture(0), modality="ct", group="patient 1")
    mr = write(tmp_path, "mr", picture(1), modality="mri", group="patient 1", split="test")
    other = write(tmp_path, "other", picture(2), modality="pet", group="patient 1", split="val", dataset="other")
    [group] = audit([ct, mr, other], tmp_path).shared_groups
    assert (group.within, group.counts, group.firsts) == ("drawn", {"train": 1, "test": 1}, (ct, mr))


def test_examples_are_capped_and_counts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_findings, "LISTED", 3)
    nothing = np.zeros(SHAPE, np.uint8)
    found = audit([write(tmp_path, f"e{seed}", picture(seed), nothing) for seed in range(5)], tmp_path)
    assert found.empty.count == 5
    assert len(list(found.empty)) == 3


def by_box(mask: NDArray[np.uint8]) -> str:
    """The released code's rule in plain loops (research brief of PRS-Med, 3.1)."""
    inside = [(y, x) for y in range(SHAPE[0]) for x in range(SHAPE[1]) if mask[y, x]]
    ys, xs = [y for y, _ in inside], [x for _, x in inside]
    middle_y, middle_x = SHAPE[0] // 2, SHAPE[1] // 2
    if min(ys) <= middle_y <= max(ys) and min(xs) <= middle_x <= max(xs):
        return "center"
    y, x = (min(ys) + max(ys)) / 2, (min(xs) + max(xs)) / 2
    return f"{'top' if y < middle_y else 'bottom'} {'left' if x < middle_x else 'right'}"


def by_area(mask: NDArray[np.uint8]) -> str:
    """A.6: the quadrant with most pixels; the pictures' sides are even."""
    counts: Counter[str] = Counter()
    for y, x in zip(*np.nonzero(mask), strict=True):
        counts[f"{'top' if y < SHAPE[0] / 2 else 'bottom'} {'left' if x < SHAPE[1] / 2 else 'right'}"] += 1
    return counts.most_common(1)[0][0]


def test_rules_baseline_and_balance_are_those_of_counting(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    records, masks = [], []
    for number in range(24):
        top, left = int(rng.integers(0, 150)), int(rng.integers(0, 190))
        mask = box(top, left, top + int(rng.integers(10, 120)), left + int(rng.integers(10, 150)))
        if number % 4 == 0:  # a small region far off pulls the box, not the area
            mask = box(20, 125, 80, 160) | box(2, 2, 8, 8)
        masks.append(mask)
        records.append(write(tmp_path, f"m{number}", picture(number % 3), mask))
    records.append(write(tmp_path, "without", picture(3)))
    found = audit(records, tmp_path)
    named = [(by_box(mask), by_area(mask)) for mask in masks]
    [zones] = found.zones
    boxes = Counter(box for box, _ in named)
    assert dict(zones.box) == boxes
    assert dict(zones.area) == Counter(area for _, area in named)
    assert zones.differ == sum(one != other for one, other in named)
    assert zones.quadrants_differ == sum(one not in (other, "center") for one, other in named) > 0
    assert zones.images == 24
    assert boxes[zones.majority] == max(boxes.values())
    assert zones.majority_accuracy == max(boxes.values()) / 24
    recalls = [float(zone == zones.majority) for zone in boxes]
    assert zones.balanced_accuracy == pytest.approx(np.mean(recalls))
    [balance] = found.balance
    assert (balance.source, balance.target, balance.images, balance.present) == ("drawn", "polyp", 25, 24)
    [licence] = found.licences
    assert (licence.licence, licence.images) == ("CC0", 25)


def test_a_crop_is_judged_as_shown_and_compared_whole(tmp_path: Path) -> None:
    record = write(tmp_path, "p", picture(0), box(10, 10, 20, 20))
    cropped = replace(record, crop=(0, 0, 30, 30), split="val")
    found = audit([record, cropped], tmp_path)
    assert {zones.split: zones.majority for zones in found.zones} == {"train": "top left", "val": "center"}
    [leak] = found.leaks
    assert leak.is_exact


def conversations(records: list[Record]) -> list[Conversation]:
    there = Turn("Where is the polyp?", "The polyp is in the center.", "polyp", True, (Position("center", True),))
    absent = Turn("Where is the nodule?", "There is no nodule in this image.", "nodule", False, ())
    choice = replace(there, options=("top left", "center"), letter="B")
    made = []
    for number, record in enumerate(records):
        made.append(Conversation(f"x-{number}a", "position", record, (there,)))
        made.append(Conversation(f"x-{number}b", "dialogue", record, (absent, there)))
        made.append(Conversation(f"x-{number}c", "choice", record, (choice,)))
    rejected = replace(made[0], id="x-no", review=Review("rejected", "R", "2026-01-01T00:00:00+00:00"))
    return [*made, rejected]


def write_list(root: Path) -> Path:
    path = root / "conversations.jsonl"
    records = [*clean(root, 3), write(root, "leak", again(picture(0), cut=0, scale=1), MIDDLE, split="val")]
    path.write_text("".join(to_line(item) + "\n" for item in conversations(records)), encoding="utf-8")
    return path


def test_a_built_list_is_audited_by_its_own_splits(tmp_path: Path) -> None:
    found = audit_conversations(write_list(tmp_path), tmp_path)
    assert found.images == 4  # each once, however often it is asked about
    assert found.leaks.count == 1
    counted = {(row.kind, row.split): (row.turns, row.absent, dict(row.letters)) for row in found.questions}
    assert counted == {
        (kind, split): (turns, absent, letters)
        for split in ("train", "val")
        for kind, turns, absent, letters in (("position", 2, 0, {}), ("dialogue", 4, 2, {}), ("choice", 2, 0, {"B": 2}))
    }


def is_outlined(jpeg: str) -> bool:
    """Whether a picture that was grey shows the outline's blue."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg))), dtype=int)
    return bool((pixels[..., 2] - pixels[..., 0]).max() > 60)


def test_page_draws_what_was_found(tmp_path: Path) -> None:
    """A leak, an empty mask, and a picture with a nasty name."""
    gray = [picture(seed).mean(axis=2).astype(np.uint8) for seed in range(3)]
    records = [
        write(tmp_path, "one", gray[0], MIDDLE),
        write(tmp_path, "other", again(gray[0], cut=0, scale=1), MIDDLE, split="val"),
        write(tmp_path, "hollow", gray[1], np.zeros(SHAPE, np.uint8), dataset="<b>&"),
        write(tmp_path, "fine", gray[2], MIDDLE),
    ]
    write_page(audit(records, tmp_path), tmp_path, tmp_path / "new" / "audit.html")
    page = (tmp_path / "new" / "audit.html").read_text(encoding="utf-8")
    pictures = [part.split('"')[0] for part in page.split("data:image/jpeg;base64,")[1:]]
    assert list(map(is_outlined, pictures)) == [True, True, False]
    assert "images/hollow.png" in page
    assert "images/fine.png" not in page
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;" in page
    assert "http" not in page, "the page needs no other"
    assert page.count('title="center: ') == 2  # a bar of each split; the area rule knows no center


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("audit")(audit_command)
    made.command("review")(review_command)
    return made


def test_command_prints_json_and_writes_the_page(tmp_path: Path, app: typer.Typer) -> None:
    path = write_list(tmp_path)
    words = ["audit", "--data", str(tmp_path), "--conversations", str(path), "--html", str(tmp_path / "audit.html")]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["leaks"]["count"] == 1
    assert told["left_out"] == {}
    assert (tmp_path / "audit.html").is_file()
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    for said in (
        "Audit of 4 images",
        "images/leak.png",
        "Majority-class baseline",
        "CC0",
        "right letters",
        "audit.html",
    ):
        assert said in shown.stdout, said


def test_tables_hold_every_finding(tmp_path: Path) -> None:
    """Each table has as many cells a row as columns, and rich takes them, brackets and all."""
    records = [*clean(tmp_path, 2), write(tmp_path, "[bold]", again(picture(0), cut=0, scale=1), MIDDLE, split="val")]
    found = audit(records, tmp_path)
    made = [summary(found), *examples(found), *tables(found)]
    assert all(len(row) == len(table.header) for table in made for row in table.rows)
    assert len(to_terminal(made)) == len(made)
    assert any("images/[bold].png" in row for table in made for row in table.rows)


def test_a_mask_inside_another_file_is_looked_at(tmp_path: Path) -> None:
    write_picture(tmp_path)
    (record,) = {one.record for one in one_of_each_kind()}
    rows, cols = read_image(record, tmp_path)[1].shape
    target = {"label": "polyp", "rle": {"size": [rows, cols], "counts": [0, rows * cols]}}
    (tmp_path / "medseg.json").write_text(json.dumps([{"turns": [{}, {"targets": [target]}]}]))
    found = audit([replace(record, mask="medseg.json#0/1/0")], tmp_path)
    assert (found.balance[0].present, found.gray.count, found.unreadable.count) == (1, 0, 0)
