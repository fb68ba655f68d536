"""The `auditspan` command. Holds no logic of its own."""
