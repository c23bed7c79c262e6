"""A language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from prsmed.errors import PRSMedError

KEY_VARIABLE = "PRSMED_LLM_KEY"
"""Environment variable of the endpoint's key; it is read when a request is sent and kept nowhere."""
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 30.0
_UNKNOWN_FIELD = frozenset({400, 422})
# Nobody reads the thoughts. vLLM and SGLang know the first field, Ollama the second; who refuses a field gets less.
_QUIET: tuple[dict[str, Any], ...] = (
    {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "none"},
    {"chat_template_kwargs": {"enable_thinking": False}},
    {},
)


class EndpointSpeaker:
    """A model behind ``POST {base_url}/chat/completions``, the form of OpenAI that most servers speak.

    Args:
        base_url: E.g. ``"http://localhost:8000/v1"``.
        model: Name of the model there.
        max_tokens: Longest reply; the server's own limit when ``None``.
        key_variable: Environment variable of its key.
        timeout: Seconds to wait for a reply.
        retries: How often to try again when the server is busy or does not answer.
        pause: Seconds before the first new try; doubled for each further one. A busy server's own wish counts more.

    Raises:
        PRSMedError: ``bad_endpoint`` when the address is none, or holds a user name or password.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        max_tokens: int | None = None,
        key_variable: str = KEY_VARIABLE,
        timeout: float = 60.0,
        retries: int = 3,
        pause: float = 1.0,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PRSMedError("bad_endpoint", f"{base_url!r} is no http address; give one such as http://host:8000/v1")
        if "@" in parts.netloc:
            raise PRSMedError("bad_endpoint", f"the address holds a user or password; set {key_variable} instead")
        self.name = model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._host = parts.hostname
        self._key_variable = key_variable
        self._limit = {} if max_tokens is None else {"max_tokens": max_tokens}
        self._quiet = 0
        self._retries, self._pause = retries, pause
        self._client = httpx.Client(timeout=timeout)

    def say(self, prompt: str) -> str:
        """Send one prompt; several threads may.

        Returns:
            The reply; ``""`` when it was cut off before its first word, as that of a model that thinks aside.

        Raises:
            PRSMedError: ``bad_key``, ``endpoint_refused``, ``endpoint_unreachable`` or ``bad_reply``.
        """
        messages = [{"role": "user", "content": prompt}]
        response = self._post({"model": self.name, "messages": messages, "temperature": 0, **self._limit})
        try:
            choice = response.json()["choices"][0]
            text = choice["message"]["content"]
            if text is None and choice.get("finish_reason") == "length":
                text = ""
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            text = None
        if not isinstance(text, str):
            raise PRSMedError(
                "bad_reply", f"{self._host} did not reply in the chat-completions form; check the address"
            )
        return text

    def _post(self, body: dict[str, Any]) -> httpx.Response:
        quiet = self._quiet
        response = self._send({**body, **_QUIET[quiet]})
        while response.status_code in _UNKNOWN_FIELD and quiet + 1 < len(_QUIET):
            quiet += 1
            response = self._send({**body, **_QUIET[quiet]})
        if response.status_code != 200:
            raise self._refusal(response.status_code)
        self._quiet = quiet
        return response

    def _send(self, body: dict[str, Any]) -> httpx.Response:
        why = ""
        for attempt in range(self._retries + 1):
            try:
                response = self._client.post(self._url, json=body, headers=_headers(self._key_variable))
            except httpx.HTTPError as error:
                why, wish = type(error).__name__, None
            else:
                if response.status_code not in _BUSY:
                    return response
                why, wish = f"status {response.status_code}", response.headers.get("retry-after")
            if attempt < self._retries:
                time.sleep(_seconds(wish, self._pause * 2**attempt))
        message = f"{self._host} gave no reply in {self._retries + 1} tries ({why}); check that it runs, then go on"
        raise PRSMedError("endpoint_unreachable", message)

    def _refusal(self, status: int) -> PRSMedError:
        """Without the server's own words: some repeat the key in them."""
        cure = f"set {self._key_variable} to a key it knows" if status in (401, 403) else "check address and model name"
        return PRSMedError("endpoint_refused", f"{self._host} refused the request with status {status}; {cure}")


def _headers(variable: str) -> dict[str, str]:
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise PRSMedError("bad_key", f"{variable} holds characters that no key has; copy the key anew")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _seconds(wish: str | None, otherwise: float) -> float:
    """How long a busy server asks to wait, in seconds, within reason."""
    return min(float(wish) if wish and wish.isdigit() else otherwise, _LONGEST_PAUSE)
