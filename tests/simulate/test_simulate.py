"""A labelled set, replayed."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from small_set import write_set
from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError
from prsmed.learning.strategies import STRATEGIES
from prsmed.model.build import build_model
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.config import ModelConfig
from prsmed.simulate import Curves, SimulationConfig, simulate
from prsmed.simulate.cases import question_about, read_cases
from prsmed.simulate.report import Interval
from prsmed.simulate.settings import parse_strategies

SMALL = SimulationConfig(
    strategies=("random", "diversity"), rounds=2, per_round=2, seeds=2, pool=6, test=4, steps=2, batch_size=2
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"), normals=2)


@pytest.fixture(scope="module")
def checkpoint(
    tiny_config: ModelConfig, tiny_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    save_checkpoint(build_model(tiny_config, tiny_tokenizer), folder, "tiny-1")
    return folder


@pytest.fixture(scope="module")
def finished(data: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Curves, list[Any]]:
    """A simulation that nobody disturbed: its folder, what it found, what it reported."""
    out, told = tmp_path_factory.mktemp("finished"), []
    curves = simulate(data, out, SMALL, checkpoint, lambda *now: told.append(now))
    return out, curves, told


def quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""


def test_curves_table_and_picture(finished: tuple[Path, Curves, list[Any]]) -> None:
    out, curves, told = finished
    assert told == [("fine-tunings", done, 8) for done in range(1, 9)]
    assert curves.corrections == (2, 4)
    rows = list(csv.DictReader((out / "curves.csv").open()))
    assert len(rows) == 2 * 2 * 3
    assert {row["corrections"] for row in rows} == {"0", "2", "4"}
    for row in rows:
        expected = curves.start if row["corrections"] == "0" else None
        if expected is None:
            expected = curves.dice[row["strategy"]][int(row["seed"])][int(row["corrections"]) // 2 - 1]
        assert float(row["dice"]) == pytest.approx(expected, abs=1e-4)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["strategies"]["random"]["gain"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert summary["settings"]["pool"] == 6
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "fit").exists()


def test_only_new_images_of_the_pool_are_chosen(data: Path, finished: tuple[Path, Curves, list[Any]]) -> None:
    cases = read_cases(data, SMALL)
    for strategy, seed in SMALL.runs():
        rounds = json.loads((finished[0] / "runs" / f"{strategy}-{seed}.json").read_text())
        chosen = [name for each in rounds for name in each["chosen"]]
        assert len(set(chosen)) == 4
        assert set(chosen) <= set(cases.pool(6, seed))
        assert rounds[0]["next"] == rounds[1]["chosen"]
    assert cases.pool(6, 0) != cases.pool(6, 1)
    taught = {(record.modality, record.group) for record in cases.train.values()}
    assert not taught & {(asked.record.modality, asked.record.group) for asked in cases.test}


def test_a_killed_one_goes_on_where_it_was(
    data: Path, checkpoint: Path, tmp_path: Path, finished: tuple[Path, Curves, list[Any]]
) -> None:
    class Killed(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if done == 6:
            raise Killed

    with pytest.raises(Killed):
        simulate(data, tmp_path / "out", SMALL, checkpoint, stop)
    assert not (tmp_path / "out" / "curves.csv").exists()
    told: list[Any] = []
    assert simulate(data, tmp_path / "out", SMALL, checkpoint, lambda *now: told.append(now[1])) == finished[1]
    assert told == [2, 4, 5, 6, 7, 8], "two whole runs and one round of the third were kept"


def test_another_simulation_needs_another_folder(
    data: Path, checkpoint: Path, finished: tuple[Path, Curves, list[Any]]
) -> None:
    with pytest.raises(PRSMedError, match=r"other settings \(pool, steps\)") as caught:
        simulate(data, finished[0], replace(SMALL, steps=3, pool=7), checkpoint, quiet)
    assert caught.value.code == "other_run"


def test_more_strategies_and_seeds_are_added(
    data: Path, checkpoint: Path, tmp_path: Path, finished: tuple[Path, Curves, list[Any]]
) -> None:
    out, told = Path(shutil.copytree(finished[0], tmp_path / "out")), []
    more = replace(SMALL, strategies=("first", *SMALL.strategies), seeds=1)
    curves = simulate(data, out, more, checkpoint, lambda *now: told.append(now[1]))
    assert told == [1, 2, 4, 6]
    assert curves.dice["random"] == finished[1].dice["random"][:1]


def test_a_smaller_square(data: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = replace(SMALL, strategies=("entropy",), seeds=1, rounds=1, size=32)
    simulate(data, tmp_path / "out", config, checkpoint, quiet)
    told = json.loads((tmp_path / "out" / "start" / "manifest.json").read_text())
    assert told["config"]["image_size"] == 32
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["strategies"]["entropy"]["gain"] is None


def test_only_one_target(data: Path) -> None:
    cases = read_cases(data, replace(SMALL, only="polyp"))
    assert {record.target for record in cases.train.values()} == {"polyp"}
    assert {question_about(record) for record in cases.train.values()} == {"Where is the polyp in this endoscopy?"}
    assert {asked.record.target for asked in cases.test} == {"polyp"}


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"only": "gallstone"}, "too_few_images", "0 images to label of 'gallstone'"),
        ({"pool": 500}, "too_few_images", "500 are needed"),
        ({"rounds": 4}, "bad_simulation", "more than a pool of 6"),
        ({"seeds": 0}, "bad_simulation", "seeds is 0"),
        ({"size": 100}, "bad_simulation", "multiple of 32"),
        ({"strategies": ("luck",)}, "unknown_strategy", "'luck'"),
    ],
)
def test_refused(data: Path, changes: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(PRSMedError, match=message) as caught:
        read_cases(data, replace(SMALL, **changes))
    assert caught.value.code == code


def test_names_of_strategies() -> None:
    assert parse_strategies("all") == STRATEGIES
    assert parse_strategies(" flip, random,flip ") == ("flip", "random")
    for wrong in ("", "all,flip", "flip;random"):
        with pytest.raises(PRSMedError) as caught:
            parse_strategies(wrong)
        assert caught.value.code == "unknown_strategy"


def test_intervals_are_those_of_student() -> None:
    values = [0.4, 0.5, 0.65]
    interval = Interval.of(values)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (interval.value, interval.low, interval.high) == pytest.approx((np.mean(values), low, high))
    assert Interval.of([0.3]) == Interval(0.3, None, None)


def test_a_gain_is_paired_by_seed() -> None:
    dice = {"random": ((0.2, 0.4), (0.6, 0.8)), "flip": ((0.3, 0.5), (0.7, 0.9))}
    curves = Curves(0.1, (4, 8), dice)  # type: ignore[arg-type]
    gain, area = curves.gain("flip"), curves.area("flip")
    assert gain is not None
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.1, 0.1, 0.1))
    assert area.value == pytest.approx(0.6)
    assert area.low is not None
    assert area.low < 0.1
    assert Curves(0.1, (4, 8), {"flip": dice["flip"]}).gain("flip") is None
    assert [column.header for column in curves.to_terminal().columns] == ["Strategy", "4", "8", "Mean", "Beyond random"]
