"""`prsmed data import`, as a user types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import command
from small_set import write_pair

from prsmed.data.schema import read_conversations


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    skin = root / "data/skin_rgbimage"
    for split, stem in (("train", "ISIC_1"), ("val", "ISIC_2")):
        write_pair(
            skin / f"{split}_images/{stem}.jpg",
            skin / f"{split}_masks/{stem}_Segmentation.png",
            np.random.default_rng(0),
        )
    (root / "annotations/qa").mkdir(parents=True)
    rows = [
        "image_path,image_name,split,description,position",
        "skin_rgbimage/train_masks/ISIC_1_Segmentation.png,ISIC_1,train,A mole, brown.,In the bottom left.",
        "skin_rgbimage/val_masks/ISIC_2_Segmentation.png,ISIC_2,val,A mole.,In the center.",
        "skin_rgbimage/val_masks/ISIC_7_Segmentation.png,ISIC_7,val,A mole.,In the center.",
    ]
    (root / "annotations/qa/skin_rgbimage.csv").write_text("\n".join(rows))
    return root


run = command("data", "import")


def test_import_tells_counts_and_what_was_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    out_folder = tmp_path / "out"
    code, out, err = run(capsys, monkeypatch, "--data", str(data), "--out", str(out_folder))
    assert code == 0
    assert "2 conversations about 2 images" in " ".join(out.split())
    assert [line.split() for line in out.splitlines() if "prs_med" in line] == [
        ["prs_med", "train", "1"],
        ["prs_med", "val", "1"],
    ]
    assert f"Written: {out_folder / 'conversations.jsonl'}" in out
    assert "Left out: 1 x bad row: annotations/qa/skin_rgbimage.csv:4" in err
    zones = [one.turn.positions[0].zone for one in read_conversations(out_folder / "conversations.jsonl")]
    assert zones == ["bottom left", "center"]


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--strict",), "skin_rgbimage.csv:4: bad row"), (("--data", "nowhere"), "no folder nowhere")],
)
def test_mistakes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path,
    words: tuple[str, ...], says: str,
) -> None:  # fmt: skip
    code, out, err = run(capsys, monkeypatch, "--data", str(data), "--out", str(tmp_path / "out"), *words)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
