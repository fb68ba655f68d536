"""Which store to open, and how much memory it may take."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.storage.address import address


class ColdConfig(BaseModel):
    """Where records go when they are old: another disk, where they they can still be read."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: Path
    """Folder on it, empty or not there; the embedded store only."""
    after_days: int = Field(default=90, ge=1, le=36_500)
    """Days after their receipt."""


class StoreConfig(BaseModel):
    """An embedded store by its path, or a ClickHouse server by its URL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    """Folder of the embedded engine; made 0700. One process may hold it."""
    url: str = ""
    """`http://host:8123` or `https://host:8443` of a server, with no user or password in it."""
    user: str = "default"
    """User on the server."""
    password_file: Path | None = None
    """File that holds the password; its mode must not let others read it."""
    database: str = Field(default="auditspan", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    """Database of our tables; made by the first migration."""
    cluster: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$")
    """Name of the cluster for `ON CLUSTER`; empty for one server."""
    verify_tls: bool = True
    """Check the server's certificate."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    max_memory: int = Field(default=800_000_000, ge=200_000_000)
    """Bytes the embedded engine may take in all; one statement may take three quarters of it."""
    mark_cache: int = Field(default=128_000_000, ge=1_000_000)
    """Bytes of index marks the embedded engine keeps (its own default is 5.4 GB)."""
    background_threads: int = Field(default=2, ge=1, le=64)
    """Threads that merge parts in the embedded engine."""
    timeout: int = Field(default=60, ge=1)
    """Seconds to wait for a server's answer."""
    cold: ColdConfig | None = None
    """Another disk for old records of the embedded engine."""

    @model_validator(mode="after")
    def _one_of_path_and_url(self) -> "StoreConfig":
        if bool(self.path) == bool(self.url):
            raise ValueError("storage: give either path (embedded) or url (a server)")
        if self.url and self.cold:
            raise ValueError(
                "storage.cold: of a server, its storage policy moves records "
                "(docs/erasure-and-retention.md); this is for the embedded store"
            )
        if self.url:
            _expect_address(self.url)
        return self


def _expect_address(url: str) -> None:
    try:
        address(url)
    except ValueError as error:
        advice = "; use user and password_file" if "@" in url else ""
        raise ValueError(f"storage.url: {error}{advice}") from error
