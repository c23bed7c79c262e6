from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluation_set import absent, outcome
from rich.console import Console

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.pictures import Picture
from prsmed.evaluation.report import HTML, JSON, MARKDOWN, OUTCOMES, Evaluation, write_report
from prsmed.evaluation.summary import all_measures, summarise
from prsmed.evaluation.tables import to_terminal
from prsmed.model.checkpoint import Manifest

EVIL = "<script>alert('$x')</script> & \"quoted\""
OUTCOMES_MADE = (
    outcome(id="a", dice=0.25),
    outcome(id="b", dice=0.75, group="g1"),
    absent(id="c"),
    outcome(id="d", modality="lung_ct", group="g2", dice=1.0, question=EVIL, text=EVIL, true_answer=EVIL),
)


def evaluation(outcomes: tuple[Outcome, ...] = OUTCOMES_MADE) -> Evaluation:
    measures = all_measures(outcomes)
    return Evaluation(
        model=Manifest("prsmed", "tiny-1", "ab" * 32, {}),
        list_sha256="cd" * 32,
        outcomes=outcomes,
        measures=measures,
        summary=summarise(measures, outcomes),
        constants={"brain_mri": "top left"},
    )


class Page(HTMLParser):
    """Collects tags, text and cells of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture
def written(tmp_path: Path) -> Path:
    picture = Picture("worst", OUTCOMES_MADE[3], b"png")
    write_report(evaluation(), [picture], tmp_path)
    return tmp_path


def test_machines_get_every_estimate_and_every_answer(written: Path) -> None:
    values = json.loads((written / JSON).read_text())
    assert values["summary"]["dice"]["brain_mri"]["value"] == 0.5
    assert values["summary"]["dice"]["macro"]["value"] == 0.75
    assert values["summary"]["dice"]["brain_mri"]["groups"] == 2
    assert set(values["summary"]) <= set(values["measures"])
    lines = [json.loads(line) for line in (written / OUTCOMES).read_text().splitlines()]
    assert [line["id"] for line in lines] == ["a", "b", "c", "d"]
    assert lines[3]["text"] == EVIL
    assert lines[0]["true_place"] == {"zones": ["top left"], "near": False}


def test_markdown_tables_are_whole(written: Path) -> None:
    text = (written / MARKDOWN).read_text()
    assert "| brain mri | 2 (2) | 1 (1) | 0.500 [0.25, 0.75] |" in text
    assert "| lung ct | 1 (1) | 0 (0) | 1.000 [no interval] |" in text
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 6
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
        assert block[-1].startswith(("| macro |", "| Most frequent |"))


def test_the_page_stands_alone_and_shows_typed_marks_as_text(written: Path) -> None:
    page = Page()
    page.feed((written / HTML).read_text())
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 3
    *charts, picture = page.links
    assert len(charts) == 3
    assert all(chart.startswith("data:image/png;base64,") for chart in charts)
    assert picture == "data:image/png;base64,cG5n"
    assert any(row[:4] == ["brain mri", "2 (2)", "1 (1)", "0.500 [0.25, 0.75]"] for row in page.rows)


def test_the_terminal_shows_figures_and_intervals() -> None:
    console = Console(width=140, file=io.StringIO(), record=True)
    for table in to_terminal(evaluation().tables()):
        console.print(table)
    text = console.export_text()
    assert "0.500" in text
    assert "[0.25, 0.75]" in text


def test_no_figure_of_a_wide_table_is_cut_off() -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    made = evaluation().tables()
    for table in to_terminal(made):
        console.print(table)
    text = console.export_text()
    figures = [cell.figure for table in made for row in table.rows for cell in row[1:]]
    assert len(figures) > 100
    assert all(text.count(figure) >= figures.count(figure) for figure in set(figures))


def test_a_system_without_words_has_no_table_of_words() -> None:
    mute = outcome(text=None, text_place=None, text_denies=None, agrees=None, says_present=None)
    assert [table.title for table in evaluation((mute,)).tables()] == [
        "Mask",
        "Found and missed",
        "Position",
        "Position fields",
    ]


def test_a_figure_over_fewer_answers_says_so() -> None:
    mixed = (outcome(id="a"), outcome(id="b", group="g1"), outcome(id="c", text=None, text_place=None, agrees=None))
    position = next(table for table in evaluation(mixed).tables() if table.title == "Position")
    cells = dict(zip(position.header, position.rows[0], strict=True))
    assert cells["Text"].interval.endswith("n 2 (2)")
    assert "n" not in cells["Mask"].interval
