"""A scripted model: speaks OpenAI's chat completions on loopback and plays back recorded answers.

It is no model and says so: its name is `scripted-playback`. Which answer comes next is told by the
request alone: the conversation by a header, the place by the number of answers it already holds.
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from pydantic import JsonValue

from auditspan.instrumentation.replay.conversations import Conversation, Message

MODEL: Final = "scripted-playback"
CONVERSATION_HEADER: Final = "x-replay-conversation"
MAX_REQUEST: Final = 64 * 1024 * 1024
_CHARACTERS_PER_TOKEN: Final = 4


class PlaybackServer:
    """Plays back conversations until it is closed."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="auditspan-playback",
            daemon=True,
        )
        self._thread.start()

    @property
    def base_url(self) -> str:
        """What a client is pointed to."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def add(self, conversation: Conversation) -> None:
        """Be ready to play a conversation."""
        self._conversations[conversation.conversation_id] = conversation

    def remove(self, conversation: Conversation) -> None:
        """Forget it."""
        self._conversations.pop(conversation.conversation_id, None)

    def answer(self, conversation_id: str, body: bytes) -> tuple[int, dict[str, JsonValue]]:
        """Status and body for a request."""
        conversation = self._conversations.get(conversation_id)
        if conversation is None:
            return 404, _error(f"no conversation {conversation_id!r} is being played")
        try:
            request = json.loads(body)
            messages = [message["role"] for message in request["messages"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return 400, _error("expected a chat completion request with messages")
        place = messages.count("assistant")
        answers = conversation.answers
        if place >= len(answers):
            return 400, _error(f"the recording has {len(answers)} answers, asked for one more")
        return 200, _completion(conversation_id, place, answers[place], len(body))

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, playback: PlaybackServer) -> None:
        self.playback = playback
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is two writes; without this each waits for the other side's delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_REQUEST:
            self.close_connection = True
            self._send(413, _error(f"expected a body of at most {MAX_REQUEST} bytes"))
            return
        body = self.rfile.read(int(length))
        if self.path != "/v1/chat/completions":
            self._send(404, _error("only /v1/chat/completions is spoken here"))
            return
        assert isinstance(self.server, _Server)
        conversation = self.headers.get(CONVERSATION_HEADER, "")
        self._send(*self.server.playback.answer(conversation, body))

    def _send(self, status: int, answer: Mapping[str, JsonValue]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the agent's output is somebody else's."""


def _completion(
    conversation_id: str, place: int, answer: Message, request_size: int
) -> dict[str, JsonValue]:
    """https://platform.openai.com/docs/api-reference/chat/object"""
    message = answer.sent()
    written = len(json.dumps(message)) // _CHARACTERS_PER_TOKEN
    read = request_size // _CHARACTERS_PER_TOKEN
    return {
        "id": f"playback-{conversation_id}-{place}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if answer.tool_calls else "stop",
            }
        ],
        # Nobody counted; a token is about four characters.
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        },
    }


def _error(message: str) -> dict[str, JsonValue]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}
