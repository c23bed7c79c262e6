from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from talk_set import SPOTS, conversation, one_of_each_kind, turn, write_picture
from typer import Typer
from typer.testing import CliRunner

from prsmed.cli_data_sheet import sheet
from prsmed.data.review import decide
from prsmed.data.schema import KINDS, Conversation, Review, to_line
from prsmed.data.sheet import WIDTH, _choose, draw_sheet
from prsmed.errors import PRSMedError

BLUE, YELLOW = (12, 190, 255), (255, 194, 10)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheet")
    write_picture(folder)
    write_picture(folder, "one", SPOTS[:1])
    return folder


def drawn(talk: list[Conversation], root: Path, out: Path, **options: int) -> np.ndarray:
    draw_sheet(talk, root, out, **options)
    with Image.open(out) as image:
        assert image.format == "PNG"
        return np.asarray(image).astype(int)


def share(pixels: np.ndarray, color: tuple[int, int, int]) -> float:
    return float((np.abs(pixels - color).max(axis=2) < 40).mean())


def test_a_sheet_is_as_wide_as_a_readme_and_shows_its_cards(root: Path, tmp_path: Path) -> None:
    pixels = drawn(one_of_each_kind(), root, tmp_path / "deep" / "sheet.png", count=7)
    assert WIDTH - 3 <= pixels.shape[1] <= WIDTH
    assert 3 * 448 < pixels.shape[0] < 3 * 640
    third = pixels.shape[1] // 3
    for row in range(3):
        for column in range(3):
            cell = pixels[row * pixels.shape[0] // 3 :, column * third : (column + 1) * third]
            cell = cell[: pixels.shape[0] // 3]
            if 3 * row + column < 7:
                assert share(cell, BLUE) > 0.001
                assert cell.std() > 40
            else:
                assert cell.min() == 255


def test_what_is_asked_is_blue_and_the_rest_of_the_mask_yellow(root: Path, tmp_path: Path) -> None:
    whole = drawn([conversation()], root, tmp_path / "a.png")
    part = drawn([conversation(turns=(turn(regions=(1,)),))], root, tmp_path / "b.png")
    absent = drawn([conversation(turns=(turn(present=False),), kind="absent")], root, tmp_path / "c.png")
    assert share(whole, BLUE) > share(part, BLUE) > 0
    assert share(whole, YELLOW) == 0 == share(absent, BLUE)
    assert share(absent, YELLOW) > share(part, YELLOW) > 0


def test_long_words_are_wrapped_not_cut(root: Path, tmp_path: Path) -> None:
    short = drawn([conversation()], root, tmp_path / "a.png")
    long = drawn([conversation(turns=(turn(answer="the lesion is here " * 30),) * 2)], root, tmp_path / "b.png")
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0] + 200
    margin = long[470:-16, -18:-15]  # inside the card, right of the words
    assert np.ptp(margin) == 0


def test_kinds_modalities_and_images_are_mixed() -> None:
    talk = [
        replace(one, record=replace(one.record, modality=f"modality{number % 3}", image=f"{number}.png"))
        for number in range(40)
        for one in one_of_each_kind()
    ]
    chosen = _choose(talk, 2 * len(KINDS), np.random.default_rng(0))
    assert [one.kind for one in chosen] == [kind for kind in KINDS for _ in range(2)]
    assert len({one.record.image for one in chosen}) == len(chosen)
    modalities = [one.record.modality for one in chosen]
    assert {modalities.count(name) for name in modalities} == {6}
    assert chosen == _choose(talk, 2 * len(KINDS), np.random.default_rng(0))
    assert chosen != _choose(talk, 2 * len(KINDS), np.random.default_rng(1))


def test_of_a_kind_those_with_something_to_see_come_first() -> None:
    denied = [conversation(number, kind="count", turns=(turn(present=False),)) for number in range(20)]
    there, absent = conversation(99, kind="count"), conversation(98, kind="absent", turns=(turn(present=False),))
    assert _choose([*denied, there, absent], 2, np.random.default_rng(0)) == [absent, there]


def test_rejected_conversations_are_not_shown(root: Path, tmp_path: Path) -> None:
    rejected = conversation(review=Review("rejected", "reader", "now"))
    assert _choose([rejected, conversation(1)], 2, np.random.default_rng(0)) == [conversation(1)]
    with pytest.raises(PRSMedError) as error:
        draw_sheet([rejected], root, tmp_path / "a.png")
    assert error.value.code == "no_conversations"


def test_the_command_writes_the_picture(root: Path, tmp_path: Path) -> None:
    app = Typer()
    app.command()(sheet)
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(to_line(one) + "\n" for one in one_of_each_kind()))
    ran = CliRunner().invoke(app, [str(path), "--data", str(root), "--out", str(tmp_path / "a.png"), "--count", "2"])
    assert ran.exit_code == 0, ran.output
    assert "a.png" in ran.output
    assert Image.open(tmp_path / "a.png").width < WIDTH


def test_a_name_of_another_kind_of_file_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match=r"\.png") as error:
        draw_sheet([conversation(1)], root, tmp_path / "a.doc")
    assert error.value.code == "no_png"


def test_a_rejection_that_is_not_merged_yet_counts(root: Path, tmp_path: Path) -> None:
    app, path = Typer(), tmp_path / "talk.jsonl"
    app.command()(sheet)
    path.write_text(to_line(conversation(1)) + "\n")
    decide(path, conversation(1), "rejected", "reader")
    ran = CliRunner().invoke(app, [str(path), "--data", str(root), "--out", str(tmp_path / "a.png")])
    assert getattr(ran.exception, "code", "") == "no_conversations"
