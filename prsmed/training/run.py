"""`prsmed train`: from a folder of images to a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from prsmed.data import ConversationDataset, Record, vocabulary_lines
from prsmed.data.sources import INDEX
from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.checkpoint import Manifest, find_checkpoint, load_checkpoint, read_manifest, save_checkpoint
from prsmed.model.config import PretrainedLanguageConfig, TinyLanguageConfig
from prsmed.model.presets import find_preset
from prsmed.model.prsmed import PRSMed
from prsmed.model.start import start_preset
from prsmed.model.tokenizer import train_tokenizer
from prsmed.model.unet import BASELINES, BaselineUNet
from prsmed.training.aside import all_records, set_aside
from prsmed.training.config import TrainConfig
from prsmed.training.curves import draw_curves
from prsmed.training.learner import Learner, PRSMedLearner, UNetLearner
from prsmed.training.lesson import teach_language
from prsmed.training.processes import Processes
from prsmed.training.state import has_state, kept_weights
from prsmed.training.trainer import Progress, Trainer


def train(
    preset: str,
    data: Path,
    run: Path,
    config: TrainConfig,
    report: Callable[[Progress], None],
    device: str = "cpu",
    init: str | None = None,
    bits: int = 16,
    workers: int = 0,
    shards: bool = False,
) -> Manifest:
    """Train a preset (or a baseline of :data:`~prsmed.model.unet.BASELINES`) on the image/mask pairs under ``data``.

    Started by a launcher in several processes (docs/training.md), they train one model together.

    Args:
        preset: Name of a preset, or of a baseline.
        data: Folder with ``pairs/index.csv`` (docs/data.md).
        run: Folder of this run: state, ``log.jsonl``, and in the end ``curves.png`` and the checkpoint.
        config: The recipe.
        report: Called after every step.
        device: Torch device.
        init: Checkpoint whose weights to start from instead of fresh ones.
        bits: Of an imported language model, unless ``init`` says.
        workers: Processes that make batches ahead.
        shards: Share an imported language model's weights between the processes.

    Raises:
        PRSMedError: For an unknown preset, missing data, or a run folder with another run.
    """
    processes = Processes.launched(device)
    run.mkdir(parents=True, exist_ok=True)
    config = _settled(config, preset, init)
    torch.manual_seed(config.seed)
    facts: dict[str, Any] = {"preset": preset, **config.to_json()} | ({} if bits == 16 else {"bits": bits})
    model, started_from = _first_model(preset, bits, init)
    facts |= started_from
    _check_shards(model, bits, processes, shards)
    learner: Learner = PRSMedLearner(model, config) if isinstance(model, PRSMed) else UNetLearner(model, config)
    if not shards:  # else each process gets its share only
        learner.model.to(processes.device)
    trained, checked = _records(data, config, preset)
    image_size = model.config.image_size
    taught: dict[str, Any] = {"seed": config.seed}
    if isinstance(model, PRSMed):
        taught |= {"radius": model.config.radius, "pad_color": model.config.pad_color}
    trainer = Trainer(
        learner,
        config,
        train=ConversationDataset(trained, data, image_size, augment=True, absent_share=config.absent_share, **taught),
        check=ConversationDataset(checked, data, image_size, absent_share=0.0, **taught),
        image_size=image_size,
        run=run,
        device=processes.device,
        workers=workers,
        processes=processes,
        shards=shards,
    )
    facts |= {"images": len(trained), "data_sha256": hashlib.sha256((data / INDEX).read_bytes()).hexdigest()}
    is_new = init is None and not has_state(run)
    if is_new and isinstance(learner, PRSMedLearner) and learner.model.mask_tokens is not None:
        teach_language(learner.model, trained, config, _lesson_report(config, report))
    trainer.run(facts, report)
    best = {} if trainer.best is None else {"best_step": trainer.best.step, "best_dice": trainer.best.dice}
    facts |= {"datasets": sorted({record.dataset for record in trained}), **best}
    weights = kept_weights(learner.model)
    if processes.is_first:
        draw_curves(run)
        save_checkpoint(learner.model, run / "checkpoint", f"{preset}-1", facts, weights)
    processes.wait()
    return read_manifest(run / "checkpoint")


def _settled(config: TrainConfig, preset: str, init: str | None) -> TrainConfig:
    """The recipe with what depends on the model and its beginning."""
    if config.batch_norm == "auto":
        config = replace(config, batch_norm="batch" if init is None else "frozen")
    return config if preset not in BASELINES else replace(config, absent_share=0.0)


def _first_model(preset: str, bits: int, init: str | None) -> tuple[PRSMed | BaselineUNet, dict[str, str]]:
    """The model a run begins with, and the facts of where it comes from."""
    facts: dict[str, str] = {}
    if init is None:
        model = fresh_model(preset, bits)
    else:
        model, manifest = load_checkpoint(find_checkpoint(init))
        if model.config.name != preset:
            raise PRSMedError("other_preset", f"{init} is a {model.config.name} model; start it with --preset of that")
        facts = {"init": manifest.version, "init_sha256": manifest.sha256}
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise PRSMedError(
            "nothing_to_train", f"every part of {preset} is frozen; evaluate it: prsmed assemble {preset}"
        )
    return model, facts


def _check_shards(model: PRSMed | BaselineUNet, bits: int, processes: Processes, shards: bool) -> None:
    if not shards:
        return
    if not isinstance(model, PRSMed) or not isinstance(model.config.language, PretrainedLanguageConfig) or bits != 16:
        raise PRSMedError("bad_training", "shards are for presets with an imported language model in 16 bits")
    if processes.count == 1:
        raise PRSMedError("bad_training", "shards need several processes; start them with torchrun (docs/training.md)")


def _records(data: Path, config: TrainConfig, preset: str) -> tuple[list[Record], list[Record]]:
    """What is trained on, and what is checked with."""
    records = all_records(data, config.phantoms, config.seed)
    trained = [record for record in records if record.split == "train"]
    checked = [record for record in records if record.split == "val" and not record.is_phantom]
    if not trained:
        raise PRSMedError("no_images", "no image of the data is in its training split; mark some shared-train")
    if config.select == "train":
        trained, checked = set_aside(trained)
    if preset in BASELINES:
        trained = [record for record in trained if record.mask or record.is_phantom]
    checked = [record for record in checked if record.mask]
    if config.select != "last" and not checked:
        raise PRSMedError(
            "no_images", f"select is {config.select!r} and no image with a mask is there to select by; keep the last"
        )
    return trained, checked


def _lesson_report(config: TrainConfig, report: Callable[[Progress], None]) -> Callable[[int, float], None]:
    """Steps of the lesson count up to 0, where those of the run begin."""

    def tell(done: int, loss: float) -> None:
        report(Progress(done - config.language_steps, config.steps, {"text": loss}))

    return tell


def fresh_model(preset: str, bits: int) -> PRSMed | BaselineUNet:
    """A preset as a run begins with it: imported weights where it has them, fresh ones elsewhere."""
    if preset in BASELINES:
        return BaselineUNet(BASELINES[preset])
    chosen = find_preset(preset, bits)
    if isinstance(chosen.language, TinyLanguageConfig):
        return build_model(chosen, train_tokenizer(vocabulary_lines(), chosen.language.vocab_size))
    return start_preset(chosen)
