"""What a recipe can ask for beyond the plain way: averages, selection, frozen statistics, shares of the rate."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.training import state, trainer
from prsmed.training.aside import set_aside
from prsmed.training.config import TrainConfig, parse_changes
from prsmed.training.optimizer import make_optimizer, set_rate
from prsmed.training.trainer import Progress, Trainer

CONFIG = TrainConfig(steps=6, batch_size=4, lr=1e-2, warmup=2, small_size=32, small_share=0.5)
ALL = replace(CONFIG, accumulate=2, ema=0.9, select="val", batch_norm="batch")
FACTS = {"preset": "tiny"}
Make = Callable[..., Trainer]


@pytest.fixture(autouse=True)
def _save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "SAVE_EVERY", 1)
    monkeypatch.setattr(trainer, "CHECK_EVERY", 2)


def ignore(_: Progress) -> None:
    pass


def saved(run: Path, file: str) -> dict[str, Tensor]:
    return load_file(run / "state" / f"{file}.safetensors")


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


def die_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return report


def train_and_die(make: Make, run: Path, step: int, in_saving: int) -> None:
    """Be killed after a step, or while its state is written: after so many of its files."""
    save, written = state.save_file, [0]

    def save_and_die(tensors: dict[str, Tensor], path: Path) -> None:
        save(tensors, path)
        written[0] += 1
        if in_saving and written[0] == 3 * (step - 1) + in_saving:
            os.kill(os.getpid(), signal.SIGKILL)

    state.save_file = save_and_die
    make(run, ALL, workers=1).run(FACTS, ignore if in_saving else die_at(step))


@pytest.mark.parametrize(("step", "in_saving"), [(1, 0), (3, 0), (4, 2), (6, 0)])
def test_killed_for_good_and_resumed_is_as_uninterrupted(
    make_trainer: Make, tmp_path: Path, step: int, in_saving: int
) -> None:
    """SIGKILL, with everything that has a memory: average, best weights, parts of a step, worker processes."""
    whole, killed = make_trainer(tmp_path / "whole", ALL), make_trainer(tmp_path / "killed", ALL, weights_seed=0)
    whole.run(FACTS, ignore)
    with pytest.raises(mp.ProcessExitedException, match="SIGKILL"):
        mp.start_processes(
            lambda _: train_and_die(make_trainer, tmp_path / "killed", step, in_saving), nprocs=1, start_method="fork"
        )
    steps: list[int] = []
    killed.run(FACTS, lambda progress: steps.append(progress.step))
    assert steps == list(range(step, 7))
    for file in ("model", "optimizer", "average", "best"):
        assert differing(saved(tmp_path / "whole", file), saved(tmp_path / "killed", file)) == []
    assert differing(whole.learner.model.state_dict(), killed.learner.model.state_dict()) == []
    assert whole.best == killed.best


def test_the_average_is_what_is_kept_and_checked(
    make_trainer: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, ema=0.7)
    one = make_trainer(tmp_path, config)
    name = "decoder.head.weight"
    expected, shown = one.learner.model.get_parameter(name).detach().double(), list[Tensor]()
    predict = one.learner.predict
    one.learner.predict = lambda batch: (
        shown.append(dict(one.learner.model.named_parameters())[name].clone()) or predict(batch)
    )

    def follow(progress: Progress) -> None:
        nonlocal expected
        live = one.learner.model.get_parameter(name).detach().double()
        share = min(0.7, (1 + progress.step) / (10 + progress.step))
        expected = share * expected + (1 - share) * live

    one.run(FACTS, follow)
    kept = one.learner.model.state_dict()
    torch.testing.assert_close(kept[name].double(), expected, rtol=1e-5, atol=1e-7)
    assert differing(kept, saved(tmp_path, "average")) == []
    assert name in differing(kept, saved(tmp_path, "model"))
    assert torch.equal(shown[-1], kept[name])
    assert all(torch.isfinite(tensor).all() for tensor in kept.values())


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_the_best_check_is_what_is_kept(
    make_trainer: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ema: float
) -> None:
    dices = iter([0.2, 0.6, 0.6])
    monkeypatch.setattr(trainer, "mean_dice", lambda *_: next(dices))
    at_best: dict[str, Tensor] = {}
    one = make_trainer(tmp_path, replace(CONFIG, select="val", ema=ema))

    def keep(progress: Progress) -> None:
        if progress.step == 4:
            tensors = one.learner.model.state_dict() if one.average is None else one.average.tensors
            at_best.update({name: tensor.clone() for name, tensor in tensors.items()})

    one.run(FACTS, keep)
    assert one.best == state.Best(4, 0.6)
    assert differing(one.learner.model.state_dict(), at_best) == []
    assert differing(saved(tmp_path, "model"), at_best) != []


def statistics(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if "running_" in name}


@pytest.mark.parametrize("batch_norm", ["batch", "frozen"])
def test_frozen_statistics_stay_and_the_rest_learns(make_trainer: Make, tmp_path: Path, batch_norm: str) -> None:
    one = make_trainer(tmp_path, replace(CONFIG, batch_norm=batch_norm))
    norms = [name for name, module in one.learner.model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    before, weights = statistics(one.learner.model), {n: p.clone() for n, p in one.learner.model.named_parameters()}
    one.run(FACTS, ignore)
    assert bool(differing(before, statistics(one.learner.model))) == (batch_norm == "batch")
    after = dict(one.learner.model.named_parameters())
    assert all(not torch.equal(weights[f"{name}.weight"], after[f"{name}.weight"]) for name in norms)


def test_one_image_at_a_time_with_frozen_statistics(make_trainer: Make, tmp_path: Path) -> None:
    make_trainer(tmp_path, replace(CONFIG, batch_size=1, steps=1, batch_norm="frozen")).run(FACTS, ignore)
    with pytest.raises(PRSMedError, match="batch_norm frozen"):
        replace(CONFIG, batch_size=4, accumulate=4)


def test_parts_learn_at_their_share_of_the_rate(make_trainer: Make, tmp_path: Path) -> None:
    config = replace(CONFIG, encoder_lr=0.1, decoder_lr=0.5, language_lr=0.0)
    model = make_trainer(tmp_path, config).learner.model
    optimizer = make_optimizer(model, config)
    assert set_rate(optimizer, config, 1) == pytest.approx(1e-2)
    rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    shares = {
        "encoder": 0.1,
        "decoder": 0.5,
        "presence": 0.5,
        "language": 0.0,
        "mask_tokens": 0.0,
        "visual_tokens": 0.0,
    }
    found = {name.split(".")[0]: rates[id(weight)] for name, weight in model.named_parameters()}
    assert found == pytest.approx({part: 1e-2 * shares[part] for part in found})
    assert len(rates) == len(list(model.parameters()))


def test_tensorboard_shows_every_step_once(make_trainer: Make, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise Stopped

    told: dict[int, dict[str, float]] = {}
    with pytest.raises(Stopped):
        make_trainer(tmp_path, CONFIG).run(FACTS, stop)
    make_trainer(tmp_path, CONFIG).run(FACTS, lambda progress: told.update({progress.step: progress.losses}))
    board = EventAccumulator(str(tmp_path / "tensorboard"), purge_orphaned_data=True)
    board.Reload()
    text = {event.step: event.value for event in board.Scalars("loss/text")}
    assert sorted(text) == [1, 2, 3, 4, 5, 6]
    assert len(board.Scalars("loss/text")) == 6
    assert {step: text[step] for step in told} == pytest.approx({step: losses["text"] for step, losses in told.items()})
    assert [event.step for event in board.Scalars("dice")] == [2, 4, 6]


def test_whole_groups_are_set_aside(small_records: list[Any]) -> None:
    trained, aside = set_aside(small_records, 0.25)
    groups = [{(record.modality, record.group) for record in part} for part in (trained, aside)]
    assert not groups[0] & groups[1]
    assert sorted(map(repr, [*trained, *aside])) == sorted(map(repr, small_records))
    for modality in {record.modality for record in small_records if not record.is_phantom}:
        share = sum(r.modality == modality for r in aside) / sum(r.modality == modality for r in small_records)
        assert 0.1 <= share <= 0.25
    assert not any(record.is_phantom for record in aside)
    fewer = [record for record in small_records if record.modality != "polyp_endoscopy"]
    assert set_aside(fewer, 0.25)[1] == [record for record in aside if record.modality != "polyp_endoscopy"]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("ema=0.99", 0.99),
        ("steps=7", 7),
        ("autocast=true", True),
        ("recompute=False", False),
        ("select=train", "train"),
    ],
)
def test_a_recipe_is_changed_by_words(typed: str, value: object) -> None:
    changes = parse_changes([typed])
    assert changes == {typed.split("=")[0]: value}
    assert type(next(iter(changes.values()))) is type(value)


@pytest.mark.parametrize("typed", ["emma=1", "ema=much", "autocast=2", "steps=1.5", "steps", "=1"])
def test_words_that_are_no_recipe_are_refused(typed: str) -> None:
    with pytest.raises(PRSMedError) as caught:
        parse_changes([typed])
    assert caught.value.code == "bad_training"


@pytest.mark.parametrize("change", [{"ema": 1.0}, {"mask_loss": "iou"}, {"batch_norm": "off"}, {"encoder_lr": -1.0}])
def test_options_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PRSMedError, match=next(iter(change))) as caught:
        replace(CONFIG, **change)
    assert caught.value.code == "bad_training"
