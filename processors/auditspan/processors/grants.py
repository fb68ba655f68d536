"""The grant that covers each action, and what is found where none does.

A grant is looked for once per distinct agent, user, operation, tool, kind of target, environment
and stretch of time between two ends of grants: within such a stretch every moment gets the same
answer. A user who is only claimed opens no grant that is for certain users or roles.

Model calls, approvals and what is none of ours need no grant, and get one attached if it covers
them. An agent's invocation needs any grant in force. Everything else needs one for exactly this.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from auditspan.processors.batch import Batch, Codes, Distinct, Mask, mask_of
from auditspan.processors.combine import Coded, combine
from auditspan.processors.moment import Nanoseconds
from auditspan.processors.texts import constant, filled, nonempty, text, where
from auditspan.registry.grants import Resolution, Wanted, resolve
from auditspan.registry.history import History
from auditspan.registry.models import Grant


class GrantsConfig(BaseModel):
    """Which actions need a grant, by action type."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    exact: frozenset[str] = frozenset(
        {
            "tool.call",
            "mcp.tools.call",
            "mcp.resources.read",
            "agent.delegate",
            "retrieval",
            "memory.read",
            "memory.write",
        }
    )
    """Need a grant for exactly this."""
    any_scope: frozenset[str] = frozenset({"agent.invoke"})
    """Need a grant of the agent for the user, whatever it is for."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was found for each distinct action."""

    asked: Distinct
    """The distinct actions; the first value is the version of the registry, -1 for none."""
    found: Sequence[Resolution | None]
    """The grant, or why there is none; None where no registry is in force."""

    def texts(self, of: Callable[[Grant], str | None], covering: bool = True) -> pa.Array:
        """Something about the grant, per record; null without one. An expired one is told of
        only if not only covering grants are asked for."""
        grants = [None if r is None or (covering and r.lacking) else r.grant for r in self.found]
        # Many actions share a grant, which is asked once. By object: an id is one per version.
        said = {id(grant): of(grant) for grant in grants if grant is not None}
        return self.asked.join([g and said[id(g)] for g in grants], pa.string())

    def lacking(self) -> Coded:
        """The finding per record, "" where nothing is lacking."""
        return Coded(["" if r is None else r.lacking for r in self.found], self.asked.codes)


def attach_grants(
    batch: Batch,
    purpose: pa.Array,
    versions: Codes,
    moments: Nanoseconds,
    history: History,
    config: GrantsConfig,
) -> Batch:
    """Set grant, who gave it and purpose (the claimed one goes first), and flag what lacks one."""
    resolved = _resolve_all(batch, versions, moments, history)
    given = filled(resolved.texts(lambda grant: grant.purpose))
    batch = batch.with_columns(
        {
            "GrantId": filled(resolved.texts(lambda grant: grant.id)),
            "AuthorizedBy": filled(resolved.texts(lambda grant: grant.grantor)),
            "Purpose": where(nonempty(purpose), purpose, given),
        }
    )
    return _flagged(batch, resolved, config).with_derived(_derived(resolved))


def _flagged(batch: Batch, resolved: Resolved, config: GrantsConfig) -> Batch:
    kind = text(batch, "ActionType")
    exact = mask_of(pc.is_in(kind, pa.array(sorted(config.exact), pa.string())))
    any_scope = mask_of(pc.is_in(kind, pa.array(sorted(config.any_scope), pa.string())))
    lacking = resolved.lacking()
    for finding, needed in (
        ("authorization.missing", exact | any_scope),
        ("authorization.expired", exact | any_scope),
        ("authorization.out_of_scope", exact),
    ):
        lacks = np.asarray([each == finding for each in lacking.values], dtype=np.bool_)
        batch = batch.flag(finding, needed & lacks[lacking.codes])
    return batch


def _derived(resolved: Resolved) -> dict[str, pa.Array]:
    """What a record tells of its grant; of an expired one only when it held and for what."""
    said = {
        "audit.authorization.granted_at": resolved.texts(lambda g: _time(g.granted_at), False),
        "audit.authorization.expires_at": resolved.texts(lambda g: _time(g.expires_at), False),
        "audit.authorization.scopes": resolved.texts(_scope, False),
        "audit.approval.chain": resolved.texts(_approvals),
        "audit.authorization.ticket": resolved.texts(lambda g: g.ticket or None),
    }
    return {name: values for name, values in said.items() if values.null_count < len(values)}


