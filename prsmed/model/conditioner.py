"""Which hidden states of the prompt the mask decoder looks at (PRS-Med section 3; no `[SEG]` token)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from prsmed.model.language import Context


class SequenceConditioner(nn.Module):
    """Hands over the prompt's hidden states: every token, or the text after the image only.

    The language model is causal and the image comes first, so states at image tokens cannot depend on the
    question; ``"text"`` leaves them out. Answer tokens are never handed over.
    """

    def __init__(self, condition_on: Literal["all", "text"], num_image_tokens: int) -> None:
        super().__init__()
        self.first = 1 + num_image_tokens if condition_on == "text" else 0

    def forward(self, prompt: Context) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, T, D)`` and ``is_padding`` ``(B, T)``."""
        return prompt.hidden[:, self.first :], ~prompt.is_real[:, self.first :]
