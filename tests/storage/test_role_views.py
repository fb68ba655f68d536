"""What a reader and an investigator may ask."""

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.role_views import ACCESSES, Access, audit_columns, role_database

_NAMES = {
    "audit",
    "audit_chain",
    "audit_conversations",
    "audit_repeats",
    "audit_reviewed",
    "otel_traces",
    "otel_traces_trace_id_ts",
    "agents",
    "tools",
    "grants",
    "registry_versions",
    "policy_versions",
    "detections",
    "reviews",
    "recertifications",
    "audit_seals",
    "audit_checkpoints",
    "erasures",
    "dead_letters",
}


@pytest.mark.parametrize("access", ACCESSES)
def test_a_role_has_its_views(migrated: Engine, access: Access) -> None:
    """The same names for both, but only an investigator sees who read what."""
    database = role_database("auditspan", access)
    sql = "SELECT name FROM system.tables WHERE database = {d:String}"
    names = set(migrated.raw(sql, params={"d": database}).decode().split())
    assert names - {n for n in names if n.startswith("system_")} == _NAMES | (
        {"access_log"} if access == "investigator" else set()
    )
    for name in names:
        migrated.raw(f"SELECT * FROM {database}.{name}")


def test_a_reader_sees_no_content_and_nobody_salts() -> None:
    """The columns of `audit`."""
    reader, investigator = audit_columns("reader"), audit_columns("investigator")
    assert set(reader) < set(investigator)
    assert {"ToolArguments", "ToolResult", "SpanAttributes"} <= set(investigator) - set(reader)
    assert not {"RecordSalt", "GroupSalts", "Redacted"} & set(investigator)
