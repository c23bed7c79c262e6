"""What is not a model of the LLaVA family as its authors publish it is refused, and nothing is left of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from llava_folders import TOWER, settings, write_clip, write_llava, write_shards
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.importers.llava import import_llava
from prsmed.model.parts import find_part

FIRST = "model-00001-of-00002.safetensors"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


def shards(edit: Callable[[dict[str, Tensor]], Any]) -> Callable[[Path, dict[str, Tensor]], Any]:
    def make(folder: Path, weights: dict[str, Tensor]) -> None:
        edit(weights)
        write_shards(folder, weights)

    return make


def config(**changes: Any) -> Callable[[Path, dict[str, Tensor]], Any]:
    return lambda folder, _: (folder / "config.json").write_text(json.dumps({**settings("llava-med"), **changes}))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder, _: (folder / FIRST).unlink(), f"names the shard {FIRST}, which is not there"),
        (
            lambda folder, _: (folder / FIRST).write_bytes((folder / FIRST).read_bytes()[:-50]),
            f"{FIRST} is damaged, cut",
        ),
        (lambda folder, _: (folder / "model.safetensors.index.json").write_text("{"), "cannot be read as an index"),
        (lambda folder, _: (folder / "tokenizer.model").unlink(), "has no tokenizer.model"),
        (lambda folder, _: (folder / "tokenizer.model").write_bytes(b"x"), "tokenizer.model cannot be read"),
        (lambda folder, _: (folder / "config.json").unlink(), "config.json cannot be read"),
        (lambda folder, _: (folder / "config.json").write_text("{"), "config.json is no JSON"),
        (config(vocab_size=100), r"misshapen keys: lm_head\.weight \(340, 32\) instead of \(100, 32\)"),
        (config(model_type="llava_llama"), "use `prsmed import llava-1.5`"),
        (config(image_aspect_ratio="anyres"), "use `prsmed import llava-1.6`"),
        (config(model_type="llava", text_config={}), "use `prsmed import language`"),
        (config(model_type="bert"), "has model_type 'bert'; llava_mistral or llava_llama was expected"),
        (config(rope_theta=None), "config.json is not usable: float"),
        (config(hidden_size="x"), "config.json is not usable: .*'hidden_size' expected int"),
        (config(num_attention_heads=0), "config.json is not usable"),
        (config(rope_scaling={"type": "linear", "factor": 4.0}), "has rope_scaling .*'linear'"),
        (shards(lambda held: held.pop(f"{TOWER}embeddings.class_embedding")), "1 missing keys: .*class_embedding"),
        (
            shards(lambda held: held.pop(f"{TOWER}embeddings.position_embedding.weight")),
            "vision tower is none of CLIP: no 'embeddings.position_embedding.weight'",
        ),
        (config(mm_projector_type="linear"), "'patch' by 'linear'; 'patch' by 'mlp2x_gelu' was expected"),
        (shards(lambda held: held.pop("model.norm.weight")), "1 missing keys: model.language_model.norm.weight"),
        (shards(lambda held: held.update({"model.extra": torch.zeros(1)})), "1 unexpected keys: model.extra"),
        (
            shards(lambda held: held.update({"model.norm.weight": torch.zeros(31)})),
            r"1 misshapen keys: model\.language_model\.norm\.weight \(31,\) instead of \(32,\)",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(
    spoil: Callable[[Path, dict[str, Tensor]], Any], says: str, folder: Path, home: Path
) -> None:
    spoil(folder, write_llava(folder, "llava-med"))
    with pytest.raises(PRSMedError, match=says):
        import_llava(folder, "llava-med")
    assert not list(home.glob("*")) + list(home.glob(".*"))


def test_shards_without_a_tower_ask_for_one(folder: Path, tmp_path: Path) -> None:
    write_llava(folder, "llava-1.5", tower=False)
    with pytest.raises(PRSMedError, match=r"hold no vision tower; name the folder .* with --vision"):
        import_llava(folder, "llava-1.5")
    write_clip(tmp_path / "clip", patch_size=7)
    with pytest.raises(PRSMedError, match=r"misshapen keys: model\.vision_tower\.embeddings"):
        import_llava(folder, "llava-1.5", vision=tmp_path / "clip")


def test_a_stock_tower_that_sees_another_size_is_refused(folder: Path, tmp_path: Path) -> None:
    """All its keys fit, so only the name of the tower that the model was made with tells."""
    write_llava(folder, "llava-1.5", tower=False)
    named = {**settings("llava-1.5"), "mm_vision_tower": "openai/clip-vit-large-patch14-336"}
    (folder / "config.json").write_text(json.dumps(named))
    write_clip(tmp_path / "clip")
    with pytest.raises(PRSMedError, match=r"images of 28 pixels, .* made for 336; give openai/clip-vit-large-patch14"):
        import_llava(folder, "llava-1.5", vision=tmp_path / "clip")


@pytest.mark.parametrize("spoilt", [None, [1], {"hidden_size": "x"}, {"hidden_size": 128, "num_attention_heads": 3}])
def test_a_folder_that_is_no_clip_is_refused(spoilt: Any, folder: Path, tmp_path: Path) -> None:
    write_llava(folder, "llava-1.5", tower=False)
    write_clip(tmp_path / "clip")
    (tmp_path / "clip" / "config.json").write_text(json.dumps({"vision_config": spoilt}))
    with pytest.raises(PRSMedError, match=r"config\.json of clip is none of CLIP"):
        import_llava(folder, "llava-1.5", vision=tmp_path / "clip")


@pytest.mark.parametrize("tiles", [None, "(1x1),(2x2)"])
def test_llava_1_6_needs_its_tiles(tiles: Any, folder: Path) -> None:
    write_llava(folder, "llava-1.6")
    values = {key: value for key, value in settings("llava-1.6").items() if key != "image_grid_pinpoints"}
    (folder / "config.json").write_text(json.dumps(values | ({"image_grid_pinpoints": tiles} if tiles else {})))
    with pytest.raises(PRSMedError, match=r"config\.json is not usable: .*image_grid_pinpoints"):
        import_llava(folder, "llava-1.6")


def test_code_in_a_shard_is_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Code:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("this ran",)

    write_llava(folder, "llava-1.5", pickled=True)
    torch.save({"model.norm.weight": Code()}, folder / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(PRSMedError, match=r"pytorch_model-00001-of-00002\.bin is a pickle that wants .*print"):
        import_llava(folder, "llava-1.5")
    assert "this ran" not in capsys.readouterr().out


def test_an_older_part_survives_a_failure(folder: Path, tmp_path: Path) -> None:
    write_llava(folder, "llava-med")
    before = import_llava(folder, "llava-med")
    write_llava(tmp_path / "other", "llava-med")
    (tmp_path / "other" / FIRST).write_bytes(b"")
    with pytest.raises(PRSMedError):
        import_llava(tmp_path / "other", "llava-med")
    assert find_part("llava-med", "language")[1] == before
