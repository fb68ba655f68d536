"""What one record, and one batch, may hold; what happens beyond (docs/decisions/0015)."""

from pydantic import BaseModel, ConfigDict, Field


class LimitsConfig(BaseModel):
    """Bounds of a record and of a batch. Nothing beyond them is dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    record_mib: int = Field(default=128, ge=1, le=4096)
    """Of one decoded record; a larger one becomes a dead letter, which `auditspan deadletter retry`
    takes again after this was raised. The engine's memory must take it several times over."""

    map_keys: int = Field(default=10_000, ge=100, le=1_000_000)
    """Different keys that one map column of a batch may have, such as attributes of spans. What
    stands under rarer ones becomes one JSON value (`overflow.attributes`) with the finding
    `attribute.overflow`. How many questions a batch asks of policies is `policy.max_inputs`."""

    @property
    def record_bytes(self) -> int:
        """The same in bytes."""
        return self.record_mib << 20
