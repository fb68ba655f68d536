"""Agents, tools, grants and policies as code: read, validate, compare, and look up as of a time."""

from auditspan.registry.bundle import Bundle
from auditspan.registry.errors import BundleInvalid, Problem, RegistryError
from auditspan.registry.history import History, Version
from auditspan.registry.models import Agent, Example, Grant, Registry, Tool

__all__ = [
    "Agent",
    "Bundle",
    "BundleInvalid",
    "Example",
    "Grant",
    "History",
    "Problem",
    "Registry",
    "RegistryError",
    "Tool",
    "Version",
]
