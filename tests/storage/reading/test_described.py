"""What a relation says of its columns is what whoever reads it gets."""

import json

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.query import Statement, execute
from auditspan.storage.role_views import ACCESSES, Access


def _rows(store: Engine, sql: str, access: Access) -> list[list[str]]:
    answer = execute(store, Statement(sql, "JSONCompactEachRow"), access=access)
    return [json.loads(line) for line in answer.body.decode().splitlines()]


@pytest.mark.parametrize("access", ACCESSES)
def test_described_read_and_listed_columns_are_the_same(store: Engine, access: Access) -> None:
    """By DESCRIBE, by `SELECT *` and by `system.columns`, which clients build their menus from."""
    names = [name for [name] in _rows(store, "SHOW TABLES", access)]
    assert {"audit", "audit_reviewed", "otel_traces"} <= set(names)
    for name in names:
        answer = execute(
            store, Statement(f"SELECT * FROM {name} LIMIT 0", "JSONCompact"), access=access
        )
        read = [column["name"] for column in json.loads(answer.body)["meta"]]
        described = [row[0] for row in _rows(store, f"DESCRIBE {name}", access)]
        listed = _rows(
            store,
            f"SELECT name FROM system.columns WHERE table = '{name}' ORDER BY position",
            access,
        )
        assert (name, described, [each for [each] in listed]) == (name, read, read)
