"""How logs are named, how often they are signed, and to whom that is shown."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.collector.anchors.config import AnchorsConfig

# A name is part of a signed note's first line (https://c2sp.org/tlog-checkpoint), where spaces and
# plus signs cannot stand, and of file names.
_NAME = r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"


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
    """File that holds the passphrase of the files of keys, mode 0600; without, they have none."""
    anchors: AnchorsConfig = Field(default_factory=AnchorsConfig)
    """Who else keeps checkpoints."""

    @model_validator(mode="after")
    def _anchors_have_what_to_keep(self) -> Self:
        if self.anchors.all and not self.enabled:
            raise ValueError("anchors need checkpoints, and integrity.enabled is false: turn it on")
        return self

    @property
    def name(self) -> str:
        """The beginning of all names."""
        return f"{self.domain}/auditspan/{self.deployment}"
