"""What a save folder may hold, and what is refused before a model is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from save_folders import RANK, write_folder
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.importers.save_folder import adapter_key, file_and_key, read_save_folder

WIDTH = 16
FILES = ("lora_adapter/adapter_model.safetensors", "image_encoder.pth", "mask_decoder.pth", "cls.pth")
TOWER = "base_model.model.model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj"


@pytest.fixture
def adapter() -> dict[str, Tensor]:
    place = "base_model.model.model.layers.1.self_attn.o_proj"
    return {
        f"{place}.lora_A.weight": torch.randn(RANK, WIDTH),
        f"{place}.lora_B.weight": torch.randn(WIDTH, RANK),
        f"{TOWER}.lora_A.weight": torch.randn(RANK, 8),
        f"{TOWER}.lora_B.weight": torch.zeros(8, RANK),
    }


@pytest.fixture
def folder(tmp_path: Path, adapter: dict[str, Tensor]) -> Path:
    return write_folder(tmp_path / "llm_seg_3", adapter, width=WIDTH)


def held_in(folder: Path, file: str) -> dict[str, Tensor]:
    held: dict[str, Tensor] = (load_file if file.endswith(".safetensors") else torch.load)(folder / file)
    return held


def configure(folder: Path, text: str = "", **values: Any) -> None:
    path = folder / "lora_adapter" / "adapter_config.json"
    path.write_text(text or json.dumps({**json.loads(path.read_text()), **values}))


def refused(folder: Path, says: str, code: str = "bad_weights") -> None:
    with pytest.raises(PRSMedError, match=says) as caught:
        read_save_folder(folder)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("classes", [0, 6, 7])
def test_every_tensor_of_every_file_has_one_place(
    tmp_path: Path, adapter: dict[str, Tensor], pre_norm: bool, classes: int
) -> None:
    folder = write_folder(tmp_path / "llm_seg_1", adapter, width=WIDTH, pre_norm=pre_norm, classes=classes)
    saved = read_save_folder(folder)
    assert saved.pre_norm is pre_norm
    found = {tuple(key.split(":", 1)): tensor for key, tensor in saved.rest.items()}
    for held in saved.weights.values():
        for key, tensor in held.items():
            found.update(dict.fromkeys(file_and_key(key), tensor))
    expected = {
        (file, key): tensor
        for file in FILES
        if (folder / file).exists()
        for key, tensor in held_in(folder, file).items()
    }
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[place], tensor) for place, tensor in expected.items())


@pytest.mark.parametrize(("late", "place"), [(True, "tokenizer"), (False, "lora_adapter")])
def test_the_tokenizer_is_found_where_each_of_their_versions_puts_it(
    tmp_path: Path, adapter: dict[str, Tensor], late: bool, place: str
) -> None:
    folder = write_folder(tmp_path / "llm_seg_1", adapter, width=WIDTH, late=late)
    assert read_save_folder(folder).tokenizer == folder / place
    (folder / place / "tokenizer.model").unlink()
    assert read_save_folder(folder).tokenizer is None


def test_an_adapters_key_has_our_name_and_no_other_key_has() -> None:
    theirs = "base_model.model.model.layers.31.self_attn.k_proj.lora_B.weight"
    ours = "language.vlm.model.language_model.layers.31.self_attn.k_proj.lora_B.default.weight"
    assert adapter_key(theirs) == ours
    assert file_and_key(ours) == [(FILES[0], theirs)]
    for other in (f"{TOWER}.lora_B.weight", theirs.replace("k_proj", "gate_proj"), f"x.{theirs}", f"{theirs}.x", ""):
        assert adapter_key(other) is None


def test_a_key_without_a_place_in_such_a_folder_is_not_exportable() -> None:
    for key in ("presence.weight", "language.vlm.lm_head.weight"):
        with pytest.raises(PRSMedError, match=key) as caught:
            file_and_key(key)
        assert caught.value.code == "not_exportable"


@pytest.mark.parametrize("targets", [None, 3, [1, "q_proj"], ".*q_proj", ["q_proj"], {"q_proj": 1}])
def test_an_adapter_of_other_modules_is_refused_whatever_stands_there(folder: Path, targets: object) -> None:
    configure(folder, target_modules=targets)
    refused(folder, "adapter_config.json adapts .* were expected")


@pytest.mark.parametrize(
    "values", [{"r": 4.5}, {"r": 0}, {"r": None}, {"r": True}, {"lora_alpha": 8.5}, {"lora_alpha": -8}]
)
def test_an_adapters_scale_is_read_as_it_stands_or_not_at_all(folder: Path, values: dict[str, object]) -> None:
    configure(folder, **values)
    refused(folder, "whole numbers above 0")


@pytest.mark.parametrize("number", ["Infinity", "NaN", "-Infinity"])
@pytest.mark.parametrize("name", ["r", "lora_alpha", "lora_dropout"])
def test_numbers_that_are_none_are_refused(folder: Path, name: str, number: str) -> None:
    configure(folder, **{name: float(number)})
    refused(folder, "adapter_config.json")


@pytest.mark.parametrize("text", ["{", "[]", "3", "null", "{}"])
def test_a_configuration_that_is_none_is_refused(folder: Path, text: str) -> None:
    configure(folder, text)
    refused(folder, "adapter_config.json is no configuration of a LoRA adapter")


@pytest.mark.parametrize("setting", [{"bias": "all"}, {"use_rslora": True}, {"alpha_pattern": {"q_proj": 64}}])
def test_settings_that_would_change_what_the_adapter_does_are_refused(folder: Path, setting: dict[str, object]) -> None:
    configure(folder, alpha_pattern={})
    read_save_folder(folder)
    configure(folder, **setting)
    refused(folder, f"not loaded: {setting}")


@pytest.mark.parametrize("missing", ["sam.image_encoder.neck.0.weight", "image_encoder.neck.0.weight"])
def test_an_encoders_weight_that_is_saved_once_is_refused(folder: Path, missing: str) -> None:
    held = held_in(folder, "image_encoder.pth")
    del held[missing]
    torch.save(held, folder / "image_encoder.pth")
    refused(folder, f"without {missing} beside it")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda held: held.update(junk=torch.ones(2)),
        lambda held: held.pop("2.weight"),
        lambda held: held.pop("2.bias"),
        lambda held: held.update({"2.bias": torch.ones(9)}),
        lambda held: held.update({"2.weight": torch.ones(6)}),
    ],
)
def test_a_classifier_of_another_kind_is_refused(folder: Path, spoil: Callable[[dict[str, Tensor]], Any]) -> None:
    held = held_in(folder, "cls.pth")
    spoil(held)
    torch.save(held, folder / "cls.pth")
    refused(folder, "cls.pth begins with .* 2.bias")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_named(folder: Path, file: str, share: float) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: int(share * len(content))])
    refused(folder, f"{Path(file).name} is damaged")


class _Spoiler:
    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return (pytest.fail, ("code of a weights file ran",))


@pytest.mark.parametrize("file", FILES[1:])
def test_code_in_a_file_is_not_run(folder: Path, file: str) -> None:
    torch.save({"weight": _Spoiler()}, folder / file)
    refused(folder, f"{file} is a pickle that wants")


@pytest.mark.parametrize("file", FILES[:3])
def test_a_file_that_is_not_there_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    refused(folder, f"{file} is not a file", code="weights_not_found")
