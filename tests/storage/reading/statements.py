"""Statements at random: from a small grammar over our views, and from mutated lists."""

import random
from collections.abc import Callable, Sequence
from functools import cache

from hypothesis import strategies as st

from tests.storage.reading.lists import listed

# Mostly what fits together, so that the engine gets to analyse it; the rest is what must not pass.
_VIEWS = ("audit", "audit_records", "auditspan.audit", "agents", "grants", "default.agents")
_OTHERS = (
    *("auditspan.schema_migrations", "system.processes", "system.one", "system.settings", "c"),
    *("auditspan_investigator.audit", "file('/etc/hostname')", "url('http://127.0.0.1:1/', 'CSV')"),
    *("merge('auditspan', '.*')", "numbers(3)", "view(SELECT 1)", "generate_series(1, 3)"),
)
_LEAVES = (
    *("AgentId",) * 24,
    *("'a'", "''", "'it\\'s'", "toString(1)", "upper('x')", "'--'") * 3,
    *(
        "a.AgentId",
        "b.AgentId",
        "x",
        "file",
        "Severity",
        "UserId",
        "{p:String}",
        "NULL",
        "1",
        "[1]",
    ),
)
_CALLS = (
    *("upper({})", "toString({})", "coalesce({}, 'x')", "lower(hex({}))", "substring({}, 1, 2)")
    * 3,
    *("arrayMap(x -> {}, [1])[1]", "CAST({}, 'String')", "({})::String", "if(1, {}, 'y')") * 2,
    *("any({})", "max({})", "argMax({}, 1)", "groupArray({})[1]", "quantile(0.5)(length({}))"),
    *("file({})", "arrayMap(file, [{}])", "getSetting({})", "hostName({})", "`file`({})"),
    *("dictGet({}, 'a', 1)", "arrayReduce('any', [{}])", "sleep({})", "CAST({}, 'Object')"),
)
_OPERATORS = (
    *("concat({}, {})", "{} || {}", "if({} = {}, 'p', 'q')", "ifNull({}, {})") * 3,
    *("CASE WHEN {} = '' THEN {} END", "({}, {}).1", "[{}, {}][2]", "{} = '' ? {} : 'z'") * 2,
    *("toString({} IN ({}, 'b'))", "toString({} LIKE {})", "toString({} = {} AND 1)"),
    *("toString({} IN (SELECT {}))", "toString(NOT {} != {})", "map({}, {})['k']"),
    *("{} IN {}", "{} IN audit", "{} BETWEEN {} AND 3", "{} IS NULL OR {}", "-({} - {})"),
)
_TAILS = (
    *("", "", "", "", " LIMIT 3", " ORDER BY 1", " ORDER BY 1 DESC LIMIT 1 BY 1 LIMIT 2"),
    *(" FORMAT JSON", " SETTINGS max_threads = 1", " SETTINGS readonly = 0", " GROUP BY ALL"),
    *(" INTO OUTFILE '/tmp/x'", " UNION ALL SELECT 'u'", " WHERE 1 HAVING 1", ";", "; SELECT 1"),
)


def expressions() -> st.SearchStrategy[str]:
    """Expressions of our columns, of functions that may be called and of some that may not."""
    leaves = st.sampled_from(_LEAVES)

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        calls = st.builds(lambda call, one: call.format(one), st.sampled_from(_CALLS), inner)
        both = st.builds(
            lambda form, one, two: form.format(one, two), st.sampled_from(_OPERATORS), inner, inner
        )
        asked = st.builds(lambda one: f"(SELECT {one} FROM agents LIMIT 1)", inner)
        return calls | both | asked

    return st.recursive(leaves, grown, max_leaves=6)


def selects() -> st.SearchStrategy[str]:
    """SELECTs over our views, and over some relations that are none of ours."""
    relation = st.sampled_from((*_VIEWS * 8, *_OTHERS))
    joined = st.builds(lambda one, two: f"{one} AS a, {two} AS b", relation, relation) | st.builds(
        lambda one, two: f"{one} AS a LEFT JOIN {two} AS b USING (AgentId)", relation, relation
    )
    aliased = relation.map(lambda one: f"{one} AS a")
    source = relation | aliased | joined

    def select(what: str, source: str, where: str | None, tail: str, named: str | None) -> str:
        head = f"WITH c AS (SELECT {named} AS x FROM audit) " if named else ""
        condition = f" WHERE {where} != ''" if where else ""
        return f"{head}SELECT {what} FROM {source}{condition}{tail}"

    maybe = st.none() | expressions()
    return st.builds(select, expressions(), source, maybe, st.sampled_from(_TAILS), maybe)


@cache
def corpus() -> tuple[str, ...]:
    """Every listed statement."""
    files = ("query_honest.sql", "query_attacks.sql")
    return tuple(one.sql for file in files for one in listed(file))


@cache
def _words() -> tuple[str, ...]:
    return tuple(sorted({word for sql in corpus() for word in _split(sql)}))


def mutated() -> st.SearchStrategy[str]:
    """Listed statements with some words dropped, doubled, exchanged or taken from another one."""
    numbers = st.integers(0, 2**32 - 1)
    return st.builds(_mutate, st.sampled_from(corpus()), numbers)


def _mutate(sql: str, seed: int) -> str:
    # A generator of its own: a mutation is many choices, and nothing is gained by shrinking them.
    chance = random.Random(seed)
    words = _split(sql)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_MUTATIONS)(words, chance)
    return " ".join(words)


def _split(sql: str) -> list[str]:
    for sign in "(),=;":
        sql = sql.replace(sign, f" {sign} ")
    return sql.split()


def _drop(words: list[str], chance: random.Random) -> None:
    if words:
        del words[chance.randrange(len(words))]


def _double(words: list[str], chance: random.Random) -> None:
    if words:
        at = chance.randrange(len(words))
        words.insert(at, words[at])


def _exchange(words: list[str], chance: random.Random) -> None:
    if words:
        words[chance.randrange(len(words))] = chance.choice(_words())


def _add(words: list[str], chance: random.Random) -> None:
    words.insert(chance.randint(0, len(words)), chance.choice(_words()))


def _splice(words: list[str], chance: random.Random) -> None:
    other = _split(chance.choice(corpus()))
    if other and words:
        at, start = chance.randrange(len(words)), chance.randrange(len(other))
        words[at:at] = other[start : start + chance.randint(1, 12)]


def _wrap(words: list[str], chance: random.Random) -> None:
    before, after = chance.choice(_WRAPS)
    words[:0], words[len(words) :] = before.split(), after.split()


_WRAPS: Sequence[tuple[str, str]] = (
    ("SELECT * FROM (", ")"),
    ("SELECT 1 WHERE 1 IN (", ")"),
    ("WITH c AS (", ") SELECT * FROM c"),
    ("SELECT (", ")"),
    ("", "UNION ALL SELECT 1"),
)
_MUTATIONS: Sequence[Callable[[list[str], random.Random], None]] = (
    *(_drop, _double, _exchange, _add, _splice, _wrap),
)
