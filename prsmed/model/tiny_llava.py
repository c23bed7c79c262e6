"""The small language model of `nano`: from scratch, with visual tokens of the shared image encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration
from transformers import PreTrainedTokenizerFast as Tokenizer

from prsmed.model.config import TinyLanguageConfig
from prsmed.model.language import Context, LanguageModel, Role, TokenBatch
from prsmed.model.seg_token import SegToken

QUESTION_TEMPLATE = "\nuser: {question}\nassistant:"


class TinyLlava(LanguageModel):
    """``LlavaForConditionalGeneration`` with its tokenizer; visual tokens come from outside."""

    def __init__(self, llava: LlavaForConditionalGeneration, tokenizer: Tokenizer, visual_grid: int, seg: bool) -> None:
        super().__init__()
        self.llava = llava
        self.tokenizer = tokenizer
        self.visual_grid = visual_grid
        self.seg = SegToken(llava.get_input_embeddings(), llava.lm_head) if seg else None

    @property
    def network(self) -> LlavaForConditionalGeneration:
        """The model of transformers; its vision tower is replaced by the shared encoder."""
        return self.llava

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    @property
    def pad_id(self) -> int:
        """The id that rows are filled up with."""
        return int(self.tokenizer.pad_token_id)

    def prefix_length(self, side: int) -> int:
        """Start token and visual tokens, as many for every ``side``."""
        return 1 + self.visual_grid**2

    def begin(self, visual: Tensor) -> Context:
        """Read the start token and visual tokens ``(B, grid * grid, D)``."""
        return self.read(*self.embed_image(visual))

    def embed_image(self, visual: Tensor) -> tuple[Tensor, Tensor]:
        """Start token and visual tokens as the language model reads them, ``(B, T, D)``, and their roles."""
        rows, count, _ = visual.shape
        start = torch.full((rows, 1), self.tokenizer.bos_token_id, device=visual.device)
        roles = torch.full((rows, 1 + count), Role.IMAGE, device=visual.device)
        roles[:, 0] = Role.START
        return torch.cat([self.embed(start), visual], dim=1), roles

    def encode_questions(self, questions: Sequence[str], history: Sequence[tuple[str, str]] = ()) -> TokenBatch:
        """Questions in the prompt's template, after earlier (question, answer) turns, padded at the right."""
        before = "".join(f"{QUESTION_TEMPLATE.format(question=asked)} {answered}" for asked, answered in history)
        return self._pad(
            [self.ids_of(before + QUESTION_TEMPLATE.format(question=question.strip())) for question in questions]
        )

    def text_of(self, ids: Sequence[int]) -> str:
        """Text of generated ids."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()

    def ids_of(self, text: str) -> list[int]:
        """Ids of a text, special tokens in it being ordinary words."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids


def build_tiny_llava(config: TinyLanguageConfig, image_dim: int, tokenizer: Tokenizer, seg: bool = False) -> TinyLlava:
    """A small ``LlavaForConditionalGeneration`` that shares the image encoder's features as visual tokens."""
    text = LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_heads,
        max_position_embeddings=config.max_positions,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    # The projector reads vision_config.hidden_size; the tower itself is replaced, the encoder being shared.
    vision = CLIPVisionConfig(
        hidden_size=image_dim,
        intermediate_size=image_dim,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=32,
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    llava = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=image_token, tie_word_embeddings=False)
    )
    llava.model.vision_tower = nn.Identity()
    # Unit-scale embeddings: the visual tokens have unit scale, and would drown words at the default 0.02.
    nn.init.normal_(llava.get_input_embeddings().weight)
    return TinyLlava(llava, tokenizer, config.visual_grid, seg)
