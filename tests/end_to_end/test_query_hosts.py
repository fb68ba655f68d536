"""The query endpoint answers to its own names, and to those it was given."""

from pathlib import Path

import httpx

from tests.end_to_end.running import CONFIG, running


def test_a_configured_name_is_answered_and_a_foreign_one_refused(tmp_path: Path) -> None:
    """Otherwise a page elsewhere could give our address a name of its own (DNS rebinding)."""
    config = CONFIG.replace(
        'query: {endpoint: "127.0.0.1:0"}',
        'query: {endpoint: "127.0.0.1:0", hosts: [sql.internal]}',
    )
    with running(tmp_path / "data", config) as collector:

        def status(host: str) -> int:
            headers = {"X-ClickHouse-Key": collector.token, "Host": host}
            url = collector.addresses["query"]
            return httpx.get(url, params={"query": "SELECT 1"}, headers=headers).status_code

        assert status("sql.internal") == 200
        assert status("evil.example") != 200
