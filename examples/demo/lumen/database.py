"""The company's data: a database in memory, new for every process."""

import sqlite3

_SCHEMA = """
CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT, item TEXT, paid REAL, refunded REAL);
CREATE TABLE tickets (id TEXT PRIMARY KEY, status TEXT, note TEXT);
CREATE TABLE invoices (id TEXT PRIMARY KEY, supplier TEXT, amount REAL, state TEXT);
CREATE TABLE articles (id TEXT PRIMARY KEY, text TEXT);
INSERT INTO customers VALUES ('C-1001', 'Eve Holm', 'Bergen'), ('C-1002', 'Ada Lind', 'Turku');
INSERT INTO orders VALUES ('O-1001', 'C-1001', 'six chairs', 723.0, 0.0);
INSERT INTO tickets VALUES ('T-4711', 'open', '');
INSERT INTO invoices VALUES ('I-7', 'S-7', 800.0, 'due'), ('I-8', 'S-7', 25000.0, 'due'),
                            ('I-99', 'S-7', 1.0, 'draft'), ('I-1001', 'C-1001', 723.0, 'paid');
INSERT INTO articles VALUES ('kb-12', 'Refund of damaged goods: up to 500 at once'),
                            ('kb-31', 'Refund over 500: ask the support lead');
"""


def open_database() -> sqlite3.Connection:
    """A database with a few customers, orders and invoices."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.executescript(_SCHEMA)
    return database


class Missing(LookupError):
    """There is nothing with this id."""


def one(database: sqlite3.Connection, sql: str, *values: object) -> dict[str, object]:
    """The row that a statement finds. Raises Missing."""
    row = database.execute(sql, values).fetchone()
    if row is None:
        raise Missing(f"nothing with id {values[-1]!r}")
    return dict(row)
