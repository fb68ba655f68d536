"""The registry as tables: what a `registry.applied` record means in rows.

Every version is written whole, so that what was in force at a time is one query: the rows with the
latest `AppliedAt` not after it. The columns are those of storage's migrations.
"""

import json
from collections.abc import Iterable, Mapping

import pyarrow as pa
from pydantic import BaseModel, JsonValue

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord
from auditspan.collector.control.versions import bundle_of
from auditspan.registry import Agent, Bundle, Grant, Registry, Tool
from auditspan.registry.models import unix_ns

_TIME = pa.timestamp("ns", tz="UTC")
Row = dict[str, object]


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of the registry tables by table; a table without rows is left out."""
    rows: dict[str, list[Row]] = {}
    for frame in frames:
        if frame.record.kind == REGISTRY_APPLIED:
            for table, row in _registry_rows(frame.record):
                rows.setdefault(table, []).append({**row, "BatchId": batch_id})
    return {name: pa.Table.from_pylist(found, schema=SCHEMAS[name]) for name, found in rows.items()}


def _registry_rows(record: ControlRecord) -> Iterable[tuple[str, Row]]:
    bundle = bundle_of(record)
    registry = bundle.registry()
    stamp = {"RegistryVersion": registry.version, "AppliedAt": record.at_ns}
    yield "registry_versions", _version_row(record, bundle, registry)
    for file, text in registry.policies.items():
        yield "policy_versions", {**stamp, **_policy_row(record, registry, file, text)}
    for agent in registry.agents.values():
        yield "agents", {**stamp, **_agent_row(agent)}
    for tool in registry.tools.values():
        yield "tools", {**stamp, **_tool_row(tool)}
    for grant in registry.grants:
        yield "grants", {**stamp, **_grant_row(grant)}


def _version_row(record: ControlRecord, bundle: Bundle, registry: Registry) -> Row:
    return {
        "Version": registry.version,
        "AppliedAt": record.at_ns,
        "Bundle": bundle.to_json(),
        "RequestedByProvenance": "verified" if record.requester else "claimed",
        "OnBehalfOf": record.why.requested_by if record.requester else "",
        "Proposal": record.proposal,
        "Findings": record.findings,
        "Changes": _changes(record),
        "PolicyVersion": registry.policy_version,
        **_why(record),
    }


def _changes(record: ControlRecord) -> list[str]:
    """One line a difference to the version before."""
    found = record.body.get("changes")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return list(dict.fromkeys(f"{row['change']} {row['kind']} {row['name']}" for row in rows))


def _policy_row(record: ControlRecord, registry: Registry, file: str, text: str) -> Row:
    return {
        "PolicyVersion": registry.policy_version,
        "File": file,
        "Text": text,
        **_why(record),
    }


def _why(record: ControlRecord) -> Row:
    why = record.why
    return {
        "RequestedBy": record.asked_by,
        "ApprovedBy": record.agreed_by,
        "Ticket": why.ticket,
        "Reason": why.reason,
    }


def _agent_row(agent: Agent) -> Row:
    return {
        "AgentId": agent.id,
        "AgentName": agent.name,
        "AgentVersion": agent.version,
        "Owner": agent.owner,
        "OwnerEmail": agent.owner_email,
        "Purpose": agent.purpose,
        "RiskTier": agent.risk_tier,
        "Environments": agent.environments,
        "Roles": agent.roles,
        "Disabled": agent.disabled,
        "SystemId": agent.system_id,
        "Definition": _definition(agent),
    }


def _tool_row(tool: Tool) -> Row:
    return {
        "ToolName": tool.name,
        "Server": tool.server,
        "Version": tool.version,
        "Effect": tool.effect,
        "TargetType": tool.target.type,
        "DataClass": tool.data_class,
        "ReviewRequired": tool.review_required,
        "RetentionClass": tool.retention_class,
        "SchemaHash": tool.schema_hash,
        "DescriptionHash": tool.description_hash,
        "Definition": _definition(tool),
    }


def _grant_row(grant: Grant) -> Row:
    approvals: list[JsonValue] = [one.model_dump(mode="json") for one in grant.approvals]
    return {
        "GrantId": grant.id,
        "AgentId": grant.agent,
        "Grantor": grant.grantor,
        "Users": grant.users,
        "Roles": grant.roles,
        "Operations": grant.operations,
        "Tools": grant.tools,
        "Targets": grant.targets,
        "Environments": grant.environments,
        "Purpose": grant.purpose,
        "GrantedAt": unix_ns(grant.granted_at),
        "ExpiresAt": unix_ns(grant.expires_at),
        "Approvals": _json(approvals),
        "Ticket": grant.ticket,
        "Definition": _definition(grant),
    }


def _definition(model: BaseModel) -> str:
    return _json(model.model_dump(mode="json"))


def _json(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _schema(text: str) -> pa.Schema:
    """Names with `@` are times, with `*` lists, with `?` truth values; the others are text."""
    types = {"@": _TIME, "*": pa.list_(pa.string()), "?": pa.bool_()}
    return pa.schema(
        [pa.field(word.rstrip("@*?"), types.get(word[-1], pa.string())) for word in text.split()]
    )


SCHEMAS: Mapping[str, pa.Schema] = {
    "registry_versions": _schema(
        "Version AppliedAt@ Bundle RequestedBy RequestedByProvenance OnBehalfOf ApprovedBy "
        "Proposal Findings* Changes* PolicyVersion Ticket Reason BatchId"
    ),
    "policy_versions": _schema(
        "PolicyVersion RegistryVersion AppliedAt@ File Text RequestedBy ApprovedBy Ticket Reason "
        "BatchId"
    ),
    "agents": _schema(
        "AgentId AgentName AgentVersion Owner OwnerEmail Purpose RiskTier Environments* Roles* "
        "Disabled? SystemId Definition RegistryVersion AppliedAt@ BatchId"
    ),
    "tools": _schema(
        "ToolName Server Version Effect TargetType DataClass ReviewRequired? RetentionClass "
        "SchemaHash DescriptionHash Definition RegistryVersion AppliedAt@ BatchId"
    ),
    "grants": _schema(
        "GrantId AgentId Grantor Users* Roles* Operations* Tools* Targets* Environments* Purpose "
        "GrantedAt@ ExpiresAt@ Approvals Ticket Definition RegistryVersion AppliedAt@ BatchId"
    ),
}
"""Columns of the registry tables, in the order of storage's migrations."""
