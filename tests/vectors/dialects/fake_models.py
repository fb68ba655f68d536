"""A loopback server that plays a model: first it asks for a tool, then it answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 4010
TOOL, ARGUMENTS = "cancel_reservation", {"reservation_id": "R1", "reason": "weather"}


class Models(BaseHTTPRequestHandler):
    """OpenAI chat completions and Anthropic messages."""

    def do_POST(self) -> None:
        """Answer as the service would."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = anthropic(body) if "messages" in self.path else openai(body)
        streamed = bool(body.get("stream"))
        data = chunks(reply) if streamed else json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def answered(body: dict[str, Any]) -> bool:
    """Whether the tool has run."""
    last = body["messages"][-1]
    content = last.get("content")
    blocks = content if isinstance(content, list) else []
    return last["role"] == "tool" or any(b.get("type") == "tool_result" for b in blocks)


def openai(body: dict[str, Any]) -> dict[str, Any]:
    """A chat completion."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": TOOL, "arguments": json.dumps(ARGUMENTS)},
    }
    asks = bool(body.get("tools")) and not answered(body)
    message = {"role": "assistant", "content": None if asks else "It is cancelled."}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": message | ({"tool_calls": [call]} if asks else {}),
                "finish_reason": "tool_calls" if asks else "stop",
            }
        ],
        "usage": {"prompt_tokens": 42, "completion_tokens": 7, "total_tokens": 49},
    }


def chunks(reply: dict[str, Any]) -> bytes:
    """The same completion as a stream of events."""
    choice = reply["choices"][0]
    calls = [{**call, "index": 0} for call in choice["message"].get("tool_calls", [])]
    delta = choice["message"] | ({"tool_calls": calls} if calls else {})
    base = {key: reply[key] for key in ("id", "created", "model")}
    base["object"] = "chat.completion.chunk"
    parts = [
        base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        base | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]},
        base | {"choices": [], "usage": reply["usage"]},
    ]
    return "".join(f"data: {json.dumps(part)}\n\n" for part in parts).encode() + b"data: [DONE]\n\n"


def anthropic(body: dict[str, Any]) -> dict[str, Any]:
    """A message."""
    asks = bool(body.get("tools")) and not answered(body)
    use = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": ARGUMENTS}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5-20260901",
        "content": [use if asks else {"type": "text", "text": "It is cancelled."}],
        "stop_reason": "tool_use" if asks else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 42, "output_tokens": 7},
    }


def serve() -> str:
    """Start it, on the same port every time, because libraries record it; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
