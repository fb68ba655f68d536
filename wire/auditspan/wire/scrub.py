"""Credentials never reach the disk: they are replaced in the parsed request, before the spool.

`[token sha256:<12 hex>]` stands for each, so that two places of one token still show as one. What
is left alone is a signed identity statement in the attribute that it belongs to.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from auditspan.wire.prefilter import STATEMENT_ATTRIBUTES, TOKEN_ATTRIBUTE, may_hold_tokens
from auditspan.wire.tokens import Kind, find_tokens, is_statement

ERROR_ATTRIBUTE: Final = "audit.identity.error"
"""The attribute that says why a user's token is no statement."""

_IDS: Final = ("trace_id", "span_id", "parent_span_id")
_SCHEME: Final = re.compile(r"\s*(?i:bearer)\s+")
_PLACEHOLDER: Final = re.compile(r"\[token sha256:[0-9a-f]{12}\]\Z")

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

    _Attributes = RepeatedCompositeFieldContainer[KeyValue]


@dataclass(frozen=True, slots=True)
class Found:
    """A credential that was in a request."""

    place: str
    """The way to it, in names of protobuf."""
    kind: Kind
    digest: str
    """`sha256:<hex>` of the token."""
    token: str = field(repr=False)
    """The token itself: for an exchange, and never for a log or a record."""
    attribute: str
    """Name of the attribute that it is in, "" of another place."""


def scrub(request: ExportTraceServiceRequest, serialised: bytes) -> tuple[Found, ...]:
    """Replace every credential of a request, in place; `serialised` are the bytes of this request.

    Serialise it again if anything was found. Of `audit.identity.token` the value is replaced, too:
    `replace_token` puts a statement there.
    """
    if not may_hold_tokens(serialised):
        return ()
    found: list[Found] = []
    walk = _Walk(found)
    for message, place, skip in _parts(request):
        walk.message(message, place, "", skip)
    return tuple(found)


def replace_token(
    request: ExportTraceServiceRequest,
    statements: Mapping[str, str],
    errors: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Make `audit.identity.statement` of each scrubbed `audit.identity.token`, by its digest.

    The attribute of a token without a statement is removed, and the reason in `errors`, if there is
    one, stands in `audit.identity.error`.
    """
    named = ((ERROR_ATTRIBUTE, errors), (STATEMENT_ATTRIBUTES[0], statements))
    by_placeholder = {
        placeholder(digest): (name, text) for name, of in named for digest, text in of.items()
    }
    for attributes in _attribute_lists(request):
        for position in reversed(range(len(attributes))):
            if attributes[position].key == TOKEN_ATTRIBUTE:
                pair = by_placeholder.get(attributes[position].value.string_value)
                del attributes[position]
                if pair is not None:
                    _set(attributes, *pair)


def placeholder(digest: str) -> str:
    """What stands where a token was."""
    return f"[token sha256:{digest.removeprefix('sha256:')[:12]}]"


def _parts(request: ExportTraceServiceRequest) -> Iterator[tuple[Message, str, str]]:
    """A request in pieces, each with its place and the field that holds other pieces."""
    for r, resource in enumerate(request.resource_spans):
        at = f"resource_spans[{r}]"
        yield resource, at, "scope_spans"
        for s, scope in enumerate(resource.scope_spans):
            yield scope, f"{at}.scope_spans[{s}]", "spans"
            for n, span in enumerate(scope.spans):
                # Most spans hold none, and the search is far faster than the walk.
                if may_hold_tokens(span.SerializeToString()):
                    yield span, f"{at}.scope_spans[{s}].spans[{n}]", ""


class _Walk:
    """One walk through messages; it replaces and remembers."""

    def __init__(self, found: list[Found]) -> None:
        self._found = found

    def message(self, message: Message, place: str, attribute: str, skip: str = "") -> None:
        """Replace within a message; `attribute` is the one that it is in, `skip` a field of it."""
        for descriptor, value in message.ListFields():
            name = descriptor.name
            if name == skip or name in _IDS:
                continue
            at = f"{place}.{name}"
            if descriptor.is_repeated:
                for position, item in enumerate(value):
                    self._item(value, position, item, f"{at}[{position}]", attribute)
            elif descriptor.message_type:
                self.message(value, at, attribute)
            elif isinstance(value, str | bytes):
                clean = self._cleaned(value, at, attribute)
                if clean is not value:
                    setattr(message, name, clean)

    def _item(
        self, items: list[object], position: int, item: object, at: str, attribute: str
    ) -> None:
        if isinstance(item, KeyValue) and not attribute:
            self._attribute(item, at)
        elif isinstance(item, Message):
            self.message(item, at, attribute)
        elif isinstance(item, str | bytes):
            items[position] = self._cleaned(item, at, attribute)

    def _attribute(self, pair: KeyValue, at: str) -> None:
        pair.key = self._text(pair.key, f"{at}.key", "")
        if pair.key == TOKEN_ATTRIBUTE:
            self._take_token(pair, at)
        elif not (
            pair.key in STATEMENT_ATTRIBUTES
            and pair.value.WhichOneof("value") == "string_value"
            and is_statement(pair.value.string_value)
        ):
            self.message(pair, at, pair.key, "key")

    def _take_token(self, pair: KeyValue, at: str) -> None:
        """Its whole value is the token, whatever it looks like."""
        value = pair.value
        text = value.string_value or value.bytes_value.decode("utf-8", "replace")
        token = _SCHEME.sub("", text).strip()
        if _PLACEHOLDER.match(token):
            return
        value.Clear()
        if token:
            is_jwt = any(found.kind == "jwt" for found in find_tokens(token))
            kind: Kind = "jwt" if is_jwt else "bearer"
            value.string_value = self._replaced(token, kind, f"{at}.value", pair.key)

    def _cleaned(self, value: str | bytes, at: str, attribute: str) -> str | bytes:
        if isinstance(value, str):
            return self._text(value, at, attribute)
        # One character a byte, so that what is no text comes back as it was.
        text = value.decode("latin-1")
        clean = self._text(text, at, attribute)
        return value if clean is text else clean.encode("latin-1")

    def _text(self, text: str, at: str, attribute: str) -> str:
        parts: list[str] = []
        end = 0
        for token in find_tokens(text):
            held = text[token.start : token.end]
            parts += [text[end : token.start], self._replaced(held, token.kind, at, attribute)]
            end = token.end
        return "".join([*parts, text[end:]]) if parts else text

    def _replaced(self, token: str, kind: Kind, at: str, attribute: str) -> str:
        digest = f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"
        self._found.append(Found(at, kind, digest, token, attribute))
        return placeholder(digest)


def _attribute_lists(request: ExportTraceServiceRequest) -> "Iterator[_Attributes]":
    for resource in request.resource_spans:
        yield resource.resource.attributes
        for scope in resource.scope_spans:
            yield scope.scope.attributes
            for span in scope.spans:
                yield span.attributes


def _set(attributes: "_Attributes", name: str, text: str) -> None:
    for pair in attributes:
        if pair.key == name:
            pair.value.string_value = text
            return
    attributes.add(key=name).value.string_value = text