def _resolve_all(batch: Batch, versions: Codes, moments: Nanoseconds, history: History) -> Resolved:
    used = [history.versions[v].registry.grants for v in np.unique(versions).tolist() if v >= 0]
    every = [grant for grants in used for grant in grants]
    proved = mask_of(pc.equal(text(batch, "UserProvenance"), "verified"))
    nobody = constant("", len(batch))
    roles = batch.derived.get("user.roles")
    asked = combine(
        Coded.of_numbers(versions),
        Coded.of(text(batch, "AgentId")),
        Coded.of(where(proved, text(batch, "UserId"), nobody)),
        Coded.of(where(proved, filled(roles), nobody)) if roles is not None else _one(batch),
        Coded.of(text(batch, "Operation")),
        Coded.of(text(batch, "ToolName")),
        _targets(batch, every),
        Coded.of(text(batch, "Environment")),
        _stretches(moments, every),
    )
    own = _by_agent(history, {int(row[0]) for row in asked.rows})
    return Resolved(asked, [_resolved(own, *row) for row in asked.rows])


def _resolved(
    own: Mapping[tuple[int, str], Sequence[Grant]],
    version: int,
    agent: str,
    user: str,
    roles: str,
    operation: str,
    tool: str,
    target: str,
    environment: str,
    at_ns: int,
) -> Resolution | None:
    if version < 0:
        return None
    wanted = Wanted(
        agent=agent,
        user=user,
        roles=tuple(json.loads(roles)) if roles else (),
        operation=operation,
        tool=tool,
        target=target,
        environment=environment,
        at_ns=at_ns,
    )
    return resolve(own.get((version, agent), ()), wanted)


def _by_agent(history: History, versions: set[int]) -> dict[tuple[int, str], list[Grant]]:
    own: dict[tuple[int, str], list[Grant]] = {}
    for version in versions - {-1}:
        for grant in history.versions[version].registry.grants:
            own.setdefault((version, grant.agent), []).append(grant)
    return own


def _targets(batch: Batch, grants: Sequence[Grant]) -> Coded:
    """Targets of tool calls; those that match the same patterns stand for each other."""
    patterns = sorted({pattern for grant in grants for pattern in grant.targets})
    if not patterns:
        return _one(batch)
    kind, name = text(batch, "TargetType"), text(batch, "TargetId")
    full = pc.binary_join_element_wise(kind, name, ":")
    called = nonempty(text(batch, "ToolName")) & (nonempty(kind) | nonempty(name))
    encoded = where(called, full, constant("", len(batch))).dictionary_encode()
    alike = np.zeros(len(encoded.dictionary), dtype=np.int64)
    for pattern in patterns:
        # Renumbered each time, so that any number of patterns fits.
        _, alike = np.unique(alike * 2 + _matches(encoded.dictionary, pattern), return_inverse=True)
    _, first = np.unique(alike, return_index=True)
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return Coded(encoded.dictionary.take(pa.array(first)).to_pylist(), alike[codes])


def _matches(targets: pa.Array, pattern: str) -> Mask:
    """Which targets `fnmatchcase` matches with a pattern."""
    if "[" in pattern:
        return np.asarray([fnmatchcase(t, pattern) for t in targets.to_pylist()], dtype=np.bool_)
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = escaped.replace("*", "%").replace("?", "_")
    return mask_of(pc.match_like(targets, like))


def _stretches(moments: Nanoseconds, grants: Sequence[Grant]) -> Coded:
    """One moment for each stretch of time in which no grant begins or ends."""
    ends = {end for grant in grants for end in (grant.granted_ns, grant.expires_ns)}
    bounds = np.asarray(sorted(ends), dtype=np.int64)
    starts = np.concatenate([np.asarray([np.iinfo(np.int64).min], dtype=np.int64), bounds])
    return Coded.of_numbers(starts[np.searchsorted(bounds, moments, side="right")])


def _one(batch: Batch) -> Coded:
    """A column in which all records are alike."""
    return Coded([""], np.zeros(len(batch), dtype=np.int64))


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _scope(grant: Grant) -> str:
    """What the grant is for, as `kind:name` texts; a star is any."""
    kinds = {
        "operation": grant.operations,
        "tool": grant.tools,
        "target": grant.targets,
        "environment": grant.environments,
        "user": grant.users,
        "role": grant.roles,
    }
    # Users and roles widen each other, so an empty one of the two is not any.
    people = bool(grant.users or grant.roles)
    listed = [
        f"{kind}:{name}"
        for kind, names in kinds.items()
        for name in (names or (() if people and kind in ("user", "role") else ("*",)))
    ]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def _approvals(grant: Grant) -> str | None:
    chain = [
        {"approver": approval.approver, "at": _time(approval.at), "method": approval.method}
        for approval in grant.approvals
    ]
    return json.dumps(chain, ensure_ascii=False, separators=(",", ":")) if chain else None
