from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_vlms import make_part

from prsmed.benchmark.published_sequence import published_sequence
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.prsmed import PRSMed

QUESTION = "Where is the polyp?"


def ask(model: PRSMed, count: int, **more: Any) -> torch.Tensor:
    """Mask logits of one picture."""
    side = model.config.image_size
    pixels = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    return published_sequence(model, pixels, model.language.encode_questions([QUESTION]), count, **more).mask_logits


@torch.inference_mode()
def ours(model: PRSMed) -> torch.Tensor:
    side = model.config.image_size
    pixels = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    seen = model.see(pixels)
    prompt = model.read(seen, model.language.encode_questions([QUESTION]))
    segmented, _ = model.draw(seen, prompt, side)
    return segmented.mask_logits


def spy(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> list[tuple[Any, ...]]:
    """The arguments of every call from now on."""
    calls: list[tuple[Any, ...]] = []
    real = getattr(place, name)

    def spied(*args: Any, **more: Any) -> Any:
        calls.append(args)
        return real(*args, **more)

    monkeypatch.setattr(place, name, spied)
    return calls


@pytest.mark.parametrize("looks_once", [False, True])
def test_the_mask_is_ours(make_tiny: Callable[..., PRSMed], looks_once: bool) -> None:
    model = make_tiny()
    torch.testing.assert_close(ask(model, 5, looks_once=looks_once), ours(model), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("looks_once", "times"), [(False, 2), (True, 1)])
def test_image_and_question_are_read_twice_and_nothing_is_kept(
    make_tiny: Callable[..., PRSMed], monkeypatch: pytest.MonkeyPatch, looks_once: bool, times: int
) -> None:
    model = make_tiny()
    looks, reads = spy(monkeypatch, model, "encode"), spy(monkeypatch, model.language, "read")
    ask(model, 5, looks_once=looks_once)
    assert len(looks) == times
    fresh = [read for read in reads if len(read) == 2]  # embeddings and roles, nothing before them
    assert len(fresh) == 2
    assert torch.equal(fresh[0][0], fresh[1][0])
    assert len(reads) - len(fresh) == 5, "one token at a time, from the cache"
    assert len(reads[0][2:]) == 0
    assert len(reads[-1][2:]) == 0, "the mask is drawn after a full forward"


def test_the_answer_is_read_again_by_models_that_draw_from_it(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny(condition_on="answer", answer_from="prompt", max_answer_tokens=6)
    model.language.network.get_output_embeddings().weight.data[model.language.end_id] = 0
    torch.testing.assert_close(ask(model, 6), ours(model), rtol=1e-4, atol=1e-4)


@pytest.fixture
def imported(tiny_config: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], PRSMed]:
    """The tiny model around a tiny vision-language model of a family."""

    def build(family: str) -> PRSMed:
        monkeypatch.setenv("PRSMED_PARTS", str(tmp_path))
        make_part(family, "base")
        torch.manual_seed(0)
        language = PretrainedLanguageConfig(part="base", tuning="frozen", prompt="chat")
        return build_model(replace(tiny_config, language=language, condition_on="all", answer_from="prompt")).eval()

    return build


@pytest.mark.parametrize("family", ["llava", "llava_next", "qwen3"])
def test_an_imported_model_looks_twice_with_its_own_tower(
    imported: Callable[[str], PRSMed], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = imported(family)
    begun, looks = spy(monkeypatch, model.language, "begin"), spy(monkeypatch, model, "encode")
    drawn = ask(model, 3)
    assert (len(begun), len(looks)) == (2, 1)
    assert all("pixel_values" in inputs for (inputs,) in begun)
    torch.testing.assert_close(drawn, ours(model), rtol=1e-3, atol=1e-3)
