"""Lumen Supplies, the invented company of the demo: its tools and what its agents share."""
