"""Seals in ClickHouse: entries of records computed in SQL, the tables of logs and checkpoints."""
