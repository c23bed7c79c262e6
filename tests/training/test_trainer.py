from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.training import state, trainer
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.learner import Learner
from prsmed.training.trainer import Progress, Trainer

# Half of the steps at 32 px, so that a run killed at step 3 of 6 has both sizes before it and behind it.
CONFIG = TrainConfig(steps=6, batch_size=3, lr=1e-2, warmup=2, small_size=32, small_share=0.3)
FACTS = {"preset": "tiny", **CONFIG.to_json()}
Make = Callable[..., Trainer]


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def _save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "SAVE_EVERY", 2)
    monkeypatch.setattr(trainer, "CHECK_EVERY", 4)


def kill_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


def ignore(_: Progress) -> None:
    pass


def run_until_killed(make: Make, run: Path, step: int) -> None:
    with pytest.raises(Killed):
        make(run, CONFIG).run(FACTS, kill_at(step))


def state_bytes(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "state").iterdir())}


def saved_step(run: Path) -> int:
    return int(json.loads((run / "state" / "state.json").read_text())["step"])


@pytest.mark.parametrize("step", [1, 3, 4, 6])
def test_a_killed_run_ends_like_one_that_was_not(make_trainer: Make, tmp_path: Path, step: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = make_trainer(whole, CONFIG)
    uninterrupted.run(FACTS, ignore)
    run_until_killed(make_trainer, killed, step)
    resumed = make_trainer(killed, CONFIG, weights_seed=9 if step > 2 else 0)
    steps: list[int] = []
    resumed.run(FACTS, lambda progress: steps.append(progress.step))
    assert steps == list(range((step - 1) // 2 * 2 + 1, 7))
    pairs = zip(
        uninterrupted.learner.model.state_dict().items(), resumed.learner.model.state_dict().items(), strict=True
    )
    assert [name for (name, one), (_, other) in pairs if not torch.equal(one, other)] == []
    assert state_bytes(whole) == state_bytes(killed)


def test_batches_made_ahead_are_the_same(make_trainer: Make, tmp_path: Path) -> None:
    alone, helped = tmp_path / "alone", tmp_path / "helped"
    make_trainer(alone, CONFIG).run(FACTS, ignore)
    make_trainer(helped, CONFIG, workers=2).run(FACTS, ignore)
    assert state_bytes(alone) == state_bytes(helped)


def test_a_finished_run_is_not_run_again(make_trainer: Make, tmp_path: Path) -> None:
    make_trainer(tmp_path, CONFIG).run(FACTS, ignore)
    again = make_trainer(tmp_path, CONFIG, weights_seed=9)
    again.run(FACTS, kill_at(1))
    weights = load_file(tmp_path / "state" / "model.safetensors")
    assert all(torch.equal(weights[name], tensor) for name, tensor in again.learner.model.state_dict().items())


def test_a_run_of_other_settings_is_refused(make_trainer: Make, tmp_path: Path) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    before = state_bytes(tmp_path)
    other = replace(CONFIG, lr=0.5, seed=1)
    with pytest.raises(PRSMedError, match=r"\(lr, seed\)") as caught:
        make_trainer(tmp_path, other).run({"preset": "tiny", **other.to_json()}, ignore)
    assert caught.value.code == "other_run"
    assert state_bytes(tmp_path) == before


def test_a_kill_between_two_states_loses_nothing(make_trainer: Make, tmp_path: Path) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    (tmp_path / "state").rename(tmp_path / "state.new")
    steps: list[int] = []
    make_trainer(tmp_path, CONFIG).run(FACTS, lambda progress: steps.append(progress.step))
    assert steps[0] == 3
    assert saved_step(tmp_path) == 6
    assert not (tmp_path / "state.new").exists()


def test_a_second_kill_after_a_recovery_loses_nothing(
    make_trainer: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    (tmp_path / "state").rename(tmp_path / "state.new")

    def disk_dies(*_: object) -> None:
        raise Killed

    recovered = make_trainer(tmp_path, CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(state, "save_file", disk_dies)
        with pytest.raises(Killed):
            recovered.run(FACTS, ignore)
    steps: list[int] = []
    make_trainer(tmp_path, CONFIG).run(FACTS, lambda progress: steps.append(progress.step))
    assert steps[0] == 3


def test_a_kill_while_the_old_state_is_removed_loses_nothing(
    make_trainer: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    remove = shutil.rmtree

    def removes_half(folder: Path, ignore_errors: bool = False) -> None:
        if (folder / "model.safetensors").exists():
            (folder / "model.safetensors").unlink()
            raise Killed
        remove(folder, ignore_errors=ignore_errors)

    resumed = make_trainer(tmp_path, CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(state.shutil, "rmtree", removes_half)
        with pytest.raises(Killed):
            resumed.run(FACTS, ignore)
    steps: list[int] = []
    make_trainer(tmp_path, CONFIG).run(FACTS, lambda progress: steps.append(progress.step))
    assert steps[0] == 5


@pytest.mark.parametrize("has_state", [True, False])
def test_a_half_written_state_is_ignored(make_trainer: Make, tmp_path: Path, has_state: bool) -> None:
    if has_state:
        run_until_killed(make_trainer, tmp_path, 3)
    (tmp_path / "state.new").mkdir()
    (tmp_path / "state.new" / "model.safetensors").write_bytes(b"half")
    steps: list[int] = []
    make_trainer(tmp_path, CONFIG).run(FACTS, lambda progress: steps.append(progress.step))
    assert steps[0] == (3 if has_state else 1)


class Spoiled:
    """A learner whose loss is spoiled from a step on."""

    def __init__(self, learner: Learner, step: int, spoil: Callable[[nn.Module], Tensor]) -> None:
        self.inner, self.step, self.spoil, self.calls = learner, step, spoil, 0

    @property
    def model(self) -> nn.Module:
        return self.inner.model

    def prepare(self, batch: Batch) -> Batch:
        return self.inner.prepare(batch)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        self.calls += 1
        losses = self.inner.losses(batch)
        return losses | {"spoiled": self.spoil(self.model)} if self.calls >= self.step else losses

    def predict(self, batch: Batch) -> Tensor:
        return self.inner.predict(batch)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_run_stops_and_keeps_its_last_state(make_trainer: Make, tmp_path: Path, value: float) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    before = state_bytes(tmp_path)

    def spoiled(learner: Learner) -> Spoiled:
        return Spoiled(learner, 2, lambda _: torch.tensor(value))

    with pytest.raises(PRSMedError, match="step 4") as caught:
        make_trainer(tmp_path, CONFIG, wrap=spoiled).run(FACTS, ignore)
    assert caught.value.code == "diverged"
    assert state_bytes(tmp_path) == before


def test_a_spoiled_gradient_does_not_spoil_the_state(make_trainer: Make, tmp_path: Path) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    before = state_bytes(tmp_path)

    def spoiled(learner: Learner) -> Spoiled:
        # The value is 0, its gradient is not a number.
        return Spoiled(learner, 2, lambda model: (0 * next(model.parameters())).sqrt().sum())

    with pytest.raises(PRSMedError) as caught:
        make_trainer(tmp_path, CONFIG, wrap=spoiled).run(FACTS, ignore)
    assert caught.value.code == "diverged"
    assert state_bytes(tmp_path) == before


def test_progress_and_the_log_tell_the_curve(make_trainer: Make, tmp_path: Path) -> None:
    told: list[Progress] = []
    make_trainer(tmp_path, CONFIG).run(FACTS, told.append)
    assert [progress.step for progress in told] == [1, 2, 3, 4, 5, 6]
    assert [progress.step for progress in told if progress.dice is not None] == [4, 6]
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row.pop("step") for row in rows] == [4, 6]
    assert [row.pop("size") for row in rows] == [64, 64]
    assert rows == [{**told[step - 1].losses, "dice": told[step - 1].dice} for step in (4, 6)]
    assert set(told[0].losses) == {"mask", "coarse", "text", "presence"}


def test_no_step_is_logged_twice(make_trainer: Make, tmp_path: Path) -> None:
    run_until_killed(make_trainer, tmp_path, 4)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 4, "si')  # and one cut off
    make_trainer(tmp_path, CONFIG).run(FACTS, ignore)
    rows = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows == [4, 6]


def test_the_learning_rate_warms_up_and_falls_along_a_cosine(make_trainer: Make, tmp_path: Path) -> None:
    rates: list[list[float]] = []
    one = make_trainer(tmp_path, CONFIG)
    one.run(FACTS, lambda _: rates.append([group["lr"] for group in one.optimizer.param_groups]))
    expected = [0.005, 0.01, 0.01, 0.01 * 0.8535534, 0.005, 0.01 * 0.1464466]
    assert [group[0] for group in rates] == pytest.approx(expected, rel=1e-5)
    assert all(first == second for first, second in rates)


def test_early_steps_are_small_and_checks_are_not(make_trainer: Make, tmp_path: Path) -> None:
    sides: list[int] = []

    class Watched(Spoiled):
        def losses(self, batch: Batch) -> dict[str, Tensor]:
            sides.append(batch.pixels.shape[-1])
            return self.inner.losses(batch)

        def predict(self, batch: Batch) -> Tensor:
            sides.append(-batch.pixels.shape[-1])
            return self.inner.predict(batch)

    make_trainer(tmp_path, CONFIG, wrap=lambda learner: Watched(learner, 0, lambda _: torch.zeros(()))).run(
        FACTS, ignore
    )
    assert sides == [32, 32, 64, 64, -64, 64, 64, -64]


def test_vectors_do_not_decay(make_trainer: Make, tmp_path: Path) -> None:
    one = make_trainer(tmp_path, CONFIG)
    groups = {group["weight_decay"]: group["params"] for group in one.optimizer.param_groups}
    assert all(weight.ndim > 1 for weight in groups[CONFIG.weight_decay])
    assert all(weight.ndim == 1 for weight in groups[0.0])
    assert sum(len(params) for params in groups.values()) == len(list(one.learner.model.parameters()))


@pytest.mark.parametrize("changes", [{"steps": 0}, {"batch_size": 0}, {"batch_size": 1}])
def test_a_recipe_that_cannot_run_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(PRSMedError, match="at least") as caught:
        TrainConfig(**changes)  # type: ignore[arg-type]
    assert caught.value.code == "bad_training"


def test_a_damaged_state_is_told(make_trainer: Make, tmp_path: Path) -> None:
    run_until_killed(make_trainer, tmp_path, 3)
    (tmp_path / "state" / "optimizer.safetensors").write_bytes(b"junk")
    with pytest.raises(PRSMedError, match="start anew") as caught:
        make_trainer(tmp_path, CONFIG).run(FACTS, ignore)
    assert caught.value.code == "bad_state"


@pytest.mark.parametrize("change", [{"absent_share": 1.5}, {"small_share": -0.1}, {"lr": -1.0}, {"batch_size": 1}])
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(PRSMedError, match=next(iter(change))) as caught:
        replace(CONFIG, **change)
    assert caught.value.code == "bad_training"
