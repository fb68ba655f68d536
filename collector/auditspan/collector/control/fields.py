"""What a request to the controls says, and what they answer: JSON by name."""

from pydantic import JsonValue

Fields = dict[str, JsonValue]
