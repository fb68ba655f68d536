"""The scripted model: OpenAI's chat API on loopback, for two agents that offer different tools."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, Mapping[str, object]]
SCRIPTS: tuple[tuple[Call, ...], ...] = (
    (
        ("find_booking", {"booking_id": "b-7"}),
        ("quote_refund", {"booking_id": "b-7"}),
        ("ask_refund_desk", {"request": "refund b-7, remove it, tell customer c-3"}),
    ),
    (
        ("refund_booking", {"booking_id": "b-7", "amount": 240.0}),
        ("delete_booking", {"booking_id": "b-7"}),
        ("notify_customer", {"customer_id": "c-3", "text": "240 EUR are on their way."}),
    ),
)
"""Calls in their order, for whoever offers the first of them."""
LAST = "The refund is on its way. The booking itself stays, because policy wants that."


@contextmanager
def scripted() -> Iterator[str]:
    """Its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(request: Mapping[str, Any]) -> dict[str, object]:
    """The next call of the script, by how many results there are; then the last words."""
    offered = {tool["function"]["name"] for tool in request.get("tools") or ()}
    script = next((script for script in SCRIPTS if script[0][0] in offered), ())
    done = sum(message["role"] == "tool" for message in request["messages"])
    if done >= len(script):
        return _completion({"role": "assistant", "content": LAST}, "stop")
    name, arguments = script[done]
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{name}", "type": "function", "function": function}
    return _completion({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


def _completion(message: Mapping[str, object], reason: str) -> dict[str, object]:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "scripted"}
    return head | {"choices": [choice], "usage": usage}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = json.dumps(answer(json.loads(body))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output is the agent's."""
