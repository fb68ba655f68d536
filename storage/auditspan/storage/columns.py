"""The columns of `audit_records` as the registry has them."""

from collections.abc import Sequence
from typing import Protocol


class Column(Protocol):
    """What storage needs of a registry column."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def group(self) -> str: ...

    @property
    def attribute(self) -> str: ...

    @property
    def asserted_by(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def expression(self) -> str: ...

    @property
    def content(self) -> bool: ...

    @property
    def shown(self) -> str: ...


def of_registry() -> Sequence[Column]:
    """All columns, physical ones first."""
    try:
        from auditspan.semconv.columns import COLUMNS  # type: ignore[import-untyped,unused-ignore]
    except ModuleNotFoundError:
        return ()
    return tuple(COLUMNS)
