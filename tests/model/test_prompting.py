"""Prompts of imported models: text, templates, and the picture they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_vlms import FAMILIES, make_part

from prsmed.errors import PRSMedError
from prsmed.imaging.square import to_square
from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.load_language import load_language
from prsmed.model.presets import PRS_MED
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prompting import Prompt

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)


@pytest.fixture
def language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretrainedLanguage:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path))
    make_part("llava", "base")
    return load_language(PretrainedLanguageConfig(part="base", prompt="prs_med"), seg=False).eval()


def test_the_authors_prompt_is_written_as_their_code_does(language: PretrainedLanguage) -> None:
    assert language.prompt.start == "<image>"
    assert language.prompt.after("Where is it?", ()) == "\n### User: Where is it? \n### Assistant: \n"


def test_earlier_turns_stand_before_the_question(language: PretrainedLanguage) -> None:
    text = language.prompt.after("how large?", [("is it there?", "yes")])
    assert text == "\n### User: is it there? \n### Assistant: \nyes\n### User: how large? \n### Assistant: \n"


def test_the_end_of_the_authors_prompt_is_the_tokenizers(language: PretrainedLanguage) -> None:
    assert language.end_id == language.prompt.tokenizer.eos_token_id


def test_a_model_without_a_chat_template_is_refused_for_chat() -> None:
    _, processor = FAMILIES["llava"]()
    processor.chat_template = None
    with pytest.raises(PRSMedError, match="no chat template") as caught:
        Prompt(processor, "chat")
    assert caught.value.code == "bad_part"


def test_a_template_without_an_image_is_refused() -> None:
    _, processor = FAMILIES["llava"]()
    processor.chat_template = "{% for message in messages %}{{ message.role }}{% endfor %}"
    with pytest.raises(PRSMedError, match="writes no image"):
        Prompt(processor, "chat")


@pytest.mark.parametrize("shape", [(28, 17), (17, 28), (28, 28), (28, 27)])
def test_the_picture_is_that_of_pad_to_square(language: PretrainedLanguage, shape: tuple[int, int]) -> None:
    """LLaVA's own preparation: a square of CLIP's mean colour, the picture in its middle, then CLIP's processor."""
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    side = max(shape)
    padded = Image.new("RGB", (side, side), tuple(int(value * 255) for value in CLIP_MEAN))
    padded.paste(Image.fromarray(picture), ((side - shape[1]) // 2, (side - shape[0]) // 2))
    expected = language.processor.image_processor(images=padded, return_tensors="pt")["pixel_values"]
    square, _ = to_square(picture, (1.0, 1.0), side, PRS_MED.pad_color)
    pixels = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
    torch.testing.assert_close(language.inputs(pixels)["pixel_values"], expected)
