"""Malformed requests amid good ones: they are refused, and nothing good is lost or doubled."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.end_to_end import bodies
from tests.end_to_end.running import running

_BAD = int(os.environ.get("AUDITSPAN_BAD", "500"))
_GOOD_IN = 20
"""One request of so many is good."""


def _malformed(random: random.Random) -> bytes:
    """Never a request: its first tag is the end of a group that nobody began."""
    return b"\x0c" + random.randbytes(random.randrange(2_000))


def _resident(process: int) -> int:
    """MiB that a process holds."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmRSS"))


def test_malformed_requests_cost_nothing_good(tmp_path: Path) -> None:
    """All of them are answered 400, every good one is stored once, and memory stays."""
    chance = random.Random(5)
    work = [
        (bodies.body("good"), 200) if number % _GOOD_IN == 0 else (_malformed(chance), 400)
        for number in range(_BAD * _GOOD_IN // (_GOOD_IN - 1))
    ]
    good = sum(code == 200 for _, code in work)
    with (
        running(tmp_path / "data") as collector,
        httpx.Client(trust_env=False, timeout=60) as http,
        ThreadPoolExecutor(4) as pool,
    ):
        url = f"{collector.addresses['http']}/v1/traces"

        def wrong(content: bytes, expected: int) -> bool:
            headers = {"content-type": bodies.PROTOBUF}
            return http.post(url, content=content, headers=headers).status_code != expected

        held, unexpected = [], 0
        for part in (work[: len(work) // 2], work[len(work) // 2 :]):
            unexpected += sum(pool.map(lambda one: wrong(*one), part))
            held.append(_resident(collector.process.pid))
        assert unexpected == 0
        count = "SELECT count() FROM audit_records WHERE SpanName = 'good'"
        collector.wait_for(count, good)
        assert collector.rows(count.replace("count()", "count() AS n"))[0]["n"] == good
    print(f"{len(work) - good} malformed, {good} good, front {held[0]} MiB, then {held[1]} MiB")
    assert held[1] - held[0] < 50
