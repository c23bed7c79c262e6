"""Language models that reword templates: behind an OpenAI-compatible endpoint, or in a folder on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from prsmed.errors import PRSMedError

KEY_VARIABLE = "PRSMED_LLM_KEY"
"""Environment variable of the endpoint's key; it is read when a request is sent and kept nowhere."""
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 30.0
_NEW_TOKENS = 256


class Speaker(Protocol):
    """Anything that replies to a text.

    Attributes:
        name: Which model it is: replies of different names are never mixed up.
    """

    @property
    def name(self) -> str:
        """See the class."""

    def say(self, prompt: str) -> str:
        """Reply to one prompt, without memory of earlier ones."""


class EndpointSpeaker:
    """A model behind ``POST {base_url}/chat/completions``, the form of OpenAI that most servers speak.

    Args:
        base_url: E.g. ``"http://localhost:8000/v1"``.
        model: Name of the model there.
        timeout: Seconds to wait for a reply.
        retries: How often to try again when the server is busy or does not answer.
        pause: Seconds before the first new try; doubled for each further one. A busy server's own wish counts more.

    Raises:
        PRSMedError: ``bad_endpoint`` when the address is none, or holds a user name or password.
    """

    def __init__(
        self, base_url: str, model: str, *, timeout: float = 60.0, retries: int = 3, pause: float = 1.0
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PRSMedError("bad_endpoint", f"{base_url!r} is no http address; give one such as http://host:8000/v1")
        if "@" in parts.netloc:
            raise PRSMedError("bad_endpoint", f"the address holds a user or password; set {KEY_VARIABLE} instead")
        self.name = model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._host = parts.hostname
        self._retries, self._pause = retries, pause
        self._client = httpx.Client(timeout=timeout)

    def say(self, prompt: str) -> str:
        """Send one prompt.

        Raises:
            PRSMedError: ``bad_key``, ``endpoint_refused``, ``endpoint_unreachable`` or ``bad_reply``.
        """
        messages = [{"role": "user", "content": prompt}]
        response = self._post({"model": self.name, "messages": messages, "temperature": 0})
        try:
            text = response.json()["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str):
            raise PRSMedError(
                "bad_reply", f"{self._host} did not reply in the chat-completions form; check the address"
            )
        return text

    def _post(self, body: dict[str, Any]) -> httpx.Response:
        why = ""
        for attempt in range(self._retries + 1):
            try:
                response = self._client.post(self._url, json=body, headers=_headers())
            except httpx.HTTPError as error:
                why, wish = type(error).__name__, None
            else:
                if response.status_code == 200:
                    return response
                if response.status_code not in _BUSY:
                    raise self._refusal(response.status_code)
                why, wish = f"status {response.status_code}", response.headers.get("retry-after")
            if attempt < self._retries:
                time.sleep(_seconds(wish, self._pause * 2**attempt))
        message = f"{self._host} gave no reply in {self._retries + 1} tries ({why}); check that it runs, then go on"
        raise PRSMedError("endpoint_unreachable", message)

    def _refusal(self, status: int) -> PRSMedError:
        """Without the server's own words: some repeat the key in them."""
        cure = f"set {KEY_VARIABLE} to a key it knows" if status in (401, 403) else "check address and model name"
        return PRSMedError("endpoint_refused", f"{self._host} refused the request with status {status}; {cure}")


class FolderSpeaker:
    """A causal language model saved by transformers, in a folder on this machine.

    Args:
        folder: Its configuration, safetensors and tokenizer. Nothing is downloaded, no code of the folder is run.

    Raises:
        PRSMedError: ``bad_model_folder``.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # seconds to import

        self.name = str(folder.resolve())
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, KeyError):
            cure = "name one with config.json, safetensors and tokenizer"
            raise PRSMedError("bad_model_folder", f"{folder} holds no language model; {cure}") from None
        self._model = model.eval()

    def say(self, prompt: str) -> str:
        """Reply greedily.

        Raises:
            PRSMedError: ``prompt_too_long``.
        """
        ids = self._encode(prompt)
        room = getattr(self._model.config, "max_position_embeddings", 2**20) - ids["input_ids"].shape[1]
        if room < 1:
            raise PRSMedError("prompt_too_long", "the model's context is shorter than the prompt; take a larger model")
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._tokenizer.eos_token_id
        reply = self._model.generate(**ids, max_new_tokens=min(_NEW_TOKENS, room), do_sample=False, pad_token_id=pad)
        return str(self._tokenizer.decode(reply[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))

    def _encode(self, prompt: str) -> Any:
        if self._tokenizer.chat_template:
            messages = [{"role": "user", "content": prompt}]
            return self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        return self._tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)


def _headers() -> dict[str, str]:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise PRSMedError("bad_key", f"{KEY_VARIABLE} holds characters that no key has; copy the key anew")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _seconds(wish: str | None, otherwise: float) -> float:
    """How long a busy server asks to wait, in seconds, within reason."""
    return min(float(wish) if wish and wish.isdigit() else otherwise, _LONGEST_PAUSE)
