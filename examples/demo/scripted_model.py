"""The scripted model: answers of `conversations.yaml`, spoken over OpenAI's API on loopback."""

from pydantic import JsonValue

from auditspan.instrumentation.replay.playback_server import PlaybackServer
from lumen.conversations import conversations


class ScriptedModel(PlaybackServer):
    """Plays the demo's conversations back, and counts tokens as a provider with a cache would."""

    def __init__(self) -> None:
        super().__init__()
        for conversation in conversations().values():
            self.add(conversation)

    def answer(self, conversation_id: str, body: bytes) -> tuple[int, dict[str, JsonValue]]:
        """Status and body for a request."""
        status, found = super().answer(conversation_id, body)
        usage = found.get("usage")
        if isinstance(usage, dict):
            usage["prompt_tokens_details"] = {"cached_tokens": 32, "cache_write_tokens": 16}
            usage["completion_tokens_details"] = {"reasoning_tokens": 8}
        return status, found
