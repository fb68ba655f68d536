"""A scripted model on loopback: asks for one tool, keeps what it is told about it, and ends.

It speaks the APIs of several providers, told apart by path, so that real client libraries of real
frameworks talk to it. It is no model: how a real one takes a denial is not shown by it.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.frameworks.models import anthropic_messages, gemini, openai_chat, openai_responses
from tests.frameworks.models.turn import Answer, Dialect, Event, ToolResult, Turn

DIALECTS: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    anthropic_messages.DIALECT,
    gemini.DIALECT,
)


@dataclass
class ScriptedModel:
    """What it asks for, and what it saw."""

    tool: str
    arguments: Mapping[str, object]
    url: str = ""
    turns: list[Turn] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Requests that nobody here can answer; a test says what they may be."""

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """What it was told about its calls, in the last request that tells of any."""
        return next((turn.results for turn in reversed(self.turns) if turn.results), ())

    def answer(self, turn: Turn) -> Answer:
        """Ask for the tool once; a framework may put the name of a server before its name."""
        self.turns.append(turn)
        offered = (name for name in turn.tools if name.rpartition("__")[2] == self.tool)
        wanted = "" if turn.results else next(offered, "")
        return Answer(wanted, self.arguments) if wanted else Answer()


@contextmanager
def scripted(tool: str, arguments: Mapping[str, object]) -> Iterator[ScriptedModel]:
    """A model on a free port."""
    model = ScriptedModel(tool, arguments)
    server = _Server(model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: ScriptedModel) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is two writes; without this each waits for the other side's delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer one request."""
        assert isinstance(self.server, _Server)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = self.path.partition("?")[0]
        dialect = next((each for each in DIALECTS if each.path.fullmatch(path)), None)
        if dialect is None:
            self.server.model.refused.append(self.path)
            self._send(404, b'{"error": {"message": "not spoken here"}}', "application/json")
            return
        turn = dialect.read(path, json.loads(body))
        answer = self.server.model.answer(turn)
        if turn.stream:
            self._send(200, b"".join(_sse(dialect.events(answer))), "text/event-stream")
        else:
            self._send(200, json.dumps(dialect.whole(answer)).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output is the agent's."""


def _sse(events: Iterable[Event]) -> Iterator[bytes]:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        yield (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
