"""How logs are named, how often they are signed, and to whom that is shown."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.collector.anchors.config import AnchorsConfig

# A name is part of a signed note's first line (https://c2sp.org/tlog-checkpoint), where spaces and
# plus signs cannot stand, and of file names.
_NAME = r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"


class ProgramConfig(BaseModel):
    """A key in a key service, a token or an HSM, and the program that signs with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: tuple[str, ...] = Field(min_length=1)
    """Program, by its absolute path, and arguments. It gets what is to be signed on its standard
    input and writes the Ed25519 signature, 64 bytes or their base64, to its standard output."""
    public_key_file: Path
    """The public key in PEM, as `openssl pkey -pubout` and key services write it."""
    timeout_seconds: float = Field(default=5.0, gt=0, le=6)
    """Longest wait for a signature; a checkpoint takes up to three."""
    environment: tuple[str, ...] = ()
    """Names of variables that the program gets of the collector's environment, besides `PATH`."""

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        if not Path(self.command[0]).is_absolute():
            raise ValueError(f"command {self.command[0]}: expected an absolute path")
        return self


class IntegrityConfig(BaseModel):
    """Sealing of records."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    enabled: bool = True
    """Whether records are sealed; without, nothing shows that one was changed or deleted."""
    domain: str = Field(default="local", pattern=_NAME)
    """Domain of whoever runs the collector; the first part of the names of logs and keys."""
    deployment: str = Field(default="default", pattern=_NAME)
    """Which of the domain's deployments this is; one root log is kept for each."""
    idle_seconds: int = Field(default=60, ge=1, le=86_400)
    """Longest time between two checkpoints when nothing comes; otherwise every batch is signed."""

    passphrase_file: Path | None = None
    """File that holds the passphrase of the files of keys, mode 0600; without this or one of the
    next two, they have none."""
    passphrase_env: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Name of an environment variable that holds the passphrase instead."""
    passphrase_fd: int | None = Field(default=None, ge=3)
    """Number of an open file descriptor that the passphrase is read from instead, once."""
    root_signer: ProgramConfig | None = None
    """Who signs the root log; without, a key in a file of the data folder."""
    notary_signer: ProgramConfig | None = None
    """Who cosigns with time; without, a key in a file of the data folder."""
    anchors: AnchorsConfig = Field(default_factory=AnchorsConfig)
    """Who else keeps checkpoints."""

    @model_validator(mode="after")
    def _anchors_have_what_to_keep(self) -> Self:
        if self.anchors.all and not self.enabled:
            raise ValueError("anchors need checkpoints, and integrity.enabled is false: turn it on")
        return self

    @model_validator(mode="after")
    def _one_passphrase(self) -> Self:
        given = self.passphrase_file, self.passphrase_env or None, self.passphrase_fd
        if sum(one is not None for one in given) > 1:
            raise ValueError("passphrase: name one of passphrase_file, passphrase_env, _fd")
        return self

    @property
    def name(self) -> str:
        """The beginning of all names."""
        return f"{self.domain}/auditspan/{self.deployment}"
