"""The SQL cookbook: every question with the query that answers it, as it is run."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from auditspan.reports.population import SQL as POPULATION
from auditspan.reports.questions import Question, questions

_GROUPS: Final[Mapping[str, str]] = {
    "checks": "The five checks of an auditor",
    "policy": "Policy and decisions",
    "registry": "Agents, grants and coverage",
    "risk": "People, findings and gaps",
    "usage": "Models and cost",
}
_HEAD: Final = """\
# SQL cookbook

<!-- Made by docs/generate.py from reports/auditspan/reports/questions/; do not edit. -->

The questions an audit trail has to answer, one query each. `auditspan ask NAME` runs one and states
its population; `auditspan ask NAME --sql` prints it. Any ClickHouse client can run it too: against
the collector's endpoint with the operator's token as `X-ClickHouse-Key`, or against your server.

```sh
auditspan ask                                             # all of them
auditspan ask denials --since last-tuesday
auditspan ask incident --param conversation=c-17 --format json
```

`since` and `until` bound a period: a record belongs to it if the act happened in it (`Timestamp`)
or became known in it (`ReceivedAt`). Columns are described in [semconv.md](semconv.md).
"""


def cookbook_markdown() -> str:
    """The page."""
    order = list(_GROUPS)
    chosen = sorted(questions(), key=lambda one: (order.index(one.group), one.name))
    parts = [_HEAD]
    for group, members in groupby(chosen, key=lambda one: one.group):
        parts += [f"## {_GROUPS[group]}\n", *(_section(one) for one in members)]
    parts.append(
        "## Population\n\nWhat `auditspan ask` and `search` state under every answer: the rows of "
        "the period, numbers that\nsenders counted and that are missing, effects nobody knows, "
        f"acts no policy judged, and dead letters.\n\n```sql\n{POPULATION.strip()}\n```\n"
    )
    return "\n".join(parts)


def _section(one: Question) -> str:
    return "\n".join(_lines(one))


def _lines(one: Question) -> Iterator[str]:
    yield f"### {one.title}\n"
    yield f"*{one.asks}* `auditspan ask {one.name}`\n"
    if one.parameters:
        yield from (f"* `{each.name}` ({each.type}): {each.meaning}" for each in one.parameters)
        yield ""
    yield f"```sql\n{one.sql}\n```\n"
