"""A process with little to do gives its free memory back once a minute."""

from auditspan.collector.spare_memory import SpareMemory


def test_it_is_given_back_after_a_minute_of_little() -> None:
    """Small batches are little; a large one needs as much again soon."""
    now, given = [0.0], []
    spare = SpareMemory(lambda: now[0], lambda: given.append(now[0]))
    for second, records in (
        (59, 0),
        (61, 3),
        (100, 0),
        (120, 20_000),
        (125, 0),
        (179, 9),
        (181, 0),
    ):
        now[0] = float(second)
        spare.tick(records)
    assert given == [61.0, 181.0]
