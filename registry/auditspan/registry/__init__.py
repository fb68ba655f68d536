"""Agents, tools, grants and policies as code: read, validate, compare, and look up as of a time."""

from auditspan.registry.models import Agent, Example, Grant, Registry, Tool

__all__ = ["Agent", "Example", "Grant", "Registry", "Tool"]
