"""What readers may take: of one statement, and of all at once. Ingest has threads of its own."""

from pydantic import Field

from auditspan.storage.query import QueryLimits


class ReadLimits(QueryLimits):
    """What readers may take."""

    rows_read: int = Field(default=1_000_000_000, ge=1_000)
    """Rows that a statement may read from the store."""
    bytes_read: int = Field(default=200_000_000_000, ge=1_000_000)
    """Bytes that a statement may read from the store, uncompressed."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """Statements that run at once; others wait."""
    concurrency_per_principal: int = Field(default=3, ge=1, le=64)
    """Statements of one principal that run at once; its others wait."""
    waiting_per_principal: int = Field(default=64, ge=0)
    """Statements of one principal that may wait; one more is refused."""
    waiting_seconds: float = Field(default=20.0, ge=0)
    """Longest wait of a statement for its turn; then it is refused, and may be sent again."""
