"""Has the engine's own parser agree with ours, before anything runs; it executes nothing for that.

1. What was sent and our tree of it, written down, are the same statement to the engine. 2. What is
to run has only known kinds of nodes, functions that readers may call, and relations of the role.
"""

import re
from typing import Final

from auditspan.storage.engine import Session
from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.allowed import functions, lists
from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.check import Checked
from auditspan.storage.reading.refusals import SYNTAX_ERROR, refused
from auditspan.storage.values import Params

_SAME: Final = "SELECT formatQuerySingleLine({sent:String}) = formatQuerySingleLine({same:String})"
_MOST_WORDS: Final = 600
_LINE: Final = re.compile(r" *([\w:]+)(?: (\S+))?(?: .*)?")

_NODES: Final = frozenset(
    {
        *("SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "Subquery"),
        *("ExpressionList", "WithElement", "TablesInSelectQuery", "TablesInSelectQueryElement"),
        *("TableExpression", "TableJoin", "ArrayJoin", "OrderByElement", "InterpolateElement"),
        *("WindowDefinition", "WindowListElement", "Function", "Identifier", "Literal", "Asterisk"),
        *("QualifiedAsterisk", "ColumnsRegexpMatcher", "ColumnsExceptTransformer"),
        *(
            "ColumnsReplaceTransformer",
            "ColumnsReplaceTransformer::Replacement",
            "ColumnsTransformerList",
            "TableIdentifier",
        ),
        *("QualifiedColumnsRegexpMatcher",),
    }
)


def agree(session: Session, checked: Checked, catalog: Catalog, params: Params) -> None:
    """Raise `StatementRefused` unless the engine reads the statement as we do."""
    if not checked.compared:
        return
    for sent, same in checked.compared:
        if not _same(session, sent, same):
            raise refused(
                "the engine reads it differently from us; write it in a simpler way (brackets "
                "around operators, one form of INTERVAL and CAST)",
                SYNTAX_ERROR,
            )
    tree = session.raw(f"EXPLAIN AST {checked.sql}", "TSVRaw", params).decode(errors="replace")
    named = {name for line in tree.splitlines() for name in _relation(line)}
    allowed = {f"{catalog.database}.{view}" for view in catalog.relations} | set(checked.withs)
    if not named <= allowed:
        raise refused(f"reads {sorted(named - allowed)[0][:80]!r}, which readers may not")


def _same(session: Session, sent: str, same: str) -> bool:
    try:
        return session.raw(_SAME, "TSVRaw", {"sent": sent, "same": same}).strip() == b"1"
    except StatementRefused as error:
        # What the engine says of the reader's text, without our statement around it.
        words = re.sub(r":? ?(?:In scope|while executing) .*", "", str(error), flags=re.S)
        raise StatementRefused(words[:_MOST_WORDS], error.code) from error


def _relation(line: str) -> list[str]:
    """The relation of a line of the engine's tree, whose node has to be one that is known."""
    found = _LINE.fullmatch(line)
    if not line.strip():
        return []
    if found is None or found[1] not in _NODES:
        raise refused(f"is {line.strip()[:40]!r} to the engine, which readers may not")
    if found[1] == "Function" and not _callable(found[2] or ""):
        raise refused(f"calls {(found[2] or '')[:60]!r}, which readers may not")
    return [found[2] or ""] if found[1] == "TableIdentifier" else []


def _callable(name: str) -> bool:
    low = name.lower()
    known = functions()
    return known.callable(low) or low in known.forms or low in lists().row_functions.names
