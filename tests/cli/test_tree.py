"""The decision chain as a tree, whatever the sender says its depth is."""

import io

from rich.console import Console

from auditspan.cli.tree import tree_of
from auditspan.reports.chain import assemble
from tests.reports.test_chain import record


def test_a_very_deep_chain_is_still_readable() -> None:
    """Every step has its line and its words, however deep the sender nests them."""
    rows = [record("0", PrincipalId="agent:bot")]
    rows += [record(str(n), str(n - 1), n, PrincipalId="agent:bot") for n in range(1, 2_000)]
    stream = io.StringIO()
    Console(file=stream, width=240).print(tree_of(assemble(rows), "deep"))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2_001
    assert all("execute_tool refund" in line for line in lines[1:])
