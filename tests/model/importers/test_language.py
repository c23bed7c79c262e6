"""Models in transformers' layout become parts."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_vlms import FAMILIES
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.importers.language import import_language
from prsmed.model.language import Role
from prsmed.model.load_language import load_language


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    return tmp_path / "parts"


def download(folder: Path, family: str) -> Path:
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def say(name: str) -> Tensor:
    language = load_language(PretrainedLanguageConfig(part=name, prompt="chat", tuning="frozen"), seg=False).eval()
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return language.logits(
        language.read_questions(language.encode_questions(["where?"]), language.look(pixels)).last(Role.TEXT)
    )


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_becomes_a_part_by_links(family: str, tmp_path: Path, home: Path) -> None:
    folder = download(tmp_path / "down", family)
    part = import_language(folder, "mine", "some licence")
    assert (part.kind, part.licence, part.facts["files"]) == ("language", "some licence", ["model.safetensors"])
    assert (home / "mine" / "model.safetensors").resolve() == (folder / "model.safetensors").resolve()
    assert say("mine").shape[0] == 1
    assert import_language(folder, "again").sha256 == part.sha256


@torch.no_grad()
def test_a_conversion_with_old_names_is_the_same_model(tmp_path: Path) -> None:
    """As the community converted LLaVA-Med before transformers moved its parts."""
    folder = download(tmp_path / "new", "llava")
    import_language(folder, "new")
    old = download(tmp_path / "old", "llava")
    held = {old_name(key): tensor for key, tensor in load_file(old / "model.safetensors").items()}
    assert all(key.startswith(("language_model.", "vision_tower.", "multi_modal_projector.")) for key in held)
    save_file(held, old / "model.safetensors", metadata={"format": "pt"})
    import_language(old, "old")
    assert torch.equal(say("old"), say("new"))


def old_name(key: str) -> str:
    key = re.sub(r"^model\.language_model\.", "language_model.model.", key)
    key = re.sub(r"^lm_head\.", "language_model.lm_head.", key)
    key = re.sub(r"^model\.vision_tower\.(?!vision_model)", "vision_tower.vision_model.", key)
    return re.sub(r"^model\.", "", key)


@torch.no_grad()
def test_torch_files_are_written_anew(tmp_path: Path, home: Path) -> None:
    import_language(download(tmp_path / "kept", "llava"), "linked")
    folder = download(tmp_path / "down", "llava")
    held = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    keys = sorted(held)
    names = {key: f"pytorch_model-0000{1 + number % 2}-of-00002.bin" for number, key in enumerate(keys)}
    for name in set(names.values()):
        torch.save({key: held[key] for key in keys if names[key] == name}, folder / name)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    import_language(folder, "anew")
    assert not list((home / "anew").glob("*.bin"))
    assert torch.equal(say("anew"), say("linked"))


def edit_config(**changes: Any) -> Callable[[Path], Any]:
    def make(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return make


def edit_weights(edit: Callable[[dict[str, Tensor]], Any]) -> Callable[[Path], Any]:
    def make(folder: Path) -> None:
        held = load_file(folder / "model.safetensors")
        edit(held)
        save_file(held, folder / "model.safetensors", metadata={"format": "pt"})

    return make


def norm_key(held: dict[str, Tensor]) -> str:
    return next(key for key in held if key.endswith("model.norm.weight"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json cannot be read"),
        (edit_config(model_type="llava_mistral"), "use `prsmed import llava-med` or `prsmed import llava-1.6`"),
        (edit_config(model_type="llava_llama"), "use `prsmed import llava-1.5`"),
        (edit_config(model_type="nothing_known"), "'nothing_known', which transformers does not know"),
        (edit_config(model_type="llama"), "'llama', which does not answer questions about images"),
        (edit_config(model_type=[]), "which transformers does not know"),
        (edit_config(text_config={"model_type": "unheard"}), "config.json is not usable: .*unheard"),
        (edit_config(vision_config=5), "config.json is not usable: .*vision_config"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds none of .*model.safetensors"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no usable tokenizer and processor"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(
                (folder / "model.safetensors").read_bytes()[:-99]
            ),
            "cannot be loaded",
        ),
        (edit_weights(lambda held: held.pop(norm_key(held))), "1 missing keys: .*norm.weight"),
        (edit_weights(lambda held: held.update(extra=torch.zeros(1))), "1 unexpected keys: extra"),
        (edit_weights(lambda held: held.update({norm_key(held): torch.zeros(5)})), "norm.weight|cannot be loaded"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(
    spoil: Callable[[Path], Any], says: str, tmp_path: Path, home: Path
) -> None:
    folder = download(tmp_path / "down", "llava")
    spoil(folder)
    with pytest.raises(PRSMedError, match=says):
        import_language(folder, "mine")
    assert not list(home.glob("*")) + list(home.glob(".*"))


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"model_type": "unheard", "auto_map": {"AutoConfig": "code.Code"}}),
        ("processor_config.json", {"processor_class": "Code", "auto_map": {"AutoProcessor": "code.Code"}}),
        ("tokenizer_config.json", {"tokenizer_class": "Code", "auto_map": {"AutoTokenizer": ["code.Code", None]}}),
    ],
)
def test_code_in_a_folder_is_not_run_and_nobody_is_asked(
    file: str, values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text="": asked.append(text) or "y")
    folder = download(tmp_path / "down", "llava")
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n\nclass Code:\n    pass\n")
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    with contextlib.suppress(PRSMedError):  # a processor that transformers knows too is taken
        import_language(folder, "mine")
    assert not asked
    assert not (tmp_path / "ran").exists()
