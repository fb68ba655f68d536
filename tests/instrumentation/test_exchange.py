"""A user's token against a statement."""

import pytest

from auditspan.instrumentation.errors import ExchangeFailed, ExchangeRefused
from auditspan.instrumentation.exchange import Exchange
from auditspan.instrumentation.settings import settings
from tests.instrumentation.sink import Sink

NOW = 1_000_000.0


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def exchange(url: str, clock: Clock | None = None, **environ: str) -> Exchange:
    """An exchange with a collector."""
    values = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20agent-key",
        **environ,
    }
    return Exchange(settings(values).transport, clock or Clock())


def test_a_token_is_exchanged_once(sink: Sink) -> None:
    """The second use finds the statement."""
    sink.identity_answer = (200, {"statement": "a.b.c", "expires_at": int(NOW) + 600})
    made = exchange(sink.url)
    for _ in range(2):
        proof = made.proof("user-token")
        proof.obtain()
        assert (proof.statement, proof.error) == ("a.b.c", "")
    [asked] = sink.identities
    assert asked["user_token"] == "user-token"
    assert asked["authorization"] == "Bearer agent-key"
    assert asked["content-type"] == "application/json"


def test_a_statement_is_renewed_before_it_ends(sink: Sink) -> None:
    """A long run does not end with the first statement."""
    clock = Clock()
    sink.identity_answer = (200, {"statement": "first", "expires_at": int(NOW) + 600})
    proof = exchange(sink.url, clock).proof("t")
    proof.obtain()
    clock.now += 541
    sink.identity_answer = (200, {"statement": "second", "expires_at": int(NOW) + 1200})
    proof.obtain()
    assert proof.statement == "second"


def test_a_refused_token_is_not_asked_about_again(sink: Sink) -> None:
    """What is refused stays refused, and the reason is a word."""
    sink.identity_answer = (422, {"error": "refused", "message": "no", "retryable": False})
    proof = exchange(sink.url).proof("t")
    proof.obtain()
    proof.obtain()
    assert (proof.statement, proof.error, len(sink.identities)) == ("", "refused", 1)


def test_a_collector_that_is_away_is_asked_again(sink: Sink) -> None:
    """After a while, not at every span."""
    clock = Clock()
    sink.identity_answer = (503, {"error": "unavailable", "message": "", "retryable": True})
    proof = exchange(sink.url, clock).proof("t")
    proof.obtain()
    proof.obtain()
    assert (proof.error, len(sink.identities)) == ("unavailable", 1)
    clock.now += 6
    sink.identity_answer = (200, {"statement": "s", "expires_at": int(NOW) + 600})
    proof.obtain()
    assert (proof.statement, proof.error) == ("s", "")


def test_an_old_statement_is_kept_while_the_renewal_fails(sink: Sink) -> None:
    """It is in force until its end, and not a moment longer."""
    clock = Clock()
    sink.identity_answer = (200, {"statement": "s", "expires_at": int(NOW) + 600})
    proof = exchange(sink.url, clock).proof("t")
    proof.obtain()
    sink.identity_answer = (503, {"error": "unavailable", "message": "", "retryable": True})
    clock.now += 560
    proof.obtain()
    assert proof.statement == "s"
    clock.now += 50
    proof.obtain()
    assert (proof.statement, proof.error) == ("", "unavailable")


def test_a_token_never_crosses_a_network_in_clear() -> None:
    """Unless somebody says so."""
    with pytest.raises(ExchangeRefused, match="in clear") as refused:
        exchange("http://collector.example:4318").ask("t")
    assert refused.value.code == "insecure_endpoint"
    with pytest.raises(ExchangeRefused, match="AUDITSPAN_IDENTITIES_ENDPOINT"):
        exchange("http://127.0.0.1:9000", OTEL_EXPORTER_OTLP_PROTOCOL="grpc").ask("t")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"statement": 1, "expires_at": 2}), ExchangeRefused),
        ((302, {}), ExchangeRefused),
        ((500, {}), ExchangeFailed),
        ((404, {"detail": "not found"}), ExchangeRefused),
    ],
)
def test_what_is_no_answer_of_a_collector_gives_no_statement(
    sink: Sink, answer: tuple[int, dict[str, object]], error: type[Exception]
) -> None:
    """Redirects included: the token goes nowhere else."""
    sink.identity_answer = answer
    with pytest.raises(error):
        exchange(sink.url).ask("secret-token")


def test_the_token_is_in_no_message(sink: Sink) -> None:
    """Neither when nobody answers nor in a representation."""
    made = exchange("http://127.0.0.1:9")
    with pytest.raises(ExchangeFailed) as failed:
        made.ask("secret-token")
    proof = made.proof("secret-token")
    proof.obtain()
    assert "secret-token" not in f"{failed.value}{proof!r}{proof.error}"
