"""On whose behalf: the user of each record's identity statement, else the user it claims.

A statement is verified once per distinct text and sender; its lifetime is compared with the
moments of all records at once. Only a statement that verifies and was in force makes the user
`verified` and gives roles and scopes; from another one no more than the name is taken, as a claim.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.identity.errors import StatementRefused
from auditspan.identity.statement import SKEW, Statement, StatementVerifier
from auditspan.processors.batch import Batch, Distinct, Mask
from auditspan.processors.combine import Coded, combine
from auditspan.processors.moment import Nanoseconds
from auditspan.processors.texts import first_of, nonempty, text, where

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Presented:
    """The statements of a batch, one per distinct text and presenter."""

    distinct: Distinct
    """Rows are (text, principal id, proved agent id)."""
    statements: list[Statement | None]
    """What they say; None if there is none or it does not verify."""
    given: Mask
    """Records that carry a statement."""
    genuine: Mask
    """Records whose statement verifies."""
    early: Mask
    """Records whose statement was not yet in force."""
    expired: Mask
    """Records whose statement was in force no more."""

    @property
    def in_force(self) -> Mask:
        """Records whose statement proves what it says."""
        return self.genuine & ~self.early & ~self.expired

    def texts(self, of: Callable[[Statement], str | None]) -> pa.Array:
        """Something that a statement says, per record; null without a genuine statement."""
        values = [None if each is None else of(each) for each in self.statements]
        return self.distinct.join(values, pa.string())

    def digests(self) -> pa.Array:
        """What stands for the statement in the record, null where there is none."""
        values = [_digest(row[0]) for row in self.distinct.rows]
        return self.distinct.join(values, pa.string())


def present(
    statements: Coded,
    principals: Coded,
    agents: Coded,
    moments: Nanoseconds,
    verifier: StatementVerifier,
    kind: str,
) -> Presented:
    """Verify the statements of one kind. `agents` are those proved otherwise, "" where not."""
    distinct = combine(statements, principals, agents)
    said = [_verified(verifier, kind, *row) for row in distinct.rows]
    genuine = np.asarray([each is not None for each in said], dtype=np.bool_)[distinct.codes]
    given = np.asarray([bool(row[0]) for row in distinct.rows], dtype=np.bool_)[distinct.codes]
    skew = int(SKEW * _SECOND)
    starts = _times(said, distinct, lambda each: each.issued_at) - skew
    ends = _times(said, distinct, lambda each: each.expires_at) + skew
    early = genuine & (moments < starts)
    return Presented(distinct, said, given, genuine, early, genuine & (moments >= ends))


def _verified(
    verifier: StatementVerifier, kind: str, content: str, principal: str, agent: str
) -> Statement | None:
    """The statement, if it may be presented by the sender or by an agent proved behind it."""
    if not content:
        return None
    presenters = (principal, f"agent:{agent}") if agent else (principal,)
    try:
        statement = verifier.authenticate(content, *presenters)
    except StatementRefused:
        return None
    return statement if statement.kind == kind else None


def _times(
    said: list[Statement | None], distinct: Distinct, of: Callable[[Statement], int]
) -> Nanoseconds:
    seconds = [0 if each is None else min(max(of(each), 0), 2**32) for each in said]
    return np.asarray(seconds, dtype=np.int64)[distinct.codes] * _SECOND


def _digest(content: str) -> str | None:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}" if content else None


def attach_users(batch: Batch, presented: Presented) -> Batch:
    """Set user and organisation with their provenance, and what the statement says besides."""
    proved = presented.in_force
    subject = presented.texts(lambda each: each.subject)
    claimed = text(batch, "UserId")
    user = first_of([subject, claimed])
    provenance = where(proved, _all("verified", batch), _all("claimed", batch))
    batch = batch.with_columns(
        {
            "UserId": user,
            "UserProvenance": where(nonempty(user), provenance, _all("", batch)),
            "OrganizationId": _only(proved, presented.texts(lambda each: each.organisation), ""),
        }
    )
    other = presented.texts(lambda each: json.dumps([each.subject, each.email, each.name]))
    batch = batch.flag("identity.mismatch", proved & _contradicts(claimed, other))
    batch = batch.flag("identity.expired", presented.expired)
    unresolved = presented.given & (~presented.genuine | presented.early)
    batch = batch.flag("identity.unresolved", unresolved)
    return batch.with_derived(_said(presented, batch.derived))


def _contradicts(claimed: pa.Array, known: pa.Array) -> Mask:
    """Whether a span names a user who is not the one of its statement, under any of its names."""
    pairs = combine(Coded.of(claimed), Coded.of(known))
    wrong = [
        bool(name) and names is not None and name not in json.loads(names)
        for name, names in pairs.rows
    ]
    return np.asarray(wrong, dtype=np.bool_)[pairs.codes]


def _said(presented: Presented, before: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Attributes that a proved statement gives; null elsewhere.

    A dialect may have told of the same names before, which is a claim: what people are called
    stands where nothing is proved, what they may do never does.
    """
    proved = presented.in_force
    said = {name: _only(proved, presented.texts(of), None) for name, of in _READERS.items()}
    for name in _CALLED & before.keys():
        said[name] = where(proved, said[name], before[name])
    said["audit.identity.digest"] = presented.digests()
    return {
        name: values
        for name, values in said.items()
        if name in before or values.null_count < len(values)
    }


def _list(values: tuple[str, ...]) -> str | None:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else None


def _only(mask: Mask, values: pa.Array, otherwise: str | None) -> pa.Array:
    chosen = pc.if_else(pa.array(mask), values, pa.scalar(otherwise, pa.string()))
    return chosen if otherwise is None else pc.fill_null(chosen, otherwise)


def _all(value: str, batch: Batch) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), len(batch))


_READERS: Mapping[str, Callable[[Statement], str | None]] = {
    "user.email": lambda s: s.email or None,
    "user.name": lambda s: s.name or None,
    "user.roles": lambda s: _list(s.roles),
    "audit.oauth.subject": lambda s: s.subject,
    "audit.oauth.issuer": lambda s: s.issuer,
    "audit.oauth.client.id": lambda s: s.client or None,
    "audit.oauth.audience": lambda s: s.audience or None,
    "audit.oauth.scopes": lambda s: _list(s.scopes),
    "audit.oauth.actor": lambda s: _list(s.act),
    "audit.oauth.token.id": lambda s: s.token_id or None,
    "audit.authentication.mfa": lambda s: None if s.mfa is None else str(s.mfa).lower(),
}
"""What a statement says, by attribute."""

_CALLED = frozenset({"user.email", "user.name"})
"""What people are called."""
