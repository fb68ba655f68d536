"""Statements that were checked already: a program asks the same again with other parameters.

What comes out of a check follows from the statement and the catalog alone; parameters are no part
of it, and the engine's own check (`engine_check`) sees them each time. Refusals are not kept.
"""

import threading
from collections import OrderedDict
from typing import Final

from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.check import Checked, checked

_MOST: Final = 256
_LONGEST: Final = 16_384
"""Characters of a statement and of what was made of it; what is longer is not kept."""


class SeenStatements:
    """The last of them, with what was made of each."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Catalog, Checked]] = OrderedDict()

    def checked(self, sql: str, catalog: Catalog) -> Checked:
        """What may run in the place of a statement. Raises `StatementRefused`."""
        key = (catalog.database, sql)
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is not None and kept[0] == catalog:
                self._kept[key] = kept
                return kept[1]
        made = checked(sql, catalog)
        if len(sql) + len(made.sql) <= _LONGEST:
            self._keep(key, (catalog, made))
        return made

    def _keep(self, key: tuple[str, str], made: tuple[Catalog, Checked]) -> None:
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
