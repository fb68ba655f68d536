"""A recorded conversation as turns: what was said, then an answer of the model, then results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditspan.instrumentation.replay.conversations import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the model and what is around it."""

    said: tuple[Message, ...]
    """What comes before it: instructions, words of the user."""
    answered: bool
    """Whether the model answered; only after the last words of a user it may not have."""
    results: tuple[Message, ...]
    """What the tools gave that the answer requests."""

    def result(self, index: int, call_id: str) -> str | None:
        """The recorded result of a requested call, None if the recording ends before it."""
        by_id = [message for message in self.results if message.tool_call_id == call_id]
        found = by_id[0] if by_id else self.results[index] if index < len(self.results) else None
        return None if found is None or found.content is None else str(found.content)


def turns(messages: Sequence[Message]) -> Iterator[Turn]:
    """The turns of a conversation in order; every answer is in exactly one."""
    said: list[Message] = []
    results: list[Message] = []
    answered = False
    for message in messages:
        if message.role == "tool":
            results.append(message)
            continue
        if answered:
            yield Turn(tuple(said), True, tuple(results))
            said, results, answered = [], [], False
        if message.role == "assistant":
            answered = True
        else:
            said.append(message)
    if said or answered:
        yield Turn(tuple(said), answered, tuple(results))
