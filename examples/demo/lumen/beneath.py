"""What happens beneath a tool, told in the standard words of OpenTelemetry.

Any OpenTelemetry tracer will do: inside an agent that auditspan instruments, every span is audited.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace

from auditspan.instrumentation import action

_RUDE = {"damn": "profanity"}


def note(**attributes: str | int | float | bool | list[str]) -> None:
    """Write attributes on the span of what happens now; `__` stands for a dot."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    trace.get_current_span().set_attributes(named)


def digest(text: str) -> str:
    """A hash that tells whether a text changed."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@contextmanager
def retrieved(source: str, query: str) -> Iterator[list[dict[str, object]]]:
    """A search for documents: what was asked, and what came."""
    with action("retrieval"):
        note(gen_ai__data_source__id=source, gen_ai__retrieval__query__text=query)
        found: list[dict[str, object]] = []
        yield found
        note(
            gen_ai__retrieval__documents=json.dumps([{"id": each["id"]} for each in found]),
            audit__context__sources=[f"{source}/{each['id']}" for each in found],
            audit__context__hashes=[digest(str(each["text"])) for each in found],
        )


@contextmanager
def bank_request(host: str, path: str) -> Iterator[None]:
    """A request to the bank, as an HTTP instrumentation tells of it; here it goes nowhere."""
    tracer = trace.get_tracer("lumen.http", "1.4")
    caused_by = trace.Link(trace.get_current_span().get_span_context(), {"link.kind": "payment"})
    with tracer.start_as_current_span(
        f"POST {path}", kind=trace.SpanKind.CLIENT, links=[caused_by]
    ):
        note(
            http__request__method="POST",
            server__address=host,
            url__full=f"https://{host}{path}",
            user_agent__original="lumen-payments/1.4",
        )
        yield
        note(http__response__status_code=201)


def screened(text: str) -> str:
    """A text without rude words; that it was changed stands on the record."""
    found = sorted({kind for word, kind in _RUDE.items() if word in text})
    if found:
        note(audit__content__blocked=True, audit__content__safety__categories=found)
    return " ".join(word for word in text.split() if word not in _RUDE)


def mailed(to: str) -> None:
    """Who gets an e-mail."""
    note(audit__recipient__id=to)
