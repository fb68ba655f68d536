"""What policies look at, as columns of a batch: which column tells which attribute.

A record is asked about only what the policies of its operation and tool look at, so records that
differ in nothing else share one decision.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from auditspan.policy import AgentFacts, Request, Slice, TargetFacts, ToolFacts, UserFacts
from auditspan.policy.operations import operation
from auditspan.processors.batch import Batch, Codes
from auditspan.processors.texts import filled, text
from auditspan.registry.models import Registry

Arguments = Mapping[str, JsonValue] | None
"""Arguments of a call, None if they cannot be read."""
USER_ROLES = "user.roles"
USER_SCOPES = "audit.oauth.scopes"
_MINUTE_NS = 60_000_000_000
_PRESENT = "user is present"

_OWN = {
    "principal.name": ("AgentId", "AgentName"),
    "principal.provenance": ("AgentProvenance",),
    "resource.effect": ("Effect",),
    "resource.server": (),
    "resource.data_class": (),
    "resource.review_required": (),
    "resource.type": ("TargetType",),
    "resource.id": ("TargetId",),
    "context.environment": ("Environment",),
    "context.purpose": ("Purpose",),
    "context.grant": ("GrantId",),
    "context.roles": (USER_ROLES,),
    "context.scopes": (USER_SCOPES,),
    "context.user?": (_PRESENT,),
    "context.user": ("UserId",),
    "context.user.organisation": (_PRESENT, "OrganizationId"),
    "context.user.roles": (_PRESENT, USER_ROLES),
    "context.user.scopes": (_PRESENT, USER_SCOPES),
    "context.user.provenance": (_PRESENT, "UserProvenance"),
    "context.hour": ("Moment",),
    "context.weekday": ("Moment",),
    "context.business_hours": ("Moment",),
}
_FAMILIES = {
    "principal": ("AgentId",),
    "resource": ("AgentId", "TargetType", "TargetId"),
    "context.target": ("TargetType", "TargetId"),
}
_RESOURCES = {
    "Tool": (),
    "Model": ("ModelName",),
    "Agent": ("AgentId", "TargetType", "TargetId"),
    "Target": ("TargetType", "TargetId"),
}


def sources_of(slice_: Slice, operation_name: str) -> set[str]:
    """The columns that tell what a slice looks at."""
    names: set[str] = set()
    for attribute in slice_.attributes:
        if attribute == "resource":
            names.update(_RESOURCES[operation(operation_name).resource])
        elif attribute in _OWN:
            names.update(_OWN[attribute])
        else:
            names.update(next(s for start, s in _FAMILIES.items() if attribute.startswith(start)))
    return names


def sources_of_disabled(registry: Registry) -> set[str]:
    """The columns that tell whether an agent is disabled; none while no agent is."""
    return {"AgentId"} if any(agent.disabled for agent in registry.agents.values()) else set()


@dataclass(frozen=True, slots=True)
class Source:
    """A column by its distinct values."""

    values: list[str]
    codes: Codes

    @classmethod
    def of(cls, array: pa.Array) -> "Source":
        """Encode a text column."""
        encoded = filled(array).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(encoded.dictionary.to_pylist(), codes)


class Inputs:
    """The columns of a batch, encoded when they are first asked for."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._sources: dict[str, Source] = {}

    def source(self, name: str) -> Source:
        """A column by its distinct values; one that is missing is empty."""
        if name not in self._sources:
            self._sources[name] = self._encoded(name)
        return self._sources[name]

    def request(
        self,
        row: int,
        needed: set[str],
        registry: Registry,
        arguments: Mapping[str, JsonValue] | None,
    ) -> Request:
        """The question about one record, as far as it is looked at."""

        def get(name: str) -> str:
            if name not in needed:
                return ""
            return self.value(name, row)

        minute = get("Moment")
        return Request(
            operation=self.value("Operation", row),
            agent=_agent(get, registry),
            user=_user(get),
            tool=ToolFacts(self.value("ToolName", row), effect=get("Effect")),
            target=TargetFacts(get("TargetType"), get("TargetId")),
            model=get("ModelName"),
            environment=get("Environment"),
            grant_id=get("GrantId"),
            purpose=get("Purpose"),
            at=int(minute) * _MINUTE_NS if minute else 0,
            arguments=arguments,
        )

    def value(self, name: str, row: int) -> str:
        """One cell."""
        source = self.source(name)
        return source.values[int(source.codes[row])]

    def _encoded(self, name: str) -> Source:
        if name == _PRESENT:
            present = self.source("UserId")
            known = np.asarray([bool(value) for value in present.values], dtype=np.int64)
            return Source(["", "yes"], known[present.codes])
        if name == "Moment":
            minutes = moments(self._batch) // _MINUTE_NS
            distinct, codes = np.unique(minutes, return_inverse=True)
            return Source([str(minute) for minute in distinct.tolist()], codes)
        derived = self._batch.derived.get(name)
        return Source.of(text(self._batch, name) if derived is None else derived)


def moments(batch: Batch) -> Codes:
    """As of when each record is judged, in unix nanoseconds."""
    moment = batch.column("Moment").cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(moment, dtype=np.int64)


@lru_cache(maxsize=4096)
def texts_of(list_json: str) -> tuple[str, ...]:
    """The texts of a JSON list, as lists are kept in attributes."""
    if not list_json:
        return ()
    try:
        found = json.loads(list_json)
    except (ValueError, RecursionError):
        return ()
    texts = found if isinstance(found, list) else []
    return tuple(sorted(item for item in texts if isinstance(item, str)))


def _agent(get: Callable[[str], str], registry: Registry) -> AgentFacts:
    id_, provenance = get("AgentId"), get("AgentProvenance")
    agent = registry.agents.get(id_)
    if agent is None:
        return AgentFacts(id_, get("AgentName"), registered=False, provenance=provenance)
    return AgentFacts(
        id=id_,
        name=agent.name,
        owner=agent.owner,
        risk_tier=agent.risk_tier,
        environments=agent.environments,
        roles=agent.roles,
        tags=agent.tags,
        registered=not agent.disabled,
        disabled=agent.disabled,
        provenance=provenance,
    )


def _user(get: Callable[[str], str]) -> UserFacts | None:
    """The user; whether there is one may be asked without asking who."""
    roles, scopes = texts_of(get(USER_ROLES)), texts_of(get(USER_SCOPES))
    if not (get("UserId") or get(_PRESENT) or roles or scopes):
        return None
    return UserFacts(get("UserId"), get("OrganizationId"), roles, scopes, get("UserProvenance"))
