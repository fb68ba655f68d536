"""The agents of Lumen Supplies; each is a program of its own."""
