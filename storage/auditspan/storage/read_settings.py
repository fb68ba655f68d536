"""How the engine reads records for people. Measured over ten million records (`bench/query`)."""

from collections.abc import Mapping
from typing import Final

FIXED: Final[Mapping[str, str | int]] = {
    # A record is read from a hundred small files; to have the index of each loaded by a thread of
    # its own takes longer than to load it.
    "load_marks_asynchronously": 0,
    # Which parts may hold a record is asked of all of them at once: asked one part at a time while
    # reading, each is a task of its own.
    "use_skip_indexes_on_data_read": 0,
    # A map is stored as a whole. Read once for each of its keys, it takes longer than once for all.
    "optimize_functions_to_subcolumns": 0,
}
