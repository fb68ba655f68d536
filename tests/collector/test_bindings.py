"""Bindings follow the registry in force, without a restart."""

import json
from pathlib import Path

from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, why_of
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.registry import Bundle

AGENT = """
id: booking
name: Booking
owner: ops
purpose: books flights
risk_tier: limited
environments: [production]
credentials: {spiffe: ["spiffe://example.org/booking"]}
"""


def apply(data: DataDir, at_ns: int) -> None:
    """Put a registry with one agent in force."""
    bundle = Bundle({"agents/booking.yaml": AGENT})
    record = ControlRecord(
        kind=REGISTRY_APPLIED,
        at_ns=at_ns,
        why=why_of("ops", "", ""),
        body=json.loads(bundle.to_json()),
    )
    Versions(data.folder("registry")).store(record)


def test_an_applied_registry_binds_within_a_second(tmp_path: Path) -> None:
    """Before, nobody is bound; after, what the registry names, as soon as it is looked at again."""
    data, now = prepare(tmp_path / "data"), [0.0]
    bindings = bindings_in_force(data, AuthConfig(), lambda: now[0])
    empty = bindings()
    apply(data, 1)
    assert bindings() == empty
    now[0] = 1.1
    assert bindings() != empty
