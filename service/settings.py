"""The settings of the service, read from environment variables that start with SEGMENT_."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.cache import DEFAULT_BYTES as CACHE_BYTES
from jobs.callbacks import WebhookSettings
from pipeline.graph import Device
from pipeline.values import VideoLimits
from service.log_format import LogFormat

PREFIX = "SEGMENT_"

_ADDRESS = r"^(\[[0-9A-Fa-f:]+\]|[^\s:\[\]]+):[0-9]{1,5}$"

Positive = Annotated[int, Field(ge=1)]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")]
StoreUrl = Annotated[str, Field(pattern=r"^s3://[^/\s]+(/\S*)?$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SettingsError(Exception):
    """A setting is unknown or out of range; the message names it and what is wanted."""


class Settings(BaseSettings):
    """All that can be set; every field is described in docs/configuration.md.

    Read them with `load_settings`, which also refuses names that it doesn't know.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    allow_anonymous: bool | Literal["local"] = False
    webhook_secret: Annotated[SecretStr | None, Field(min_length=30)] = None
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = ()
    metrics_token: Annotated[SecretStr | None, Field(min_length=16)] = None
    worker_metrics: Annotated[str | None, Field(pattern=_ADDRESS)] = None
    log_format: LogFormat = "logfmt"
    tracing: bool = False
    data_dir: Path = Path("data/service")
    database_url: str | None = None
    store_url: StoreUrl | None = None
    cache_mib: Positive = CACHE_BYTES // 2**20
    model: Path = Path("weights/default.onnx")
    device: Device = "cpu"
    threads: Positive | None = None
    max_upload_mib: Positive = 2048
    max_queued: Positive = 1000
    keep_hours: Seconds | None = None
    keep_mib: Positive | None = None
    min_free_mib: Annotated[int, Field(ge=0)] = 256
    max_pixels: Positive = 7680 * 4320
    max_frames: Positive = 1_000_000
    max_duration_s: Seconds = 4 * 3600
    wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10
    max_wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60
    upload_idle_timeout_s: Seconds = 30
    download_timeout_s: Seconds = 600
    scan_timeout_s: Seconds = 60
    decode_timeout_s: Seconds = 120
    job_timeout_s: Seconds | None = None
    renderers: Positive = 1
    render_timeout_s: Seconds = 3600

    @field_validator("cors_origins", "outbound_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [each.strip() for each in value.split(",")] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _waits_are_ordered(self) -> Self:
        if self.wait_s > self.max_wait_s:
            raise ValueError(
                f"got {PREFIX}WAIT_S={self.wait_s:g} above {PREFIX}MAX_WAIT_S={self.max_wait_s:g}, "
                "wanted the default wait to be at most the longest one"
            )
        return self

    @field_validator("webhook_secret", mode="after")
    @classmethod
    def _is_base64(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decode_secret(value)
        return value

    @property
    def worker_metrics_address(self) -> tuple[str, int] | None:
        """Where a worker shows its figures, host and port; None where it doesn't."""
        if self.worker_metrics is None:
            return None
        host, _, port = self.worker_metrics.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def webhooks(self) -> WebhookSettings | None:
        """How webhooks are sent; None where they aren't."""
        if self.webhook_secret is None:
            return None
        return WebhookSettings(decode_secret(self.webhook_secret), self.outbound_allow)

    @property
    def limits(self) -> VideoLimits:
        """How large a video may be."""
        return VideoLimits(
            max_pixels=self.max_pixels,
            max_frames=self.max_frames,
            max_duration_s=self.max_duration_s,
        )

    @property
    def max_upload_bytes(self) -> int:
        """How large an upload may be, bytes."""
        return self.max_upload_mib * 2**20

    @property
    def cache_bytes(self) -> int:
        """What copies of files in the object store may take, bytes."""
        return self.cache_mib * 2**20


def decode_secret(secret: SecretStr) -> bytes:
    """Read a secret as the Standard Webhooks specification writes it.

    Raises:
        ValueError: it is none.
    """
    prefix, _, encoded = secret.get_secret_value().partition("_")
    if prefix != "whsec":
        raise ValueError("wanted whsec_ and at least 24 random bytes as base64")
    return base64.b64decode(encoded, validate=True)


def asked_log_format() -> LogFormat:
    """Return the log's format even where the settings are wrong: that stands in the log, too."""
    name = f"{PREFIX}LOG_FORMAT"
    asked = next((value for key, value in os.environ.items() if key.upper() == name), "logfmt")
    return "json" if asked == "json" else "logfmt"


def load_settings() -> Settings:
    """Read the settings from the process's environment.

    Raises:
        SettingsError: a name that starts with SEGMENT_ is unknown, or a value is out of range.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        raise SettingsError(
            f"Got the unknown setting {', '.join(unknown)}, "
            f"wanted one of {', '.join(sorted(known))}."
        )
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(dict(item)) for item in error.errors())) from error


def _sentence(error: Mapping[str, object]) -> str:
    location = error["loc"]
    if not isinstance(location, tuple) or not location:
        return f"{str(error['msg']).removeprefix('Value error, ')}."
    name = str(location[0])
    got = "(a secret)" if name.endswith(("secret", "token")) else repr(error["input"])
    return f"{PREFIX}{name.upper()}: got {got}: {error['msg']}."
