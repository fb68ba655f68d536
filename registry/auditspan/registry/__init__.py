"""Agents, tools, grants and policies as code: read, validate, compare, and look up as of a time."""
