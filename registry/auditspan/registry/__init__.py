"""Agents, tools, grants, policies and people as code: read, check, compare, look up by time."""

from auditspan.registry.bundle import Bundle
from auditspan.registry.errors import BundleInvalid, Problem, RegistryError
from auditspan.registry.history import History, Version
from auditspan.registry.members import ControlsPolicy, Member
from auditspan.registry.models import Agent, Example, Grant, Registry, Tool

__all__ = [
    "Agent",
    "Bundle",
    "BundleInvalid",
    "ControlsPolicy",
    "Example",
    "Grant",
    "History",
    "Member",
    "Problem",
    "Registry",
    "RegistryError",
    "Tool",
    "Version",
]
