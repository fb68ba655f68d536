"""What the engine process is configured with: its stages and its store."""

from datetime import time
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.collector.engine.limits import LimitsConfig
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.policy import Calendar
from auditspan.processors.claims import ClaimsConfig
from auditspan.processors.identity import IdentityConfig
from auditspan.processors.moment import MomentConfig
from auditspan.processors.normalize import NormalizeConfig
from auditspan.processors.policy import PolicyConfig
from auditspan.processors.privacy import PrivacyConfig
from auditspan.processors.retention import RetentionConfig
from auditspan.processors.severity import SeverityConfig
from auditspan.processors.summary import SummaryConfig
from auditspan.storage.config import StoreConfig


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ProcessorsConfig(_Model):
    """What all have to keep to, then one section per stage, in the order in which they run."""

    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    """What one record and one batch may hold."""
    claims: ClaimsConfig = Field(default_factory=ClaimsConfig)
    """What a sender may not assert."""
    normalize: NormalizeConfig = Field(default_factory=NormalizeConfig)
    """What kind of act a record is."""
    moment: MomentConfig = Field(default_factory=MomentConfig)
    """As of when a record is judged."""
    identity: IdentityConfig = Field(default_factory=IdentityConfig)
    """Who acted, for whom, under which grant."""
    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    """Which rule decides."""
    privacy: PrivacyConfig = Field(default_factory=PrivacyConfig)
    """How much content is kept."""
    retention: RetentionConfig = Field(default_factory=RetentionConfig)
    """How long a record is kept."""
    severity: SeverityConfig = Field(default_factory=SeverityConfig)
    """How grave a record is."""
    summary: SummaryConfig = Field(default_factory=SummaryConfig)
    """A record in one sentence."""


class CalendarConfig(_Model):
    """When the business works, for policies that ask."""

    timezone: str = "UTC"
    """IANA name of the time zone."""
    opens: time = time(9)
    """First minute of business hours."""
    closes: time = time(17)
    """First minute after them."""
    days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    """Days with business hours."""

    def calendar(self) -> Calendar:
        """As the policies use it. Raises what `Calendar` raises for an unknown zone or day."""
        return Calendar(self.timezone, self.opens, self.closes, self.days)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.calendar()
        return self


class EngineConfig(_Model):
    """All that the engine process is told of the configuration."""

    storage: StoreConfig
    """Where records go."""
    processors: ProcessorsConfig = Field(default_factory=ProcessorsConfig)
    """What happens to them before."""
    calendar: CalendarConfig = Field(default_factory=CalendarConfig)
    """When the business works."""
    query: ReadLimits = Field(default_factory=ReadLimits)
    """What one statement of a reader may take."""
    integrity: IntegrityConfig = Field(default_factory=IntegrityConfig)
    """How records are sealed."""
    batch_hold_seconds: int = Field(default=600, ge=0)
    """How long a processed batch stays on disk after its rows are in the store."""
