"""The settings of the service, read from environment variables that start with ROTOGRAPH_."""

import base64
import logging
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from jobs.cache import DEFAULT_BYTES as CACHE_BYTES
from jobs.values import WebhookSettings
from pipeline.network.graph import Device
from pipeline.values import VideoLimits
from service.links import ROOT_PATH

PREFIX = "ROTOGRAPH_"
FORMER_PREFIX = "SEGMENT_"
"""Read as well for one release, with a warning."""

_log = logging.getLogger(__name__)

LogFormat = Literal["logfmt", "json"]

_ADDRESS = r"^(\[[0-9A-Fa-f:]+\]|[^\s:\[\]]+):[0-9]{1,5}$"

Positive = Annotated[int, Field(ge=1)]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")]
StoreUrl = Annotated[str, Field(pattern=r"^s3://[^/\s]+(/\S*)?$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SettingsError(Exception):
    """A setting is out of range; the message names it and what is wanted."""


class Settings(BaseModel):
    """All that can be set; docs/configuration.md is generated from it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen at, `0.0.0.0` for all. Anything but loopback needs API keys."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Port to listen at."""
    root_path: Annotated[str, Field(pattern=f"^{ROOT_PATH}$")] = ""
    """Path below which a proxy shows the service, such as `/video`."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses and networks of proxies whose `X-Forwarded-Proto` and `X-Forwarded-Prefix` count:
    the scheme, and the path in place of `ROTOGRAPH_ROOT_PATH`.
    """
    allow_anonymous: bool | Literal["local"] = False
    """`true`: without API keys, serve whoever reaches it. `local`: only requests to a loopback name
    from no other site, for containers published at loopback.
    """
    webhook_secret: Annotated[SecretStr | None, Field(min_length=30)] = None
    """Signs webhooks: `whsec_` and at least 24 random bytes as base64. Unset: no webhooks."""
    allow_unsandboxed: bool = False
    """Start although the system lacks Landlock or seccomp, the sandbox of uploads."""
    outbound_allow: tuple[str, ...] = ()
    """Hosts and networks, such as `hooks.internal,10.1.0.0/16`, that URLs of clients may reach
    though not public, and without TLS.
    """
    cors_origins: tuple[Origin, ...] = ()
    """Sites whose pages may use the service, `https://example.org,...`; `*` for all."""
    metrics_token: Annotated[SecretStr | None, Field(min_length=16)] = None
    """Bearer token for `/metrics`, at least 16 characters; else open, or closed with API keys."""
    worker_metrics: Annotated[str | None, Field(pattern=_ADDRESS)] = None
    """Address of a worker's metrics, such as `127.0.0.1:9100`, one for each worker of a machine."""
    log_format: LogFormat = "logfmt"
    """Log lines as `key=value` pairs, or as one JSON object each."""
    tracing: bool = False
    """Send traces to an OpenTelemetry collector."""
    data_dir: Path = Path("data/service")
    """Folder of uploads, results and SQLite; with a store URL, of each machine's working copies."""
    database_url: str | None = None
    """`sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST/NAME` for workers on several machines;
    default: SQLite in the data folder.
    """
    store_url: StoreUrl | None = None
    """Object store of uploads and results, `s3://BUCKET/PREFIX`; default: the data folder."""
    cache_mib: Positive = CACHE_BYTES // 2**20
    """What copies of stored files may take in the data folder, but for those in use."""
    model: Path = Path("weights/default.onnx")
    """The model file."""
    device: Device | Literal["auto"] = "auto"
    """What runs the model: ONNX Runtime (`cpu`, `cuda`) or OpenVINO on a CPU. A worker
    refuses to start if the device isn't there, or if masks of a test clip differ from the CPU's.
    `auto`: CUDA if it works, else what is fastest in a trial at the first start; see `/readyz`.
    """
    threads: Positive | None = None
    """Threads of the runtime on a CPU; default: one a core, or as the container's quota allows."""
    max_upload_mib: Positive = 2048
    """Largest file, uploaded or fetched."""
    max_queued: Positive = 1000
    """Jobs that may wait for a worker; more are answered 503."""
    keep_hours: Seconds | None = None
    """How long a job is kept after its end, with its files; default: for good."""
    keep_mib: Positive | None = None
    """What the files of all jobs may take; beyond it, jobs that ended first are deleted."""
    min_free_mib: Annotated[int, Field(ge=0)] = 256
    """Free space in the data folder without which the API refuses to start."""
    max_pixels: Positive = 7680 * 4320
    """Most pixels in a frame; the default is 7680x4320."""
    max_frames: Positive = 1_000_000
    """Most frames in a video."""
    max_duration_s: Seconds = 4 * 3600
    """Longest video."""
    wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10
    """How long `POST /segment` waits for a result where the client doesn't say."""
    max_wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60
    """Longest wait that a client may ask for. Keep it below the timeout of a proxy in front."""
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2
    """How long the API still takes requests after SIGTERM, with `/readyz` at 503: longer than the
    period of the readiness probe.
    """
    upload_idle_timeout_s: Seconds = 30
    """How long an upload, or a download, may take for its next 16 KiB."""
    download_timeout_s: Seconds = 600
    """How long fetching a video from its `url` may take in all."""
    scan_timeout_s: Seconds = 60
    """How long listing a video's frames may take."""
    decode_timeout_s: Seconds = 120
    """How long decoding may bring no frame before the job fails."""
    job_timeout_s: Seconds | None = None
    """How long a job may take once a worker has taken it up; then it fails with `job-timeout`."""
    renderers: Positive = 1
    """Results with pictures made at once; each takes a process and up to 4 GiB."""
    render_timeout_s: Seconds = 3600
    """How long making one may take."""

    @field_validator("cors_origins", "outbound_allow", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [each.strip() for each in value.split(",")] if isinstance(value, str) else value

    @field_validator("root_path", mode="before")
    @classmethod
    def _ends_without_slash(cls, value: object) -> object:
        return value.rstrip("/") if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="after")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network("0.0.0.0/0" if each == "*" else each)
            except ValueError as error:
                raise ValueError("must be addresses, networks such as 10.0.0.0/8, or *") from error
        return value

    @model_validator(mode="after")
    def _waits_are_ordered(self) -> Self:
        if self.wait_s > self.max_wait_s:
            raise ValueError(
                f"{PREFIX}WAIT_S must be at most {PREFIX}MAX_WAIT_S={self.max_wait_s:g}, got "
                f"{self.wait_s:g}"
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
        """Where a worker shows its metrics, host and port; None where it doesn't."""
        if self.worker_metrics is None:
            return None
        host, _, port = self.worker_metrics.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def webhooks(self) -> WebhookSettings | None:
        if self.webhook_secret is None:
            return None
        return WebhookSettings(decode_secret(self.webhook_secret), self.outbound_allow)

    @property
    def limits(self) -> VideoLimits:
        return VideoLimits(
            max_pixels=self.max_pixels,
            max_frames=self.max_frames,
            max_duration_s=self.max_duration_s,
        )

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mib * 2**20

    @property
    def cache_bytes(self) -> int:
        return self.cache_mib * 2**20


def decode_secret(secret: SecretStr) -> bytes:
    """Read a secret as the Standard Webhooks specification writes it; ValueError: it is none."""
    prefix, _, encoded = secret.get_secret_value().partition("_")
    if prefix != "whsec":
        raise ValueError("must be whsec_ and at least 24 random bytes as base64")
    return base64.b64decode(encoded, validate=True)


def asked_log_format() -> LogFormat:
    """Return the log's format even where the settings are wrong: that stands in the log, too."""
    asked = {**_given(FORMER_PREFIX), **_given(PREFIX)}.get("log_format")
    return "json" if asked == "json" else "logfmt"


def load_settings() -> Settings:
    """Read the settings from the environment; raises SettingsError.

    An unknown name is only warned of: the client has names of its own, and Kubernetes sets some for
    a service that is called like the prefix.
    """
    given, former = _given(PREFIX), _given(FORMER_PREFIX)
    for name, value in former.items():
        old, new = _variable(FORMER_PREFIX, name), _variable(PREFIX, name)
        if given.setdefault(name, value) != value:
            raise SettingsError(f"{old} and {new} must be the same, or only {new} be given.")
        _log.warning("a setting has a new name", extra={"setting": old, "wanted": new})
    for name in _unknown():
        near = get_close_matches(name.removeprefix(PREFIX).lower(), Settings.model_fields, 1)
        meant = [_variable(PREFIX, each) for each in near]
        _log.warning("unknown setting", extra={"setting": name, "meant": ", ".join(meant)})
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(dict(item)) for item in error.errors())) from error


def _given(prefix: str) -> dict[str, str]:
    found = {
        name.upper().removeprefix(prefix).lower(): value
        for name, value in os.environ.items()
        if name.upper().startswith(prefix)
    }
    # Kubernetes sets PREFIX_PORT for a service of that name, to an address.
    return {
        name: value
        for name, value in found.items()
        if name in Settings.model_fields and not (name == "port" and value.startswith("tcp://"))
    }


def _unknown() -> list[str]:
    known = {_variable(PREFIX, name) for name in Settings.model_fields}
    names = (name.upper() for name in os.environ)
    return sorted(name for name in names if name.startswith(PREFIX) and name not in known)


def _variable(prefix: str, name: str) -> str:
    return f"{prefix}{name.upper()}"


def _sentence(error: Mapping[str, object]) -> str:
    location = error["loc"]
    if not isinstance(location, tuple) or not location:
        return f"{str(error['msg']).removeprefix('Value error, ')}."
    name = str(location[0])
    got = "(a secret)" if name.endswith(("secret", "token")) else repr(error["input"])
    must = re.sub(r"^Value error, (must )?|^(Input|String) should ", "", str(error["msg"]))
    return f"{PREFIX}{name.upper()} must {must}, got {got}."
