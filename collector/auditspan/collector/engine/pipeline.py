"""The stages in their order, over one decoded batch (order and reasons: processors/README.md).

A stage that fails on a record must not take the others with it: the batch is halved until the
record stands alone, and that one goes to the dead letters.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import pyarrow as pa

from auditspan.collector.engine.config import EngineConfig, ProcessorsConfig
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.identity.statement import StatementVerifier
from auditspan.processors.batch import Batch
from auditspan.processors.claims import claims
from auditspan.processors.finish import RANDOM_BYTES, finish
from auditspan.processors.identity import identity
from auditspan.processors.key_bounds import key_bounds
from auditspan.processors.moment import moment
from auditspan.processors.normalize import normalize
from auditspan.processors.policy import policy
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.privacy import privacy
from auditspan.processors.retention import retention
from auditspan.processors.sequences import SequenceState
from auditspan.processors.severity import severity
from auditspan.processors.summary import summary
from auditspan.registry import History
from auditspan.semconv.dialects import load as load_dialects

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record on which a stage failed."""

    at: int
    """Which of the decoded records it is."""
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a decoded batch."""

    tables: tuple[pa.Table, ...]
    """Physical columns only; one table unless a record had to be taken out."""
    sequences: SequenceState
    """How far the senders' numbering has come."""
    rejected: tuple[Rejected, ...]


@dataclass(slots=True)
class Pipeline:
    """The stages with their configuration and keys bound."""

    config: ProcessorsConfig
    hmac_key: bytes = field(repr=False)
    verifier: StatementVerifier
    sets: PolicySets
    random: Callable[[int], bytes]
    watch: Stopwatch

    @classmethod
    def of(
        cls,
        config: EngineConfig,
        hmac_key: bytes,
        statement_keys: Mapping[str, object],
        watch: Stopwatch,
    ) -> Self:
        """As its configuration has it, with random bytes of the system."""
        verifier = StatementVerifier(statement_keys)
        sets = PolicySets(config.calendar.calendar())
        return cls(config.processors, hmac_key, verifier, sets, os.urandom, watch)

    def process(
        self,
        table: pa.Table,
        batch_id: str,
        history: History,
        sequences: SequenceState,
        first: int = 0,
    ) -> Processed:
        """Run all stages; what a stage cannot take is rejected alone.

        `first` is what the first record counts as.
        """
        try:
            return self._run(table, batch_id, history, sequences)
        except StageFailed as error:
            if table.num_rows == 1:
                rejected = Rejected(first, error.stage, str(error))
                return Processed((), sequences, (rejected,))
        half = table.num_rows // 2
        before = self.process(table.slice(0, half), batch_id, history, sequences, first)
        after = self.process(table.slice(half), batch_id, history, before.sequences, first + half)
        return replace(
            after,
            tables=before.tables + after.tables,
            rejected=before.rejected + after.rejected,
        )

    def _run(
        self, table: pa.Table, batch_id: str, history: History, sequences: SequenceState
    ) -> Processed:
        config, batch = self.config, Batch.of(table)
        batch = self._stage("key_bounds", lambda: key_bounds(batch, config.limits.map_keys))
        batch = self._stage("claims", lambda: claims(batch, config.claims))
        batch = self._stage(
            "normalize",
            lambda: normalize(batch, load_dialects(), history, self.hmac_key, config.normalize),
        )
        batch, after = self._stage("moment", lambda: moment(batch, config.moment, sequences))
        batch = self._stage(
            "identity", lambda: identity(batch, history, self.verifier, config.identity)
        )
        batch = self._stage("policy", lambda: policy(batch, history, self.sets, config.policy))
        batch = self._stage(
            "privacy", lambda: privacy(batch, history, self.hmac_key, config.privacy)
        )
        batch = self._stage("retention", lambda: retention(batch, history, config.retention))
        batch = self._stage("severity", lambda: severity(batch, config.severity))
        batch = self._stage("summary", lambda: summary(batch, config.summary))
        done = self._stage(
            "finish", lambda: finish(batch, batch_id, self.random(len(batch) * RANDOM_BYTES))
        )
        return Processed((done,), after, ())

    def _stage(self, name: str, run: Callable[[], _T]) -> _T:
        try:
            with self.watch.stage(name):
                return run()
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic inside the Cedar library is no `Exception`
            raise StageFailed(name, f"{type(error).__name__}: {error}") from error


class StageFailed(Exception):
    """A stage failed on a batch; never seen outside of this file."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
