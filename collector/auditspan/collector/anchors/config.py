"""Which anchors there are: `service.integrity.anchors`."""

from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.collector.front.receiver_config import is_local

_NAME: Final = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
_BUCKET: Final = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_REGION: Final = r"^[a-z0-9-]{1,40}$"


class AnchorConfig(BaseModel):
    """What all anchors have."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=_NAME)
    """A word for it, in receipts, metrics and findings; keep it, or its history begins anew."""
    cadence_seconds: int = Field(default=60, ge=1, le=7 * 86_400)
    """How often the newest checkpoint is anchored; twice that without is the finding
    `anchor.missed`."""
    timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    """Longest wait for one try."""


class FileAnchorConfig(AnchorConfig):
    """A folder that the collector only adds to: on another disk, a mount of another machine."""

    folder: Path
    """Absolute, and outside of the data folder; it must exist."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.folder.is_absolute():
            raise ValueError(f"folder {self.folder}: expected an absolute path")
        return self


class TsaAnchorConfig(AnchorConfig):
    """A time-stamp authority (RFC 3161)."""

    cadence_seconds: int = Field(default=3600, ge=1, le=7 * 86_400)
    """How often the newest checkpoint is stamped; twice that without is the finding
    `anchor.missed`."""
    url: str
    """Where it takes requests over HTTP; plain http only to this machine."""
    roots_file: Path
    """PEM file of the certificates that its chain must end in: no others are trusted."""
    ca_file: Path | None = None
    """Certificates to trust for https instead of the system's."""
    max_skew_seconds: float = Field(default=300.0, gt=0)
    """How far its clock and ours may be apart."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        check_url("url", self.url)
        return self


class S3AnchorConfig(AnchorConfig):
    """A bucket with object lock, best in another account."""

    endpoint: str
    """`https://s3.eu-central-1.amazonaws.com`, for example; plain http only to this machine."""
    bucket: str = Field(pattern=_BUCKET)
    """Made with object lock; notes are `anchors/<sha256 of the log's name>/<size>.note`."""
    region: str = Field(default="us-east-1", pattern=_REGION)
    """Part of each signature."""
    credentials_file: Path
    """File with `aws_access_key_id`, `aws_secret_access_key` and perhaps `aws_session_token` below
    `[default]`, mode 0600; read again for each request. It needs to put and get objects and their
    retention, and to get the bucket's object lock; nothing else."""
    retention_days: int = Field(default=400, ge=1, le=36_500)
    """How long nobody can delete a note, not even the account's owner: the longest retention of
    records."""
    ca_file: Path | None = None
    """Certificates to trust for https instead of the system's."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        check_url("endpoint", self.endpoint)
        if urlsplit(self.endpoint).path.strip("/"):
            raise ValueError(f"endpoint {self.endpoint}: expected no path; the bucket has a key")
        return self


class AnchorsConfig(BaseModel):
    """Who else keeps checkpoints; without any, an attacker with the keys can rewrite everything."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: tuple[FileAnchorConfig, ...] = ()
    """Folders outside of the data folder; they count as `local`."""
    rfc3161: tuple[TsaAnchorConfig, ...] = ()
    """Time-stamp authorities; two are better than one."""
    s3: tuple[S3AnchorConfig, ...] = ()
    """Buckets with object lock in compliance mode."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.all]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"anchors: two are called {', '.join(twice)}; names must differ")
        return self

    @property
    def all(self) -> tuple[AnchorConfig, ...]:
        """All of them."""
        return (*self.files, *self.rfc3161, *self.s3)


def check_url(key: str, text: str) -> None:
    """Raises `ValueError` unless it is https, or http to this machine."""
    url = urlsplit(text)
    _ = url.port  # Raises ValueError if it is none.
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(f"{key} {text!r}: expected https://host")
    if url.username is not None or url.password is not None:
        raise ValueError(f"{key}: credentials do not belong there")
    if url.scheme == "http" and not is_local(url.hostname):
        raise ValueError(f"{key} {text!r}: {url.hostname} is another machine: use https")
