"""The engine's way to the signing process: a question through front, and its answer."""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from auditspan.collector.engine.errors import LogStopped, SignerUnavailable
from auditspan.collector.engine.messages import Answered, Asked, Message
from auditspan.collector.signer.protocol import (
    Answer,
    Heads,
    Known,
    Open,
    Opened,
    Question,
    Refused,
    Revoke,
    Revoked,
    Root,
    RootPart,
    Sign,
    Signed,
    from_body,
    to_body,
)

_ANSWER_SECONDS: Final = 30.0

Answers = queue.SimpleQueue[Answered | None]
"""What front says; None once it is gone."""
_A = TypeVar("_A", bound=Answer)


@dataclass(slots=True)
class Signer:
    """Asks one question after the other. Every method raises `SignerUnavailable` if none can be
    answered now, and `LogStopped` if the signer refuses."""

    send: Callable[[Message], None]
    answers: Answers
    number: int = 0
    gone: bool = False

    def heads(self) -> Known:
        """Which logs were signed, and how far."""
        return self._ask(Heads(), Known)

    def open(self, epoch: str, reason: str, *, abandon: bool) -> Opened:
        """Begin a log."""
        return self._ask(Open(epoch, reason, abandon), Opened)

    def sign(self, question: Sign) -> Signed:
        """Sign a tree."""
        return self._ask(question, Signed)

    def root(self, first: int) -> RootPart:
        """Entries of the root log."""
        return self._ask(Root(first), RootPart)

    def revoke(self, vkey: str, good: int) -> Revoked:
        """Say in the root log that a log's key counts no more."""
        return self._ask(Revoke(vkey, good), Revoked)

    def _ask(self, question: Question, expected: type[_A]) -> _A:
        if self.gone:
            raise SignerUnavailable("front is gone, nothing can be signed")
        self.number += 1
        self.send(Asked(self.number, to_body(question)))
        answer = self._answer(self.number)
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Refused) and not answer.retryable:
            raise LogStopped(answer.reason)
        said = answer.reason if isinstance(answer, Refused) else type(answer).__name__
        raise SignerUnavailable(f"the signing process did not do it: {said}")

    def _answer(self, number: int) -> Answer | Question:
        while True:
            try:
                answered = self.answers.get(timeout=_ANSWER_SECONDS)
            except queue.Empty as error:
                raise SignerUnavailable(f"no answer in {_ANSWER_SECONDS:.0f} s") from error
            if answered is None:
                self.gone = True
                raise SignerUnavailable("front is gone, nothing can be signed")
            # An answer that came too late for its question is nobody's.
            if answered.number == number:
                return from_body(answered.answer)
