from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_set import write_pair

from prsmed.data.released import import_released
from prsmed.data.schema import from_line, read_conversations, to_line
from prsmed.data.sources import SOURCES
from prsmed.data.wording import Wording
from prsmed.errors import PRSMedError

DOCS = Path(__file__).resolve().parents[2] / "docs/data.md"
BRAIN = "brain_tumors_ct_scan"
PLACE = "The tumor resides in position top right and close to the center."


def _write_prs_med(folder: Path) -> None:
    """Two images; four rows, one of them about an image that is not there."""
    rng = np.random.default_rng(0)
    for split, name in (("train", "1"), ("test", "2")):
        write_pair(
            folder / f"data/{BRAIN}/{split}_images/{name}.png", folder / f"data/{BRAIN}/{split}_masks/{name}.png", rng
        )
    (folder / "annotations/qa").mkdir(parents=True)
    rows = [
        "image_path,image_name,split,question,answer,position",
        f"{BRAIN}/train_masks/1.png,1.png,train,Where is it?,At the top right,{PLACE}",
        f"{BRAIN}/test_masks/2.png,2.png,test,Where is it?,At the top right,{PLACE}",
        f"{BRAIN}/train_masks/9.png,9.png,train,Where is it?,At the top right,{PLACE}",
        f"{BRAIN}/train_masks/1.png,1.png,train,And the tumour?,At the top right,{PLACE}",
    ]
    (folder / f"annotations/qa/{BRAIN}.csv").write_text("\n".join(rows))


def _write_medseg(folder: Path) -> None:
    write_pair(folder / "a.png", folder / "a_liver.png", np.random.default_rng(1))
    said = [
        {"role": "user", "text": "Which organ makes bile?"},
        {"role": "assistant", "text": "The liver [SEG].", "targets": [{"label": "liver", "mask": "a_liver.png"}]},
    ]
    (folder / "medseg_qa.json").write_text(json.dumps([{"image": "a.png", "split": "val", "turns": said}]))


def test_both_releases_become_one_list_with_its_manifest(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    _write_prs_med(data / "released")
    _write_medseg(data / "talk")
    built = import_released(data, out)
    conversations = list(read_conversations(built.path))
    csv = f"prs_med/released/annotations/qa/{BRAIN}.csv"
    assert [one.id for one in conversations] == [
        f"{csv}:2",
        f"{csv}:3",
        f"{csv}:5",
        "medseg_qa/talk/medseg_qa.json:0/0",
    ]
    assert [one.turn.answer for one in conversations[2:]] == ["At the top right", "The liver."]
    assert built.images == 3, "rows about one image count it once"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["schema"] == "prsmed.conversation/1"
    assert (manifest["images"], manifest["conversations"]) == (3, 4)
    assert manifest["counts"] == {
        "medseg_qa": {"val": {"position": 1}},
        "prs_med": {"train": {"position": 2}, "test": {"position": 1}},
    }
    assert {name: told["records"] for name, told in manifest["sources"].items()} == {"medseg_qa": 1, "prs_med": 2}
    bad_row = f"released/annotations/qa/{BRAIN}.csv:4"
    assert manifest["problems"] == {"bad row": {"count": 1, "paths": [bad_row]}}
    assert built.problems.found == {"bad row": [bad_row]}
    assert manifest["conversations_sha256"] == hashlib.sha256(built.path.read_bytes()).hexdigest()
    assert sorted(path.name for path in out.iterdir()) == ["conversations.jsonl", "manifest.json"]


def test_two_copies_of_a_release_have_ids_of_their_own(tmp_path: Path) -> None:
    for copy in ("one", "two"):
        _write_prs_med(tmp_path / "data" / copy)
    ids = [one.id for one in read_conversations(import_released(tmp_path / "data", tmp_path / "out").path)]
    assert len(set(ids)) == len(ids) == 6


def test_conversations_about_a_picture_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _write_prs_med(data)
    image, mask = f"data/{BRAIN}/train_images/1.png", f"data/{BRAIN}/test_masks/2.png"
    (data / image).write_bytes(b"no picture")
    seen: list[tuple[str, int, int]] = []
    built = import_released(data, tmp_path / "out", report=lambda *told: seen.append(told))
    assert [one.record.mask for one in read_conversations(built.path)] == [mask]
    assert built.problems.found["unreadable"] == [image], "told once, for two rows"
    assert (built.images, seen) == (1, [("checking images", done, 3) for done in (1, 2, 3)])
    Image.new("L", (5, 5), 255).save(data / mask)
    with pytest.raises(PRSMedError, match=r"3 left out.*csv:4: bad row") as none_left:
        import_released(data, tmp_path / "out")
    assert none_left.value.code == "no_annotations"
    assert len(list(read_conversations(built.path))) == 1, "the list of before is untouched"


def test_nothing_to_import_is_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="nowhere") as missing:
        import_released(tmp_path / "nowhere", tmp_path / "out")
    assert missing.value.code == "missing_folder"
    write_pair(tmp_path / "data/images/1.png", tmp_path / "data/masks/1.png", np.random.default_rng(0))
    with pytest.raises(PRSMedError, match="no released annotations") as nothing:
        import_released(tmp_path / "data", tmp_path / "out")
    assert nothing.value.code == "no_annotations"


def test_strict_stops_at_a_bad_row(tmp_path: Path) -> None:
    _write_prs_med(tmp_path / "data")
    with pytest.raises(PRSMedError, match=rf"{BRAIN}.csv:4: bad row") as stopped:
        import_released(tmp_path / "data", tmp_path / "out", strict=True)
    assert stopped.value.code == "bad_data"
    assert list((tmp_path / "out").iterdir()) == []


def test_the_docs_tell_of_every_source() -> None:
    lines = DOCS.read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    told = {row[0].strip("`"): row for row in rows if len(row) == 7}
    for source in SOURCES:
        facts = (source.modality, source.target, source.licence, source.obtain, source.groups, source.splits)
        assert tuple(told[source.name][1:]) == facts


@pytest.mark.slow
def test_the_docs_example_in_torch_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = DOCS.read_text().split("```python\n")[1].split("```")[0]
    _write_prs_med(tmp_path / "DATA")
    import_released(tmp_path / "DATA", tmp_path / "TALK")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/data.md", "exec"), {})
    assert "torch.Size([2, 3, 256, 256]) torch.Size([2, 1, 256, 256])" in capsys.readouterr().out


def test_the_docs_example_of_a_wording_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(DOCS.read_text().split("```yaml\n")[1].split("```")[0])
    wording = Wording.load(tmp_path / "mine.yaml")
    added = [phrase.text for phrase in wording.of("position", "questions", held_out=False) if "user/" in phrase.id]
    assert added == ["Show {the} {here}, please."]


def test_the_docs_example_of_a_line_has_every_field() -> None:
    line = json.loads(DOCS.read_text().split("```json\n")[1].split("```")[0])
    assert json.loads(to_line(from_line(json.dumps(line)))) == line
