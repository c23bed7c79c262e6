"""Files of SAM's family become parts; what does not fit is named, and nothing is left behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from sam_files import MEDSAM, SAM_MED2D, TINYSAM, encoder_file, rest_of_file
from torch import Tensor
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

from prsmed.errors import PRSMedError
from prsmed.model.build import build_encoder
from prsmed.model.config import EncoderConfig
from prsmed.model.importers.encoders import (
    import_medsam,
    import_sam_med2d,
    import_tinysam,
    load_encoder_part,
    read_sam_weights,
)
from prsmed.model.parts import Part, find_part

FAMILIES: dict[str, tuple[Callable[..., Part], Any]] = {
    "tinysam": (import_tinysam, TINYSAM),
    "medsam": (import_medsam, MEDSAM),
    "sam-med2d": (import_sam_med2d, SAM_MED2D),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def held_by(family: str) -> dict[str, Tensor]:
    return {**encoder_file(FAMILIES[family][1]), **rest_of_file()}


def write(path: Path, held: dict[str, Any], family: str) -> Path:
    torch.save({"model": held, "optimizer": {}} if family == "sam-med2d" else held, path)
    return path


def import_file(family: str, path: Path) -> Part:
    importer, config = FAMILIES[family]
    return importer(path, config=config)


def encode(config: EncoderConfig, name: str) -> Tensor:
    encoder = build_encoder(config).eval()
    load_encoder_part(encoder, name)
    return encoder(torch.ones(1, 3, 64, 64) * torch.linspace(0, 1, 64)).dense


@torch.no_grad()
def test_a_file_becomes_a_part_that_an_encoder_starts_from(family: str, tmp_path: Path) -> None:
    part = import_file(family, write(tmp_path / "weights.pth", held_by(family), family))
    assert (part.name, part.kind, part.source, part.licence) == (family, "encoder", family, "Apache-2.0")
    assert find_part(family, "encoder")[1] == part
    torch.manual_seed(9)
    assert torch.equal(encode(FAMILIES[family][1], family), encode(FAMILIES[family][1], family))
    rest = read_sam_weights(family)
    assert {"mask_decoder.iou_token.weight", "prompt_encoder.no_mask_embed.weight"} <= rest.keys()
    assert ("image_encoder.head.bias" in rest) == (family == "tinysam")


@torch.no_grad()
def test_a_folder_of_transformers_is_the_same_medsam(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vision = SamVisionConfig(
        hidden_size=16,
        output_channels=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=96,
        window_size=4,
        global_attn_indexes=[1],
        mlp_dim=64,
    )
    prompts = SamPromptEncoderConfig(hidden_size=32, image_size=96, image_embedding_size=6)
    decoder = SamMaskDecoderConfig(hidden_size=32, mlp_dim=256, iou_head_hidden_dim=32)
    model = SamModel(SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.eval().save_pretrained(tmp_path / "hf")
    import_medsam(tmp_path / "hf", config=MEDSAM)
    pixels = torch.rand(1, 3, 96, 96)
    encoder = build_encoder(MEDSAM).eval()
    load_encoder_part(encoder, "medsam")
    expected = model.vision_encoder((pixels - pixels.min()) / (pixels.max() - pixels.min())).last_hidden_state
    torch.testing.assert_close(encoder(pixels).dense, expected, atol=1e-5, rtol=1e-5)
    assert "mask_decoder.output_upscaling.0.weight" in read_sam_weights("medsam")


def spoil(held: dict[str, Tensor], how: str) -> dict[str, Tensor]:
    key = next(key for key in held if "attn.qkv.weight" in key)
    if how == "missing":
        return {name: tensor for name, tensor in held.items() if name != key}
    if how == "unexpected":
        return {**held, "image_encoder.something.weight": torch.zeros(1)}
    return {**held, key: torch.zeros(3, 5)}


@pytest.mark.parametrize("how", ["missing", "unexpected", "misshapen"])
def test_keys_that_do_not_fit_are_named(family: str, how: str, tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "weights.pth", spoil(held_by(family), how), family)
    with pytest.raises(PRSMedError, match=rf"weights\.pth does not fit: 1 {how} keys: ") as caught:
        import_file(family, path)
    assert caught.value.code == "bad_weights"
    assert not list(home.glob("*"))


@pytest.mark.parametrize(("asked", "given"), itertools.permutations(FAMILIES, 2))
def test_the_file_of_another_family_is_sent_to_its_own_command(asked: str, given: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(held_by(given), path)
    with pytest.raises(PRSMedError, match=f"use `prsmed import {given}`"):
        import_file(asked, path)


def test_other_weights_are_told_with_what_was_expected(family: str, tmp_path: Path) -> None:
    path = write(tmp_path / "weights.pth", {"fc.weight": torch.zeros(2)}, family)
    with pytest.raises(PRSMedError, match=r"weights\.pth is not .*'fc\.weight'.* were expected"):
        import_file(family, path)


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this ran",)


def _cut(path: Path) -> None:
    torch.save(held_by("tinysam"), path)
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_cut, "damaged, cut short or no file"),
        (lambda path: path.write_bytes(b""), "damaged, cut short or no file"),
        (lambda path: path.write_text("<html>not found</html>"), "damaged, cut short or no file"),
        (lambda path: torch.save({"a": _Code()}, path), "is a pickle that wants .*print, which is not run"),
        (lambda path: torch.save({"epoch": 3, "w": torch.zeros(1)}, path), "'epoch', which is no tensor"),
        (lambda path: torch.save([1, 2], path), "holds no state dict"),
        (lambda path: None, "is not a file"),
    ],
)
def test_files_that_are_none_are_refused_and_the_old_part_stays(
    make: Callable[[Path], Any], says: str, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = import_file("tinysam", write(tmp_path / "good.pth", held_by("tinysam"), "tinysam"))
    make(tmp_path / "weights.pth")
    with pytest.raises(PRSMedError, match=says) as caught:
        import_file("tinysam", tmp_path / "weights.pth")
    assert "weights.pth" in str(caught.value)
    assert "this ran" not in capsys.readouterr().out
    assert [path.name for path in home.iterdir()] == ["tinysam"]
    assert find_part("tinysam", "encoder")[1] == before


def test_a_damaged_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(held_by("tinysam"), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PRSMedError, match=r"weights\.safetensors is damaged, cut short or no file"):
        import_file("tinysam", path)


def test_a_part_of_another_shape_does_not_start_an_encoder(tmp_path: Path) -> None:
    import_file("medsam", write(tmp_path / "weights.pth", held_by("medsam"), "medsam"))
    with pytest.raises(PRSMedError, match=r"medsam/encoder\.safetensors does not fit"):
        load_encoder_part(build_encoder(TINYSAM), "medsam")


def test_a_name_that_is_a_path_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "weights.pth", held_by("tinysam"), "tinysam")
    with pytest.raises(PRSMedError, match="cannot name a part"):
        import_tinysam(path, name="../outside", config=TINYSAM)
    assert not (tmp_path / "outside").exists()
