"""The process that talks to the outside: receives, authenticates, spools, answers."""
