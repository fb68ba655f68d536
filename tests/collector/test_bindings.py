"""Bindings follow the registry in force, without a restart."""

import json
from pathlib import Path

from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, why_of
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.front.auth_config import AuthConfig
from auditspan.collector.front.authentication import Bindings
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


def apply(data: DataDir, agent: str, at_ns: int) -> None:
    """Put a registry with one agent in force."""
    bundle = Bundle({"agents/booking.yaml": agent})
    record = ControlRecord(
        kind=REGISTRY_APPLIED,
        at_ns=at_ns,
        why=why_of("ops", "", ""),
        body=json.loads(bundle.to_json()),
    )
    Versions(data.folder("registry")).store(record)


def test_an_applied_registry_binds_at_once(tmp_path: Path) -> None:
    """Before, nobody is bound; at the next request, what the registry names."""
    data = prepare(tmp_path / "data")
    bindings = bindings_in_force(RegistryInForce(data.folder("registry")), AuthConfig())
    assert bindings() == Bindings()
    apply(data, AGENT, 1)
    assert bindings().spiffe == {"spiffe://example.org/booking": "agent:booking"}
    apply(data, AGENT.replace("org/booking", "org/desk"), 2)
    assert bindings().spiffe == {"spiffe://example.org/desk": "agent:booking"}


def test_bindings_are_made_once_per_registry(tmp_path: Path) -> None:
    """A request costs a look at a file, not the reading of a registry."""
    data = prepare(tmp_path / "data")
    bindings = bindings_in_force(RegistryInForce(data.folder("registry")), AuthConfig())
    apply(data, AGENT, 1)
    assert bindings() is bindings()
