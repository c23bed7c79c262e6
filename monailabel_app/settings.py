"""What whoever runs the server may set: environment variables ``PRSMED_...`` (docs/operations.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from prsmed.errors import PRSMedError

Door = Literal["archives", "proxy", "reload"]
DOORS: tuple[Door, ...] = get_args(Door)
MEGABYTE = 1 << 20
DEFAULT_STATE = Path.home() / ".local" / "state" / "prsmed"


class ServerSettings(BaseSettings):
    """Settings of the server; each is the environment variable of its name in capitals after ``PRSMED_``.

    Attributes:
        model: A preset's name or a checkpoint folder.
        max_waiting: Questions that may wait for the model; more are refused with 429.
        max_upload_mb: Largest body of a request that carries files.
        max_image_mb: Largest image or label after decompression.
        cache_volumes_mb: Images kept in memory.
        cache_features_mb: What the model has seen of them, kept on its device.
        conversation_minutes: A conversation is forgotten when nobody has gone on with it for so long.
        max_conversations: Conversations kept; the longest unused one goes first.
        max_turns: Turns kept of each.
        api_keys: File with the keys of users (``python -m monailabel_app.keys``).
        jwt_audience: Who a token must be for; MONAI Label's client id when left out.
        open: Doors that are shut unless named here, separated by commas: ``archives`` (sessions may unpack what
            is uploaded), ``proxy`` (OHIF reaches the DICOMweb server through this one), ``reload`` (read the
            model's folder again).
        state: Where the server keeps what is its own when the folder of studies cannot be written.
        versions: Where versions of the model are kept; a folder of these studies below ``state`` when left out.
        keep_versions: Newest versions whose weights are kept, besides the live one and what it came from.
        gate_margin: Dice that a new version may lose on any kind of image.
        replay: Folder with ``pairs/index.csv``: images like those that the preset was trained on. They are mixed among
            the corrections of a training, lest it forget them, and the held-out ones among the gate's.
        train_gpu: Whether a training may ``share`` the GPU with the model that answers, ``wait``s until memory enough
            is free, or leaves the GPU alone (``off``).
        question: Asked of every image when strategies score them; what readers ask most when left out.
        scoring: Which images are scored in the background: ``auto`` those of a folder, but none of a PACS, whose series
            would all be downloaded; ``all``; ``off``.
        lease_minutes: How long the next study is kept for the reader who got it.
    """

    model_config = SettingsConfigDict(env_prefix="PRSMED_", extra="ignore")

    model: str = "nano"
    max_waiting: int = Field(32, ge=0)
    max_upload_mb: int = Field(1024, ge=1)
    max_image_mb: int = Field(4096, ge=1)
    cache_volumes_mb: int = Field(1024, ge=0)
    cache_features_mb: int = Field(512, ge=0)
    conversation_minutes: float = Field(60, gt=0)
    max_conversations: int = Field(1000, ge=1)
    max_turns: int = Field(16, ge=1)
    api_keys: Path | None = None
    jwt_audience: str | None = None
    open: Annotated[frozenset[Door], NoDecode] = frozenset()
    state: Path = DEFAULT_STATE
    versions: Path | None = None
    keep_versions: int = Field(5, ge=1)
    gate_margin: float = Field(0.02, ge=0, le=1)
    replay: Path | None = None
    train_gpu: Literal["share", "wait", "off"] = "share"
    question: str = Field("", max_length=200)
    scoring: Literal["auto", "all", "off"] = "auto"
    lease_minutes: float = Field(30, gt=0)

    @field_validator("open", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


@cache
def server_settings() -> ServerSettings:
    """The settings of this process, read once.

    Raises:
        PRSMedError: ``bad_setting``, naming the variable, its value and the rule.
    """
    try:
        return ServerSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"PRSMED_{str(first['loc'][0]).upper()}"
        raise PRSMedError("bad_setting", f"{name}={first['input']!r}: {first['msg']}; see docs/operations.md") from None
