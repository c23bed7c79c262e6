"""`prsmed train`: from a folder of images to a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from prsmed.data import ConversationDataset, phantom_records, read_pairs, vocabulary_lines
from prsmed.data.sources import INDEX
from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.checkpoint import Manifest, find_checkpoint, load_checkpoint, save_checkpoint
from prsmed.model.config import TinyLanguageConfig
from prsmed.model.presets import find_preset
from prsmed.model.prsmed import PRSMed
from prsmed.model.start import start_preset
from prsmed.model.tokenizer import train_tokenizer
from prsmed.model.unet import BaselineUNet, UNetConfig
from prsmed.training.config import TrainConfig
from prsmed.training.curves import draw_curves
from prsmed.training.learner import Learner, PRSMedLearner, UNetLearner
from prsmed.training.lesson import teach_language
from prsmed.training.state import has_state
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
) -> Manifest:
    """Train a preset (or ``"unet"``, the baseline) on the image/mask pairs under ``data``.

    Args:
        preset: Name of a preset, or ``"unet"``.
        data: Folder with ``pairs/index.csv`` (docs/data.md).
        run: Folder of this run: state, ``log.jsonl``, and in the end ``curves.png`` and the checkpoint.
        config: The recipe.
        report: Called after every step.
        device: Torch device.
        init: Checkpoint whose weights to start from instead of fresh ones.
        bits: Of an imported language model, unless ``init`` says.
        workers: Processes that make batches ahead.

    Raises:
        PRSMedError: For an unknown preset, missing data, or a run folder with another run.
    """
    run.mkdir(parents=True, exist_ok=True)
    config = config if preset != "unet" else replace(config, absent_share=0.0)
    torch.manual_seed(config.seed)
    facts: dict[str, Any] = {"preset": preset, **config.to_json()} | ({} if bits == 16 else {"bits": bits})
    if init is None:
        model = _fresh_model(preset, bits)
    else:
        model, manifest = load_checkpoint(find_checkpoint(init))
        if model.config.name != preset:
            raise PRSMedError("other_preset", f"{init} is a {model.config.name} model; start it with --preset of that")
        facts |= {"init": manifest.version, "init_sha256": manifest.sha256}
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise PRSMedError(
            "nothing_to_train", f"every part of {preset} is frozen; evaluate it: prsmed assemble {preset}"
        )
    learner: Learner = PRSMedLearner(model, config) if isinstance(model, PRSMed) else UNetLearner(model)
    image_size = model.config.image_size
    taught: dict[str, Any] = {}
    if isinstance(model, PRSMed):
        taught = {"radius": model.config.radius, "pad_color": model.config.pad_color}
    learner.model.to(device)
    records = read_pairs(data)
    phantoms = phantom_records(config.phantoms, config.seed)
    held_out = [record for record in records if record.split == "val" and record.mask]
    trained = [record for record in [*records, *phantoms] if record.split == "train"]
    if not trained:
        raise PRSMedError("no_images", "no image of the data is in its training split; mark some shared-train")
    if preset == "unet":
        trained = [record for record in trained if record.mask or record.is_phantom]
    trainer = Trainer(
        learner,
        config,
        train=ConversationDataset(
            trained,
            data,
            image_size,
            seed=config.seed,
            augment=True,
            absent_share=config.absent_share,
            **taught,
        ),
        check=ConversationDataset(held_out, data, image_size, seed=config.seed, absent_share=0.0, **taught),
        image_size=image_size,
        run=run,
        device=torch.device(device),
        workers=workers,
    )
    facts |= {"images": len(trained), "data_sha256": hashlib.sha256((data / INDEX).read_bytes()).hexdigest()}
    if isinstance(learner, PRSMedLearner) and learner.model.mask_tokens is not None and not has_state(run):
        teach_language(learner.model, trained, config, _lesson_report(config, report))
    trainer.run(facts, report)
    draw_curves(run)
    datasets = sorted({record.dataset for record in trained})
    return save_checkpoint(learner.model, run / "checkpoint", f"{preset}-1", {**facts, "datasets": datasets})


def _lesson_report(config: TrainConfig, report: Callable[[Progress], None]) -> Callable[[int, float], None]:
    """Steps of the lesson count up to 0, where those of the run begin."""

    def tell(done: int, loss: float) -> None:
        report(Progress(done - config.language_steps, config.steps, {"text": loss}))

    return tell


def _fresh_model(preset: str, bits: int) -> PRSMed | BaselineUNet:
    if preset == "unet":
        return BaselineUNet(UNetConfig())
    chosen = find_preset(preset, bits)
    if isinstance(chosen.language, TinyLanguageConfig):
        return build_model(chosen, train_tokenizer(vocabulary_lines(), chosen.language.vocab_size))
    return start_preset(chosen)
