"""The senders of a batch: the principals that front stamped beside the bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from auditspan.identity.errors import CredentialRefused
from auditspan.identity.principal import Principal, anonymous_principal
from auditspan.processors.batch import Batch
from auditspan.processors.combine import Coded


@dataclass(frozen=True, slots=True)
class Senders:
    """The distinct principals, and which of them sent each record."""

    coded: Coded
    """Principals as values."""

    @classmethod
    def of(cls, batch: Batch) -> "Senders":
        """Read the column that decode gives."""
        texts = Coded.of(batch.column("Principal"))
        return cls(Coded([_principal(text) for text in texts.values], texts.codes))

    def text(self, of: Callable[[Principal], str]) -> pa.Array:
        """Something about the principal, per record."""
        return self.coded.texts([of(principal) for principal in self.coded.values])


def _principal(text: str | None) -> Principal:
    """A stamp that cannot be read proves nobody."""
    try:
        return Principal.from_json(text or "")
    except CredentialRefused:
        return anonymous_principal("")
