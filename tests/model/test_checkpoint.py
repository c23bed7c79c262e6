from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import find_checkpoint, load_checkpoint, read_manifest, save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.model.unet import BaselineUNet, UNetConfig

TINY_UNET = UNetConfig(channels=(4, 8, 8))


@pytest.fixture
def folder(tmp_path: Path, make_tiny: Callable[..., PRSMed]) -> Path:
    save_checkpoint(make_tiny(), tmp_path / "tiny", "tiny-1", {"steps": 3})
    return tmp_path / "tiny"


@pytest.fixture
def unet_folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(BaselineUNet(TINY_UNET), tmp_path / "unet", "unet-1")
    return tmp_path / "unet"


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((folder / "manifest.json").read_text())
    change(values)
    (folder / "manifest.json").write_text(json.dumps(values))


def rehash(folder: Path) -> None:
    """Make the manifest agree with the weights file, so that only its content is wrong."""
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    edit_manifest(folder, lambda values: values.update(sha256=digest))


def edit_weights(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")
    rehash(folder)


def refused(folder: Path, words: str) -> None:
    with pytest.raises(PRSMedError, match=words) as caught:
        load_checkpoint(folder)
    assert caught.value.code == "bad_checkpoint"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer_from", ["mask", "prompt"])
def test_a_loaded_model_answers_bit_for_bit_alike(
    tmp_path: Path, make_tiny: Callable[..., PRSMed], answer_from: str
) -> None:
    model = make_tiny(answer_from=answer_from)
    with torch.no_grad():  # running statistics belong to the weights
        model.decoder.ups[0].up[1].running_mean.fill_(0.25)
    saved = save_checkpoint(model, tmp_path, "tiny-7", {"seed": 4, "datasets": ["a"]})
    loaded, manifest = load_checkpoint(tmp_path)
    assert isinstance(loaded, PRSMed)
    assert asdict(manifest) == json.loads(json.dumps(asdict(saved)))
    assert (manifest.version, manifest.training) == ("tiny-7", {"seed": 4, "datasets": ["a"]})
    assert loaded.config == model.config
    assert not loaded.training
    pixels = torch.rand(2, 3, 64, 64)
    outputs = []
    with torch.no_grad():
        for one in (model, loaded):
            seen = one.see(pixels)
            prompt = one.read(seen, one.language.encode_questions(["where is it, </s>?", "polyp"]))
            segmented = one.segment(seen.features, prompt, 64)
            mask = torch.ones(2, 1, 64, 64, dtype=torch.bool)
            outputs.append((segmented, one.answer(seen.features, prompt, mask)))
    assert torch.equal(outputs[0][0].mask_logits, outputs[1][0].mask_logits)
    assert torch.equal(outputs[0][0].presence_logits, outputs[1][0].presence_logits)
    assert outputs[0][1] == outputs[1][1]


def test_a_unet_comes_back(unet_folder: Path) -> None:
    torch.manual_seed(0)
    expected = BaselineUNet(TINY_UNET).eval()
    loaded, manifest = load_checkpoint(unet_folder)
    assert isinstance(loaded, BaselineUNet)
    assert manifest.kind == "unet"
    assert loaded.config == TINY_UNET
    pixels = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded(pixels), expected(pixels))
    assert loaded(pixels).shape == (1, 1, 32, 32)


def test_a_checkpoint_is_tensors_and_json_only(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.safetensors", "tokenizer.json"]
    length = int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
    json.loads((folder / "model.safetensors").read_bytes()[8 : 8 + length])
    json.loads((folder / "tokenizer.json").read_text())


KEY = "decoder.head.weight"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights.pop(KEY), f"1 missing keys: {KEY}"),
        (lambda weights: weights.update(surplus=torch.zeros(2)), "1 unexpected keys: surplus"),
        (lambda weights: weights.update({KEY: torch.zeros(1, 9, 1, 1)}), r"misshapen keys: decoder.head.weight \(1, 9"),
        (lambda weights: [weights.pop(key) for key in list(weights)[:9]], "9 missing keys: .* and 6 more"),
    ],
)
def test_every_key_is_accounted_for(folder: Path, change: Callable[[dict[str, Tensor]], object], words: str) -> None:
    edit_weights(folder, change)
    refused(folder, words)


@pytest.mark.parametrize("place", [0, 5000, -1])
def test_a_flipped_byte_is_noticed(folder: Path, place: int) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    refused(folder, "sha256")


@pytest.mark.parametrize("length", [0, 6, 4000, -100])
def test_a_truncated_file_is_refused_even_when_the_hash_agrees(folder: Path, length: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    refused(folder, "sha256")
    rehash(folder)
    refused(folder, "cannot be read")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: values["config"].update(colour="red"), r"unknown fields \['colour'\]"),
        (lambda values: values["config"]["decoder"].update(depth=3), r"unknown fields \['depth'\]"),
        (lambda values: values["config"].pop("name"), "incomplete.*name"),
        (lambda values: values["config"]["decoder"].update(dim=32), "misshapen"),
        (lambda values: values["config"].update(answer_from="prompt"), "unexpected keys: mask_tokens"),
        (lambda values: values.update(format=2), "format 2"),
        (lambda values: values.update(kind="gan"), "'gan'"),
        (lambda values: values.pop("sha256"), "sha256"),
        (lambda values: values.update(mood="fine"), "mood"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    edit_manifest(folder, change)
    refused(folder, words)


@pytest.mark.parametrize("content", [b"", b"{", b"not json", b"[]", b"3", b"\xff\xfe\x00"])
def test_a_manifest_that_is_no_json_object_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    refused(folder, "manifest.json")
    with pytest.raises(PRSMedError):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, name)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("channels"),
        lambda config: config.update(depth=3),
        lambda config: config.update(channels=4),
    ],
)
def test_a_unet_configuration_that_does_not_fit_is_refused(
    unet_folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    edit_manifest(unet_folder, lambda values: change(values["config"]))
    refused(unet_folder, "configuration")


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(config=[1]),
        lambda values: values["config"].update(language=3),
        lambda values: values["config"]["encoder"].update(embed_dims=["a", "b", "c", "d"]),
        lambda values: values["config"]["decoder"].update(num_heads=7),
    ],
)
def test_a_configuration_that_builds_no_model_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    edit_manifest(folder, change)
    refused(folder, "configuration")


def test_a_checkpoint_is_found_by_its_folder(folder: Path) -> None:
    assert find_checkpoint(folder) == folder
    assert find_checkpoint(str(folder)) == folder


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    for name in (tmp_path, "no-such-weights"):
        with pytest.raises(PRSMedError, match="prsmed train") as caught:
            find_checkpoint(name)
        assert caught.value.code == "checkpoint_not_found"


def test_another_tokenizer_is_noticed(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"normalizer"', '"normalizer" '))
    refused(folder, "tokenizer.json has sha256")
