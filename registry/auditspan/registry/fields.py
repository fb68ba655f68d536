"""What the models of the registry are made of: strict and frozen, with names, texts and times."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints


def listed(value: object) -> object:
    """One name may stand without the list around it."""
    return (value,) if isinstance(value, str) else value


def _written(value: object) -> object:
    """A time is text; a number would be read as seconds, a bare date as midnight somewhere."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00Z"):
        raise ValueError("expected a time with zone such as 2026-01-31T09:00:00Z")
    return value


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$")]
"""An identifier of ours; it stands in columns, commands and Cedar texts."""
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")]
Text = Annotated[str, StringConstraints(max_length=4096)]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]
Time = Annotated[AwareDatetime, BeforeValidator(_written)]


class Model(BaseModel):
    """Frozen, and strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
