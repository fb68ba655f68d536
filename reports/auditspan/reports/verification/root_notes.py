"""The checkpoints of other logs that a root log holds: its word for how far they were signed."""

from collections.abc import Iterator

from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of
from auditspan.integrity.errors import IntegrityError
from auditspan.reports.verification.asking import Ask, chunks, rows
from auditspan.reports.verification.report import Problem, Weight


def countersigned(
    ask: Ask, origin: str, size: int, problems: list[Problem]
) -> Iterator[tuple[int, Checkpoint, bytes]]:
    """Places, checkpoints and notes below a size; an entry that is none goes to the problems."""
    for first, end in chunks(0, size, 20_000):
        for row in rows(ask, "root_notes", log=origin, first=first, end=end):
            note = row["Body"].encode()
            try:
                yield row["LogIndex"], checkpoint_of(note), note
            except IntegrityError:
                says = "it should be a checkpoint, and is none"
                index = row["LogIndex"]
                problems.append(Problem("entry.malformed", Weight.INVALID, says, origin, index))
