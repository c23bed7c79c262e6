"""Several processes train as one does: real ones, talking to each other as on several machines, on this CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from launched import launch
from safetensors.torch import load_file

from prsmed.errors import PRSMedError
from prsmed.training import trainer
from prsmed.training.config import TrainConfig
from prsmed.training.processes import Processes
from prsmed.training.trainer import Progress, Trainer

CONFIG = TrainConfig(
    steps=4, batch_size=8, lr=1e-3, warmup=1, small_size=32, small_share=0.5, batch_norm="frozen", ema=0.5
)
FACTS = {"preset": "tiny"}
Make = Callable[..., Trainer]


def ignore(_: Progress) -> None:
    pass


def train_in(make: Make, run: Path, config: TrainConfig, report: Callable[[Progress], None] = ignore) -> None:
    processes = Processes.launched("cpu")
    assert processes.count == 2
    told: list[dict[str, float]] = []

    def note(progress: Progress) -> None:
        told.append(progress.losses)
        report(progress)

    make(run, config, processes=processes, dropout=0.0, weights_seed=processes.rank).run(FACTS, note)
    (run / f"told-{processes.rank}").write_text(repr(told))


def assert_close(one: Path, other: Path, file: str) -> None:
    first, second = (load_file(run / "state" / f"{file}.safetensors") for run in (one, other))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        # A bias of attention's keys changes nothing: its gradient is rounding, which AdamW makes large.
        if name.endswith(("in_proj_bias", "qkv.bias")):
            continue
        torch.testing.assert_close(second[name], tensor, rtol=1e-3, atol=2e-5, msg=lambda text, n=name: f"{n}: {text}")


@pytest.fixture(autouse=True)
def _save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "SAVE_EVERY", 2)
    monkeypatch.setattr(trainer, "CHECK_EVERY", 2)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_learn_what_one_does(make_trainer: Make, tmp_path: Path, accumulate: int) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    told: list[Progress] = []
    make_trainer(alone, CONFIG, dropout=0.0).run(FACTS, told.append)
    launch(train_in, 2, make_trainer, together, replace(CONFIG, accumulate=accumulate))
    for file in ("model", "optimizer", "average"):
        assert_close(alone, together, file)
    (first, second) = (eval((together / f"told-{rank}").read_text()) for rank in range(2))
    assert first == second
    for step, losses in enumerate(first):
        assert losses == pytest.approx(told[step].losses, abs=3e-3)


def test_parts_of_a_step_add_up_to_the_step(make_trainer: Make, tmp_path: Path) -> None:
    for accumulate in (1, 4):
        config = replace(CONFIG, accumulate=accumulate)
        make_trainer(tmp_path / str(accumulate), config, dropout=0.0).run(FACTS, ignore)
    for file in ("model", "optimizer", "average"):
        assert_close(tmp_path / "1", tmp_path / "4", file)


class Killed(Exception):
    pass


def kill_at_three(progress: Progress) -> None:
    if progress.step == 3:
        raise Killed


def test_two_processes_resume_where_they_were_killed(make_trainer: Make, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    launch(train_in, 2, make_trainer, whole, CONFIG)
    with pytest.raises(mp.ProcessRaisedException, match="Killed"):
        launch(train_in, 2, make_trainer, killed, CONFIG, kill_at_three)
    launch(train_in, 2, make_trainer, killed, CONFIG)
    for file in ("model", "optimizer", "average"):
        one, other = (load_file(run / "state" / f"{file}.safetensors") for run in (whole, killed))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_batch_norm_over_processes_on_cpus_is_refused(make_trainer: Make, tmp_path: Path) -> None:
    processes = Processes(torch.device("cpu"), rank=0, count=2)
    with pytest.raises(PRSMedError, match="batch_norm frozen") as caught:
        make_trainer(tmp_path, replace(CONFIG, batch_norm="batch"), processes=processes)
    assert caught.value.code == "bad_training"


@pytest.mark.parametrize(("batch_size", "accumulate"), [(9, 1), (8, 3), (2, 2)])
def test_images_that_cannot_be_shared_out_are_refused(batch_size: int, accumulate: int) -> None:
    with pytest.raises(PRSMedError, match="multiple of") as caught:
        replace(CONFIG, batch_size=batch_size, accumulate=1).images_at_once(2 * accumulate)
    assert caught.value.code == "bad_training"
