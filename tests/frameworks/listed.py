"""The frameworks of frameworks.yaml."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent


class Framework(BaseModel):
    """One entry; the file says what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    agent: str
    distribution: str
    versions: tuple[str, ...]
    variants: tuple[str, ...] = ("",)
    requires: tuple[str, ...] = ()
    also: dict[str, tuple[str, ...]] = {}
    light: bool = False

    @property
    def program(self) -> Path:
        """What is run."""
        return FOLDER / "agents" / self.agent


def frameworks() -> tuple[Framework, ...]:
    """All of them, in the order of the file."""
    text = (FOLDER / "frameworks.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text)
    return tuple(Framework(name=name, **entry) for name, entry in listed.items())
