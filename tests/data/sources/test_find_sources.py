from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from miniature_files import pairs
from miniatures import MINIATURES

from prsmed.data.problems import Problems
from prsmed.data.sources import find_sources, read_all
from prsmed.errors import PRSMedError


def _write(name: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    MINIATURES[name].write(folder)


def test_sets_side_by_side_are_found_in_natural_order(tmp_path: Path) -> None:
    for name, folder in (("busi", "set10"), ("etis", "set2"), ("msd", "a/b/set")):
        _write(name, tmp_path / folder)
    found = [(source.name, folder.relative_to(tmp_path).as_posix()) for source, folder in find_sources(tmp_path)]
    assert found == [("msd", "a/b/set"), ("etis", "set2"), ("busi", "set10")]


def test_nothing_is_searched_below_a_set_or_four_folders_down(tmp_path: Path) -> None:
    _write("busi", tmp_path / "set")
    _write("etis", tmp_path / "set/more")
    _write("etis", tmp_path / "1/2/3/4")
    assert [source.name for source, _ in find_sources(tmp_path)] == ["busi"]


@pytest.mark.parametrize(
    ("folder", "name"), [("CVC-ColonDB", "cvc_colondb"), ("CVC-300", "cvc_300"), ("ETIS-LaribPolypDB", "etis")]
)
def test_pranets_test_folders_go_by_their_names(tmp_path: Path, folder: str, name: str) -> None:
    pairs(tmp_path / folder, ("images/1.png", "masks/1.png"), ("images/30.png", "masks/30.png"))
    records = list(read_all(tmp_path, Problems()))
    assert [(record.dataset, record.group) for record in records] == [
        (name, f"{name}/block0000"),
        (name, f"{name}/block0001"),
    ]


def test_a_split_folder_of_pairs_keeps_its_split(tmp_path: Path) -> None:
    for split in ("train", "test"):
        pairs(tmp_path / "a", (f"{split}_images/{split}.png", f"{split}_masks/{split}.png"))
        pairs(tmp_path / "b", (f"{split}/images/{split}.png", f"{split}/masks/{split}.png"))
    pairs(tmp_path / "c", ("one.png", "one_mask.png"), ("two.jpg", "two_segmentation.png"))
    records = list(read_all(tmp_path, Problems()))
    assert [(Path(record.image).stem, record.split) for record in records] == [
        *[("train", "train"), ("test", "test")] * 2,
        ("one", "train"),
        ("two", "train"),
    ]
    assert {record.target for record in records} == {"marked region"}


def test_only_the_named_sources_are_read(tmp_path: Path) -> None:
    _write("busi", tmp_path / "set1")
    _write("etis", tmp_path / "set2")
    assert {record.dataset for record in read_all(tmp_path, Problems(), ["etis"])} == {"etis"}


@pytest.mark.parametrize(
    ("folder", "names", "code"),
    [("none", None, "missing_folder"), (".", ["bussi"], "unknown_source"), (".", None, "no_source")],
)
def test_what_cannot_be_read_at_all_is_told(tmp_path: Path, folder: str, names: list[str] | None, code: str) -> None:
    with pytest.raises(PRSMedError) as error:
        list(read_all(tmp_path / folder, Problems(), names))
    assert error.value.code == code


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write("etis", tmp_path / "set")
    (tmp_path / "secret").mkdir()
    listed = Path.iterdir

    def iterdir(self: Path) -> object:
        if self.name in ("secret", "Ground Truth"):
            raise PermissionError
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    problems = Problems()
    assert not list(read_all(tmp_path, problems))
    assert problems.found["unreadable"] == ["secret", "set/Ground Truth"]
    assert len(problems.found["image without mask"]) == 2


def test_strict_stops_at_the_first_problem(tmp_path: Path) -> None:
    _write("kvasir_seg", tmp_path / "set")
    with pytest.raises(PRSMedError, match="image without mask") as error:
        list(read_all(tmp_path, Problems(strict=True)))
    assert error.value.code == "bad_data"


def _index(folder: Path, *rows: str) -> None:
    header = "modality,dataset,target,image,mask,split,group,licence_data"
    (folder / "index.csv").write_text("\n".join((header, *(f"mri,a,mass,{row},train,g,CC0" for row in rows))))


def _volumes(folder: Path, *rows: str) -> None:
    (folder / "VOLUMES.csv").write_text(
        "\n".join(("name,modality,image,label,target", *(f"a b,ct,{r},liver" for r in rows)))
    )


@pytest.mark.parametrize("write", [_index, _volumes])
def test_a_list_names_nothing_outside_the_data(tmp_path: Path, write: Callable[..., None]) -> None:
    pairs(tmp_path / "secret", ("i.png", "m.png"))
    folder = tmp_path / "data/set"
    pairs(folder, ("i.png", "m.png"))
    secret, problems = tmp_path / "secret", Problems()
    write(folder, "../../secret/i.png,../../secret/m.png", f"{secret}/i.png,{secret}/m.png", f"i.png,{secret}/m.png")
    assert not list(read_all(tmp_path / "data", problems))
    assert problems.count == 3


@pytest.mark.parametrize("name", ["../../secret/i", "/secret/i"])
def test_a_datastore_names_nothing_outside_the_data(tmp_path: Path, name: str) -> None:
    pairs(tmp_path / "secret", ("i.png", "m.png"))
    folder = tmp_path / "data/set"
    folder.mkdir(parents=True)
    entry = {"image": {"ext": ".png"}, "labels": {"final": {"ext": ".png"}}}
    (folder / "datastore_v2.json").write_text(json.dumps({"objects": {name: entry}}))
    problems = Problems()
    assert not list(read_all(tmp_path / "data", problems))
    assert problems.found.keys() == {"bad row"}


def test_a_volume_that_is_its_own_label_costs_itself_only(tmp_path: Path) -> None:
    pairs(tmp_path, ("i.png", "m.png"))
    _volumes(tmp_path, "i.png,i.png")
    problems = Problems()
    assert not list(read_all(tmp_path, problems))
    assert problems.found == {"mask is the image": ["i.png"]}


def test_about_takes_texts_only(tmp_path: Path) -> None:
    pairs(tmp_path, ("images/a.png", "masks/a.png"))
    (tmp_path / "about.json").write_text('{"modality": null, "target": " ", "licence": "CC0"}')
    (record,) = read_all(tmp_path, Problems())
    assert (record.modality, record.target, record.licence) == ("unknown", "marked region", "CC0")
