"""Weights on disk: safetensors beside a manifest, never a pickle.

FOLDER/manifest.json      format, configuration, version, sha256 of the weights, what they were trained on
FOLDER/model.safetensors  every parameter and buffer
FOLDER/tokenizer.json     the tokenizer (absent for models that read no text)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig
from prsmed.model.prsmed import PRSMed
from prsmed.model.tokenizer import read_tokenizer
from prsmed.model.unet import BaselineUNet, UNetConfig

FORMAT = 1
WEIGHTS, MANIFEST, TOKENIZER = "model.safetensors", "manifest.json", "tokenizer.json"
SHIPPED = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint says of itself.

    Attributes:
        kind: ``"prsmed"`` or ``"unet"``.
        version: Name of this version of the weights, e.g. ``"nano-1"``.
        sha256: Hash of the weights file.
        config: The model's configuration.
        training: Facts of the training run: data, steps, seed, metrics.
        tokenizer_sha256: Hash of the tokenizer's file, ``""`` for models that read no text.
    """

    kind: str
    version: str
    sha256: str
    config: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    tokenizer_sha256: str = ""
    format: int = FORMAT


def save_checkpoint(
    model: PRSMed | BaselineUNet, folder: Path, version: str, training: dict[str, Any] | None = None
) -> Manifest:
    """Write ``model`` into ``folder`` and return its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    tokenizer_sha256 = ""
    if isinstance(model, PRSMed):
        kind, config = "prsmed", model.config.to_json()
        model.language.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
        tokenizer_sha256 = _hash(folder / TOKENIZER)
    else:
        kind, config = "unet", asdict(model.config)
    manifest = Manifest(kind, version, _hash(folder / WEIGHTS), config, training or {}, tokenizer_sha256)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint given by path or by the name of shipped weights.

    Raises:
        PRSMedError: ``checkpoint_not_found``.
    """
    for folder in (SHIPPED / str(name), Path(name)):
        if (folder / MANIFEST).is_file():
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST}"))) or "none"
    raise PRSMedError(
        "checkpoint_not_found",
        f"{str(name)!r} is neither a folder with a {MANIFEST} nor shipped weights ({shipped}); "
        "train one with `prsmed train` or name another",
    )


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        PRSMedError: ``bad_checkpoint`` when it is unreadable or of another format.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text())
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError) as error:
        raise PRSMedError("bad_checkpoint", f"{MANIFEST} cannot be read: {error}; copy the checkpoint again") from error
    if manifest.format != FORMAT:
        raise PRSMedError("bad_checkpoint", f"the checkpoint has format {manifest.format}; this version reads {FORMAT}")
    return manifest


def load_checkpoint(folder: Path) -> tuple[PRSMed | BaselineUNet, Manifest]:
    """Rebuild a model on the CPU, in evaluation mode, accounting for every key.

    Raises:
        PRSMedError: ``bad_checkpoint`` for a damaged file, a wrong hash, or keys or shapes that do not fit.
    """
    manifest = read_manifest(folder)
    _check_hash(folder / WEIGHTS, manifest.sha256)
    if manifest.kind == "prsmed":
        _check_hash(folder / TOKENIZER, manifest.tokenizer_sha256)
    model = _build(manifest, folder)
    load_strictly(model, _read_weights(folder / WEIGHTS))
    return model.eval(), manifest


def _build(manifest: Manifest, folder: Path) -> PRSMed | BaselineUNet:
    if manifest.kind not in ("prsmed", "unet"):
        raise PRSMedError("bad_checkpoint", f"unknown kind of model {manifest.kind!r}; known are prsmed and unet")
    try:
        if manifest.kind == "unet":
            return BaselineUNet(UNetConfig(**{**manifest.config, "channels": tuple(manifest.config["channels"])}))
        return build_model(ModelConfig.from_json(manifest.config), read_tokenizer(folder / TOKENIZER))
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        if isinstance(error, PRSMedError):
            raise
        raise PRSMedError(
            "bad_checkpoint", f"the configuration in {MANIFEST} builds no model: {error}; copy the checkpoint again"
        ) from error


def load_strictly(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load ``weights`` into ``model``; every key must fit.

    Raises:
        PRSMedError: ``bad_checkpoint`` naming missing, unexpected and misshapen keys.
    """
    own = model.state_dict()
    missing = sorted(own.keys() - weights.keys())
    unexpected = sorted(weights.keys() - own.keys())
    shapes = sorted(
        f"{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & weights.keys()
        if own[key].shape != weights[key].shape
    )
    for problem, keys in (("missing", missing), ("unexpected", unexpected), ("misshapen", shapes)):
        if keys:
            shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
            raise PRSMedError(
                "bad_checkpoint",
                f"the weights do not fit the configuration: {len(keys)} {problem} keys: {shown}",
            )
    model.load_state_dict(weights)


def _check_hash(path: Path, sha256: str) -> None:
    try:
        found = _hash(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != sha256:
        raise PRSMedError(
            "bad_checkpoint",
            f"{path.name} has sha256 {found[:12]}..., the manifest says {sha256[:12]}...; copy the checkpoint again",
        )


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise _unreadable(path, error) from error
    return weights


def _unreadable(path: Path, error: Exception) -> PRSMedError:
    return PRSMedError("bad_checkpoint", f"{path.name} cannot be read: {error}; copy the checkpoint again")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
