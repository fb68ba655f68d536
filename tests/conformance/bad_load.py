"""Malformed requests of many kinds amid good ones, over HTTP and gRPC, from several connections."""

import gzip
import http.client
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from auditspan.wire.otlp_json import to_json
from tests.conformance.sending import senders
from tests.end_to_end import bodies
from tests.end_to_end.running import Collector

GOOD_IN: Final = 20
"""One request of so many is good."""
NAME: Final = "amid malformed ones"
_THREADS: Final = 4
_JSON: Final = {"content-type": bodies.JSON}
_GZIP: Final = {"content-type": bodies.PROTOBUF, "content-encoding": "gzip"}
_REQUEST: Final = bodies.request("never stored", 2, note="x" * 300)
_BODY: Final = _REQUEST.SerializeToString()
_TEXT: Final = to_json(_REQUEST)
_PACKED: Final = gzip.compress(_BODY)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and what must be answered."""

    body: bytes
    expected: int
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": bodies.PROTOBUF})
    path: str = "/v1/traces"
    grpc: bool = False


def _noise(chance: Random) -> bytes:
    """Never a request: its first tag is the end of a group that nobody began."""
    return b"\x0c" + chance.randbytes(chance.randrange(2_000))


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


_KINDS: Final[tuple[Callable[[Random], Sent], ...]] = (
    lambda chance: Sent(_noise(chance), 400),
    lambda chance: Sent(_cut(_BODY, chance), 400),
    lambda _: Sent(_BODY.replace(b"never", b"nev\xffr"), 400),
    lambda _: Sent(_BODY.replace(b"\x12\x08" + (2).to_bytes(8), b""), 400),
    lambda _: Sent(_TEXT, 400),
    lambda chance: Sent(_cut(_TEXT, chance), 400, _JSON),
    lambda _: Sent(_TEXT.replace(b'"name":', b'"kind":"SERVER","name":'), 400, _JSON),
    lambda _: Sent(b'{"resourceSpans":' + b"[" * 5_000, 400, _JSON),
    lambda chance: Sent(_noise(chance), 400, _JSON),
    lambda chance: Sent(_cut(_PACKED, chance), 400, _GZIP),
    lambda chance: Sent(_noise(chance), 400, _GZIP),
    lambda chance: Sent(gzip.compress(_noise(chance), 1), 400, _GZIP),
    lambda chance: Sent(_noise(chance), 415, {"content-type": "text/plain"}),
    lambda _: Sent(_BODY, 404, path="/v1/metrics"),
    lambda chance: Sent(_noise(chance), 3, grpc=True),
    lambda chance: Sent(_cut(_BODY, chance), 3, grpc=True),
)


@dataclass(slots=True)
class Load:
    """What was sent, and what came of it."""

    answers: Counter[int] = field(default_factory=Counter)
    """How often each answer came: HTTP statuses, and numbers of gRPC statuses."""
    wrong: list[tuple[int, int]] = field(default_factory=list)
    """Answers, with what they ought to be."""
    good: int = 0

    @property
    def bad(self) -> int:
        """How many were refused."""
        return self.answers.total() - self.good


def work(bad: int, seed: int) -> Iterator[Sent]:
    """Requests, of which so many are bad; the same each time but for the ids of the good ones."""
    chance, refused = Random(seed), 0
    for number in itertools.count():
        if number % GOOD_IN == 0:
            yield Sent(bodies.body(NAME), 200, grpc=number % (2 * GOOD_IN) == 0)
        elif refused == bad:
            return
        else:
            refused += 1
            yield chance.choice(_KINDS)(chance)


def run(collector: Collector, bad: int, seed: int = 5) -> Load:
    """Send all of them."""
    shares = [bad * (at + 1) // _THREADS - bad * at // _THREADS for at in range(_THREADS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = list(pool.map(partial(_send, collector, seed), range(_THREADS), shares))
    return Load(
        sum((part.answers for part in parts), Counter()),
        [one for part in parts for one in part.wrong],
        sum(part.good for part in parts),
    )


def _send(collector: Collector, seed: int, at: int, share: int) -> Load:
    load = Load()
    host = collector.addresses["http"].partition("//")[2]
    with (
        senders(collector.addresses) as to,
        closing(http.client.HTTPConnection(host, timeout=60)) as connection,
    ):
        for one in work(share, seed + at):
            code = to.send(one.body, "grpc plain") if one.grpc else _post(connection, one)
            load.answers[code] += 1
            load.good += one.expected == 200
            if code != one.expected:
                load.wrong.append((code, one.expected))
    return load


def _post(connection: http.client.HTTPConnection, one: Sent) -> int:
    connection.request("POST", one.path, one.body, one.headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status
