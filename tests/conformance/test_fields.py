"""No field of OTLP traces is forgotten: neither by the comparison nor by the page about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conformance.expected import expected
from tests.conformance.factors import FACTORS
from tests.conformance.sending import TRANSPORTS
from tests.conformance.test_matrix import PAIRS

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
NOT_KEPT = {"KeyValue.key_strindex"}
"""Fields that the store does not have; the page gives the reason."""


def _fields(descriptor: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each field that holds a value, as descriptors from the request on."""
    for field in descriptor.fields:
        if field.message_type is None:
            yield (*path, field)
        elif all(step.message_type is not field.message_type for step in path):
            yield from _fields(field.message_type, (*path, field))


WAYS = list(_fields(ExportTraceServiceRequest.DESCRIPTOR))


def _name(way: tuple[Any, ...]) -> str:
    return f"{way[-1].containing_type.name}.{way[-1].name}"


def _without(way: tuple[Any, ...]) -> tuple[ExportTraceServiceRequest, Message]:
    """A request with all messages on the way, and the last of them."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.spans.add(start_time_unix_nano=10, end_time_unix_nano=20)
    at: Message = request
    for step in way[:-1]:
        inner = getattr(at, step.name)
        if step.is_repeated and not len(inner):
            inner.add()
        at = inner[0] if step.is_repeated else inner
        at.SetInParent()
    return request, at


def _set(message: Message, field: Any) -> None:
    value: Any = 3
    if field.type == Field.TYPE_STRING:
        value = "x"
    elif field.type == Field.TYPE_BYTES:
        value = b"x" * 8
    if field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _seen(request: ExportTraceServiceRequest) -> dict[str, Any]:
    resource = request.resource_spans[0]
    return expected(resource, resource.scope_spans[0], resource.scope_spans[0].spans[0])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: ".".join(step.name for step in way))
def test_the_comparison_sees_each_field(way: tuple[Any, ...]) -> None:
    """A request with another value in any field is expected to be stored as something else."""
    request, message = _without(way)
    before = _seen(request)
    _set(message, way[-1])
    assert (_seen(request) != before) == (_name(way) not in NOT_KEPT)


def test_the_page_names_what_is_not_kept() -> None:
    """Each field, with its reason."""
    assert all(f"`{name}`" in PAGE for name in NOT_KEPT)


def test_the_page_has_the_size_of_the_matrix() -> None:
    """As `make conformance` prints it."""
    values = sum(len(values) for values in FACTORS.values())
    words = f"{len(FACTORS)} factors with {values} values"
    size = f"{len(PAIRS)} requests over {len(TRANSPORTS)} transports"
    assert words in PAGE
    assert size in PAGE
    assert f"{len({_name(way) for way in WAYS})} fields" in PAGE
