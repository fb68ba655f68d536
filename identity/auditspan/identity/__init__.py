"""Principals, API keys, tokens and signed identity statements: one implementation for all."""
