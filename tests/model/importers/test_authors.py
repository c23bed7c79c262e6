"""Save folders of the PRS-Med authors' code: in, out, and really applied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from sam_files import TINYSAM
from save_folders import ALPHA, HIDDEN, RANK, adapter_of, write_folder
from tiny_vlms import FAMILIES, make_part
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig, ReferenceConfig
from prsmed.model.importers.authors import export_authors, import_authors
from prsmed.model.importers.encoders import import_tinysam
from prsmed.model.language import Role
from prsmed.model.load_language import load_language
from prsmed.model.presets import find_preset
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prsmed import PRSMed

WIDTH = 32  # of tiny_vlms' language models


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    make_part("llava", "llava-med")


@pytest.fixture
def adapter() -> dict[str, Tensor]:
    return adapter_of(FAMILIES["llava"]()[0])


@pytest.fixture
def saved(tmp_path: Path, adapter: dict[str, Tensor]) -> Path:
    return write_folder(tmp_path / "llm_seg_16", adapter, width=WIDTH)


def small(pre_norm: bool = False) -> ModelConfig:
    """The reference preset with a tiny encoder."""
    preset = find_preset("prs-med-reference-v5" if pre_norm else "prs-med-reference")
    return replace(
        preset, image_size=64, encoder=TINYSAM, decoder=ReferenceConfig(hidden_dim=HIDDEN, pre_norm=pre_norm)
    )


def next_token(language: PretrainedLanguage) -> Tensor:
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    context = language.read_questions(language.encode_questions(["where is it?"]), language.look(pixels))
    return language.logits(context.last(Role.TEXT))[0, ~language.unspoken]


@torch.no_grad()
def test_the_adapter_is_on_once_and_does_something(saved: Path, adapter: dict[str, Tensor], tmp_path: Path) -> None:
    """What the authors' own loader fails at: its merged weights equal the base's."""
    import_authors(saved, tmp_path / "ours", preset=small())
    model, _ = load_checkpoint(tmp_path / "ours")
    assert isinstance(model, PRSMed)
    base = load_language(PretrainedLanguageConfig(part="llava-med", tuning="frozen"), seg=False).eval()
    loaded, plain = next_token(model.language), next_token(base)
    assert (loaded - plain).abs().max() > 1e-2
    for number, layer in enumerate(base.vlm.model.language_model.layers):
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            place = f"base_model.model.model.layers.{number}.self_attn.{name}"
            change = adapter[f"{place}.lora_B.weight"] @ adapter[f"{place}.lora_A.weight"]
            getattr(layer.self_attn, name).weight += ALPHA / RANK * change
    torch.testing.assert_close(loaded, next_token(base), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("pre_norm", [False, True], ids=["v6", "v5"])
@pytest.mark.parametrize("late", [True, False], ids=["late", "paper"])
@pytest.mark.parametrize("classes", [0, 6, 7])
def test_every_variant_comes_out_as_it_went_in(
    pre_norm: bool, late: bool, classes: int, adapter: dict[str, Tensor], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "llm_seg_1", adapter, width=WIDTH, pre_norm=pre_norm, late=late, classes=classes)
    manifest = import_authors(folder, tmp_path / "ours", preset=small(pre_norm))
    assert manifest.config["decoder"]["pre_norm"] is pre_norm
    assert manifest.config["language"]["lora_rank"] == RANK
    assert manifest.base["part"] == "llava-med"
    export_authors(tmp_path / "ours", tmp_path / "back")
    for file in ("image_encoder.pth", "mask_decoder.pth", *(["cls.pth"] if classes else [])):
        assert_same(torch.load(tmp_path / "back" / file), torch.load(folder / file))
    assert (tmp_path / "back" / "cls.pth").exists() == bool(classes)
    name = "lora_adapter/adapter_model.safetensors"
    assert_same(load_file(tmp_path / "back" / name), load_file(folder / name))
    config = "lora_adapter/adapter_config.json"
    assert json.loads((tmp_path / "back" / config).read_text()) == json.loads((folder / config).read_text())
    assert sorted(path.name for path in (tmp_path / "back" / "tokenizer").iterdir()) == [
        "tokenizer.model",
        "tokenizer_config.json",
    ]


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())


def test_a_model_of_our_training_is_exported_with_the_rest_of_its_sam(saved: Path, tmp_path: Path) -> None:
    sam = {key.removeprefix("sam."): tensor for key, tensor in torch.load(saved / "image_encoder.pth").items()}
    torch.save(sam, tmp_path / "tinysam.pth")
    import_tinysam(tmp_path / "tinysam.pth", config=TINYSAM)
    import_authors(saved, tmp_path / "first", preset=replace(small(), encoder=replace(TINYSAM, part="tinysam")))
    model, _ = load_checkpoint(tmp_path / "first")
    save_checkpoint(model, tmp_path / "ours", "mine-1")
    export_authors(tmp_path / "ours", tmp_path / "back")
    assert_same(torch.load(tmp_path / "back" / "image_encoder.pth"), torch.load(saved / "image_encoder.pth"))
    shutil.copytree(saved / "tokenizer", tmp_path / "back" / "tokenizer")
    again = import_authors(tmp_path / "back", tmp_path / "again", preset=small())
    assert again.config["language"]["lora_alpha"] == ALPHA


def change(file: str, edit: Callable[[dict[str, Tensor]], Any]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        held = torch.load(folder / file) if file.endswith(".pth") else load_file(folder / file)
        edit(held)
        if file.endswith(".pth"):
            torch.save(held, folder / file)
        else:
            save_file(held, folder / file)

    return make


def config(**values: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        path = folder / "lora_adapter" / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return make


ADAPTER = "lora_adapter/adapter_model.safetensors"
LLM = "base_model.model.model.layers.0.self_attn.q_proj"
NECK = "image_encoder.neck.0.weight"
TOWER = "base_model.model.model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "mask_decoder.pth").unlink(), "mask_decoder.pth is not a file"),
        (lambda folder: (folder / "image_encoder.pth").write_bytes(b"PK"), "image_encoder.pth is damaged, cut short"),
        (lambda folder: shutil.rmtree(folder / "tokenizer"), "has no tokenizer"),
        (lambda folder: (folder / "lora_adapter" / "adapter_config.json").unlink(), "give the folder llm_seg_N"),
        (config(r="many"), "adapter_config.json is no configuration of a LoRA adapter"),
        (config(target_modules=["q_proj"]), r"adapts \['q_proj'\]"),
        (config(use_dora=True), r"settings that are not loaded: {'use_dora': True}"),
        (config(r=8), rf"adapter_model.safetensors does not fit: .* instead of \(8, {WIDTH}\)"),
        (change(ADAPTER, lambda held: held.pop(f"{LLM}.lora_B.weight")), "lora_A.default.weight without B beside it"),
        (change(ADAPTER, lambda held: held.update(other=torch.zeros(1))), "holds 'other'; adapters of self-attention"),
        (change(ADAPTER, lambda held: held[f"{TOWER}.lora_B.weight"].fill_(1)), "trained adapter on the vision tower"),
        (
            change(ADAPTER, lambda held: held.update({f"{LLM}.lora_A.weight": torch.zeros(RANK, 64)})),
            r"adapter_model.safetensors does not fit: 1 misshapen keys: .*\(4, 64\) instead of \(4, 32\)",
        ),
        (
            change("image_encoder.pth", lambda held: held.update({NECK: held[NECK] + 1})),
            "image_encoder.neck.0.weight and sam.image_encoder.neck.0.weight that are not the same",
        ),
        (change("image_encoder.pth", lambda held: held.update(x=torch.zeros(1))), "image_encoder.pth holds 'x'"),
        (
            change("mask_decoder.pth", lambda held: held.pop("out_dec.bias")),
            "mask_decoder.pth does not fit: 1 missing keys: decoder.out_dec.bias",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    saved: Path, tmp_path: Path, spoil: Callable[[Path], Any], says: str
) -> None:
    spoil(saved)
    with pytest.raises(PRSMedError, match=says):
        import_authors(saved, tmp_path / "ours", preset=small())
    assert not (tmp_path / "ours").exists()


def test_folders_in_use_are_left_alone(saved: Path, tmp_path: Path) -> None:
    import_authors(saved, tmp_path / "ours", preset=small())
    for write in (lambda: import_authors(saved, tmp_path / "ours"), lambda: export_authors(tmp_path / "ours", saved)):
        with pytest.raises(PRSMedError) as caught:
            write()
        assert caught.value.code == "folder_in_use"


def test_other_models_are_not_exported(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="nano has not the authors' decoder") as caught:
        export_authors("nano", tmp_path / "back")
    assert caught.value.code == "not_exportable"


def test_a_checkpoint_cannot_name_a_file_outside(saved: Path, tmp_path: Path) -> None:
    import_authors(saved, tmp_path / "ours", preset=small())
    save_file({"../escaped.pth:x": torch.zeros(1)}, tmp_path / "ours" / "authors" / "rest.safetensors")
    with pytest.raises(PRSMedError, match=r"names the file '\.\./escaped\.pth'"):
        export_authors(tmp_path / "ours", tmp_path / "back")
    assert not (tmp_path / "escaped.pth").exists()
    assert not (tmp_path / "back").exists()
