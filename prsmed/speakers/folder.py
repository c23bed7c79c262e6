"""A language model in a folder on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError


class FolderSpeaker:
    """A causal language model saved by transformers, in a folder on this machine.

    Args:
        folder: Its configuration, safetensors and tokenizer. Nothing is downloaded, no code of the folder is run.
        max_tokens: Longest reply.
        device: Torch device; a GPU when there is one, if ``None``.

    Raises:
        PRSMedError: ``bad_model_folder``.
    """

    def __init__(self, folder: Path, *, max_tokens: int = 256, device: str | None = None) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer  # seconds to import

        self.name = str(folder.resolve())
        self._max_tokens = max_tokens
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, KeyError):
            cure = "name one with config.json, safetensors and tokenizer"
            raise PRSMedError("bad_model_folder", f"{folder} holds no language model; {cure}") from None
        self._model = model.eval().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def say(self, prompt: str) -> str:
        """Reply greedily.

        Raises:
            PRSMedError: ``prompt_too_long``.
        """
        ids = self._encode(prompt).to(self._model.device)
        room = getattr(self._model.config, "max_position_embeddings", 2**20) - ids["input_ids"].shape[1]
        if room < 1:
            raise PRSMedError("prompt_too_long", "the model's context is shorter than the prompt; take a larger model")
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._tokenizer.eos_token_id
        length = min(self._max_tokens, room)
        reply = self._model.generate(**ids, max_new_tokens=length, do_sample=False, pad_token_id=pad)
        return str(self._tokenizer.decode(reply[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))

    def _encode(self, prompt: str) -> Any:
        if self._tokenizer.chat_template:
            return self._tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
                enable_thinking=False,  # templates that know no such word ignore it
            )
        return self._tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
