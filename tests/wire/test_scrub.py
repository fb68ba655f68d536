"""Credentials are replaced wherever a client can put them, and nothing else is."""

import base64
import hashlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from auditspan.wire.otlp import serialise
from auditspan.wire.prefilter import find, may_hold_tokens
from auditspan.wire.scrub import Found, replace_token, scrub
from auditspan.wire.tokens import find_tokens


def part(text: str) -> str:
    """One part of a compact JWS."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def jws(header: str, signature: str = "c2lnbmF0dXJl" * 4) -> str:
    """A compact JWS."""
    return f"{part(header)}.{part(json.dumps({'sub': 'u'}, separators=(',', ':')))}.{signature}"


JWT = jws('{"alg":"RS256","typ":"JWT"}')
SPACED = jws('{ "alg": "ES256" }')
LINES = jws('{\n"alg": "ES256"}')
UNSIGNED = jws('{"alg":"none"}', "")
JWE = f"{part(json.dumps({'alg': 'dir', 'enc': 'A256GCM'}))}..aXZpdml2aXY.Y2lwaGVydGV4dA.dGFndGFn"
STATEMENT = jws('{"alg":"EdDSA","kid":"k","typ":"auditspan-identity+jwt"}')
KEY = "ask_" + "0123456789abcdef" + "_" + "fe" * 32
OPERATOR = "aso_" + "Ab-_" * 10
OPAQUE = "ya29.a0AfB_byC-opaque"


def marker(token: str) -> str:
    """What stands where a token was."""
    return f"[token sha256:{hashlib.sha256(token.encode()).hexdigest()[:12]}]"


def request() -> tuple[ExportTraceServiceRequest, Span]:
    """A request with one span."""
    found = ExportTraceServiceRequest()
    span = found.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    return found, span


def scrubbed(found: ExportTraceServiceRequest) -> tuple[Found, ...]:
    """Scrub a request, and again to see that nothing is left."""
    result = scrub(found, serialise(found))
    assert scrub(found, serialise(found)) == ()
    return result


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        *((token, "jwt") for token in (JWT, SPACED, LINES, UNSIGNED, JWE, STATEMENT)),
        *((token, "api_key") for token in (KEY, OPERATOR)),
    ],
    ids=["jwt", "spaced", "lines", "unsigned", "jwe", "statement", "api_key", "operator"],
)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "token={}&x=1",
        '{{"authorization": "Bearer {}"}}',
        "x{}",
        "a_{} ä",
        "{0} and {0}",
        "\n{}\n",
        "see api.{} for more",
    ],
)
def test_tokens_are_replaced_in_text(token: str, kind: str, around: str) -> None:
    """Whatever stands around them; the digest is that of the token alone."""
    found, span = request()
    span.attributes.add(key="k").value.string_value = around.format(token)
    places = scrubbed(found)
    assert span.attributes[0].value.string_value == around.format(marker(token))
    assert {(one.kind, one.token, one.attribute) for one in places} == {(kind, token, "k")}


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  ", "BEARER\t", "Bearer%20"])
def test_an_opaque_token_goes_by_what_stands_before_it(scheme: str) -> None:
    """RFC 6750 §2.1, in every spelling."""
    found, span = request()
    span.attributes.add(key="h").value.string_value = f"Authorization: {scheme}{OPAQUE}\r\n"
    (one,) = scrubbed(found)
    assert (one.kind, one.token) == ("bearer", OPAQUE)
    value = span.attributes[0].value.string_value
    assert value == f"Authorization: {scheme}{marker(OPAQUE)}\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "framework_something.module.function_name",
        "monkeyJungle_of_names.module.function",
        "com.example.eyJournal.Service.method",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0",
        f"{part('[1,2,3,4,5]')}.abc.def",
        f"{part(json.dumps({'not': 'a header'}))}.abc.def",
        "task_0123_confirmation_reminder_of_the_booking",
        "ask_0123456789abcdef_short",
        "the bearer of this letter, bearer bonds",
        "bearer authentication",
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14",
        "[token sha256:0123456789ab]",
    ],
)
def test_other_text_stays(text: str) -> None:
    """Dotted names, halves of tokens, and words that look alike."""
    found, span = request()
    span.attributes.add(key="k").value.string_value = text
    before = serialise(found)
    assert scrubbed(found) == ()
    assert serialise(found) == before


def test_every_place_of_a_request_is_looked_at() -> None:
    """One token in each, and the places are named."""
    found, span = request()
    resource = found.resource_spans[0]
    scope = resource.scope_spans[0]
    resource.schema_url = scope.schema_url = scope.scope.name = scope.scope.version = JWT
    for holder in (resource.resource, scope.scope, span, span.events.add(), span.links.add()):
        holder.attributes.add(key="k").value.string_value = JWT
    span.events[0].name = span.name = span.status.message = JWT
    span.trace_state = span.links[0].trace_state = f"a={JWT}"
    deep = span.attributes.add(key="deep").value.array_value.values.add().kvlist_value.values.add()
    deep.key = JWT
    deep.value.array_value.values.add().string_value = JWT
    span.attributes.add(key="raw").value.bytes_value = b"\xff\x00" + JWT.encode() + b"\xfe"
    span.attributes.add(key=f"key {JWT}").value.int_value = 7
    places = scrubbed(found)
    assert JWT.encode() not in serialise(found)
    assert span.attributes[2].value.bytes_value == b"\xff\x00" + marker(JWT).encode() + b"\xfe"
    one_span = "resource_spans[0].scope_spans[0].spans[0]"
    assert len(places) == 18
    assert {(place.place, place.attribute) for place in places} >= {
        ("resource_spans[0].schema_url", ""),
        ("resource_spans[0].resource.attributes[0].value.string_value", "k"),
        ("resource_spans[0].scope_spans[0].scope.version", ""),
        (f"{one_span}.status.message", ""),
        (f"{one_span}.events[0].attributes[0].value.string_value", "k"),
        (f"{one_span}.links[0].trace_state", ""),
        (f"{one_span}.attributes[3].key", ""),
    }
    assert {place.attribute for place in places} == {"", "k", "deep", "raw"}


def test_ids_are_never_taken_for_text() -> None:
    """Random bytes may be letters."""
    found, span = request()
    span.trace_id, span.span_id = b"ask_0123456789ab", b"Bearer x"
    span.name = JWT
    scrubbed(found)
    assert (span.trace_id, span.span_id) == (b"ask_0123456789ab", b"Bearer x")


@pytest.mark.parametrize("key", ["audit.identity.statement", "audit.agent.statement"])
def test_a_statement_stays_in_its_attribute(key: str) -> None:
    """It is made to be read there; the common case does not even lead to a walk."""
    found, span = request()
    span.attributes.add(key=key).value.string_value = STATEMENT
    found.resource_spans[0].resource.attributes.add(key=key).value.string_value = STATEMENT
    assert not may_hold_tokens(serialise(found))
    span.name = JWT
    (one,) = scrubbed(found)
    assert one.place.endswith("spans[0].name")
    assert span.attributes[0].value.string_value == STATEMENT


@pytest.mark.parametrize(
    "value",
    [JWT, f"Bearer {STATEMENT}", f"{STATEMENT}.{JWT}", f"{STATEMENT} {KEY}"],
)
def test_another_token_does_not_stay_in_the_attribute_of_a_statement(value: str) -> None:
    """Nor behind a statement."""
    found, span = request()
    span.attributes.add(key="audit.identity.statement").value.string_value = value
    scrubbed(found)
    for token in (JWT, KEY):
        assert token not in span.attributes[0].value.string_value


@pytest.mark.parametrize(
    ("value", "token", "kind"),
    [
        (JWT, JWT, "jwt"),
        (f"Bearer {JWT}", JWT, "jwt"),
        ("opaque", "opaque", "bearer"),
        ("bearer opaque ", "opaque", "bearer"),
    ],
)
def test_a_user_token_is_handed_out_and_becomes_a_statement(
    value: str, token: str, kind: str
) -> None:
    """Whatever it looks like; its attribute is gone after the exchange."""
    found, span = request()
    span.attributes.add(key="first").value.int_value = 1
    span.attributes.add(key="audit.identity.token").value.string_value = value
    span.attributes.add(key="last").value.int_value = 1
    (one,) = scrubbed(found)
    assert (one.token, one.kind, one.attribute) == (token, kind, "audit.identity.token")
    assert span.attributes[1].value.string_value == marker(token)
    replace_token(found, {one.digest: STATEMENT})
    pairs = {pair.key: pair.value.string_value for pair in span.attributes}
    assert pairs == {"first": "", "last": "", "audit.identity.statement": STATEMENT}
    assert scrubbed(found) == ()


def test_the_statement_of_a_token_replaces_one_that_was_sent() -> None:
    """There is one user to a span."""
    found, span = request()
    span.attributes.add(key="audit.identity.statement").value.string_value = "sent"
    span.attributes.add(key="audit.identity.token").value.string_value = JWT
    (one,) = scrubbed(found)
    replace_token(found, {one.digest: STATEMENT})
    assert [(pair.key, pair.value.string_value) for pair in span.attributes] == [
        ("audit.identity.statement", STATEMENT)
    ]


def test_a_token_that_was_not_exchanged_is_removed() -> None:
    """With its attribute, in the resource as well; so is a value that is no text."""
    found, span = request()
    resource = found.resource_spans[0].resource
    resource.attributes.add(key="audit.identity.token").value.bytes_value = JWT.encode()
    span.attributes.add(key="audit.identity.token").value.int_value = 7
    (one,) = scrubbed(found)
    assert one.token == JWT
    replace_token(found, {})
    assert not resource.attributes
    assert not span.attributes


def test_a_reason_stands_where_there_is_no_statement() -> None:
    """For the one who reads the record; it replaces what the sender said."""
    found, span = request()
    span.attributes.add(key="audit.identity.error").value.string_value = "sent"
    span.attributes.add(key="audit.identity.token").value.string_value = JWT
    (one,) = scrubbed(found)
    replace_token(found, {}, {one.digest: "expired"})
    assert [(pair.key, pair.value.string_value) for pair in span.attributes] == [
        ("audit.identity.error", "expired")
    ]


def test_a_found_token_is_not_shown() -> None:
    """A log line of it tells the digest only."""
    found, span = request()
    span.name = JWT
    (one,) = scrubbed(found)
    assert JWT not in repr(one)
    assert one.digest == f"sha256:{hashlib.sha256(JWT.encode()).hexdigest()}"


@given(st.text(), st.sampled_from([JWT, SPACED, KEY, OPERATOR, f"Bearer {OPAQUE}"]), st.text())
def test_the_search_never_misses_what_the_walk_would_find(
    before: str, token: str, after: str
) -> None:
    """In any text; the walk finds it, and the fast search says so first."""
    found, span = request()
    span.name = before + token + after
    if find_tokens(span.name):
        assert may_hold_tokens(serialise(found))
        assert scrub(found, serialise(found))


WORDS = [
    b"JhbGci",
    b"iYWxnI",
    b"ImFsZyI",
    b"ask_",
    b"aso_",
    b"earer",
    b"EARER",
    b"audit.identity.token",
]


@given(
    st.binary(max_size=200),
    st.sampled_from(WORDS),
    st.binary(max_size=200),
    st.integers(0, 130),
    st.sampled_from(WORDS),
)
def test_the_fast_search_finds_what_the_slow_one_finds(
    before: bytes, word: bytes, after: bytes, filled: int, cut: bytes
) -> None:
    """At each place, up to the last byte, and among beginnings of what is searched for."""
    for data in (before + word + after, cut[:-1] * filled + word, before + after, word[:-1]):
        for searched in WORDS:
            assert find(data, searched) == data.find(searched)


def test_a_word_is_found_at_each_place_of_a_large_request() -> None:
    """Vectors are of up to 64 bytes, and their ends are a place to miss something."""
    for word in WORDS:
        for at in (*range(200), *range(4_000, 4_200)):
            data = bytearray(b"\xff" * 4_300)
            data[at : at + len(word)] = word
            assert find(bytes(data), word) == at
            assert find(bytes(data[: at + len(word)]), word) == at
            assert find(bytes(data[: at + len(word) - 1]), word) == -1


@pytest.mark.parametrize(
    "text",
    [
        "eyJ" * 300_000,
        "ey.J" * 300_000,
        "eyJ.a." * 200_000,
        "eyJh.eyJh.eyJh" * 80_000,
        "bearer " * 200_000,
        "bearer" + " " * 1_000_000,
        "ask_" * 250_000,
        "A" * 1_000_000,
        "." * 1_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """A megabyte that is made to be slow takes well under two seconds of CPU."""
    found, span = request()
    span.name = text
    began = time.process_time()
    scrub(found, serialise(found))
    find_tokens(text)
    assert time.process_time() - began < 4
