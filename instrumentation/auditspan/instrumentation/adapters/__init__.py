"""Guards for the tool calls of frameworks: one file an adapter, `instrument` installs them all.

Nothing of a framework is imported here: an adapter names the functions that it guards, and they are
wrapped when the agent imports them.
"""
