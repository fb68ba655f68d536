"""Over what an answer was given: an answer without its population proves little.

States the window, the rows in it, how many senders' sequences have gaps, how many acts have an
unknown effect or nobody verified behind them, and how many frames lie in the dead letters.
"""

from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from auditspan.reports.period import Period
from auditspan.reports.source import Source


@dataclass(frozen=True, slots=True)
class Population:
    """What was there to be found."""

    since: str
    until: str
    records: int
    actions: int
    sequence_gaps: int
    """Numbers that senders counted and that never arrived, as far as they are known."""
    unsequenced: int
    """Records of senders that do not count, whose gaps nobody can see."""
    unknown_effects: int
    not_evaluated: int
    claimed_agents: int
    dead_letters: int

    def as_dict(self) -> dict[str, Any]:
        """For `--format json`."""
        return asdict(self)

    def sentence(self) -> str:
        """One line under an answer."""
        return (
            f"over {self.records:,} records ({self.actions:,} actions) from {self.since} to "
            f"{self.until}; sequence gaps {self.sequence_gaps:,}, without sequence "
            f"{self.unsequenced:,}, unknown effect {self.unknown_effects:,}, not evaluated "
            f"{self.not_evaluated:,}, agent only claimed {self.claimed_agents:,}, dead letters "
            f"{self.dead_letters:,}"
        )


SQL = files("auditspan.reports").joinpath("population.sql").read_text()


def population(source: Source, period: Period) -> Population:
    """Describe the records of a period."""
    row = source.arrow(SQL, period.parameters()).to_pylist()[0]
    return Population(**row)
