from __future__ import annotations

from pathlib import Path

import pytest
from miniatures import MINIATURES

from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record
from prsmed.data.sources import SOURCES, Source, find_sources

BY_NAME = {source.name: source for source in SOURCES}
_OWN_GROUPS = ("index", "busi_normal")  # their groups hold for several sets, so no name is put before them


def _write(name: str, root: Path) -> Path:
    miniature = MINIATURES[name]
    folder = root / miniature.folder
    folder.mkdir(parents=True)
    miniature.write(folder)
    return folder


def _read(name: str, root: Path) -> tuple[Path, list[Record], Problems]:
    folder, problems = _write(name, root), Problems()
    return folder, list(BY_NAME[name].read(root, folder, problems)), problems


def test_every_source_has_its_own_name_and_a_miniature() -> None:
    assert len(BY_NAME) == len(SOURCES)
    assert set(BY_NAME) == set(MINIATURES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_says_what_it_is(source: Source, tmp_path: Path) -> None:
    texts = (source.name, source.title, source.modality, source.target, source.licence, source.obtain)
    assert all(texts)
    assert source.groups
    assert source.splits
    assert not source.is_here(tmp_path)
    assert not source.is_here(tmp_path / "not there")


@pytest.mark.parametrize("name", MINIATURES)
def test_is_found_and_no_other_claims_it(name: str, tmp_path: Path) -> None:
    folder = _write(name, tmp_path / "deep" / "down")
    assert find_sources(tmp_path) == [(BY_NAME[name], folder)]
    claims = {source.name for source in SOURCES if source.is_here(folder)}
    # A folder of any pairs may look like a known set, never the other way round.
    assert claims - {"image_folder"} == {name} - {"image_folder"}


@pytest.mark.parametrize("name", MINIATURES)
def test_reads_images_groups_and_splits(name: str, tmp_path: Path) -> None:
    _, records, problems = _read(name, tmp_path)
    folder = MINIATURES[name].folder
    prefix = "" if name in _OWN_GROUPS else f"{name}/"
    found = {
        record.image.removeprefix(f"{folder}/"): (record.group.removeprefix(prefix), record.split) for record in records
    }
    assert found == MINIATURES[name].images
    assert all(record.split in SPLITS and record.licence and record.modality and record.target for record in records)
    told = {kind: {path.removeprefix(f"{folder}/") for path in paths} for kind, paths in problems.found.items()}
    assert told == MINIATURES[name].problems


@pytest.mark.parametrize("name", MINIATURES)
def test_files_are_there_and_reading_is_repeatable(name: str, tmp_path: Path) -> None:
    folder, records, _ = _read(name, tmp_path)
    for record in records:
        for path in filter(None, (record.image, record.mask, *record.more_masks)):
            assert (tmp_path / path.split("#")[0]).is_file()
    assert list(BY_NAME[name].read(tmp_path, folder, Problems())) == records
    assert len(set(records)) == len(records)


@pytest.mark.parametrize("name", MINIATURES)
def test_a_source_may_be_the_data_folder_itself(name: str, tmp_path: Path) -> None:
    if MINIATURES[name].folder != "set":
        pytest.skip("known by its folder's name")
    folder = _write(name, tmp_path)
    records = list(BY_NAME[name].read(folder, folder, Problems()))
    assert records
    assert all((folder / record.image.split("#")[0]).is_file() for record in records)
    assert not any(record.image.startswith("./") for record in records)
