"""The collector's policies in the agent: what is taken, what is refused, what holds meanwhile."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditspan.identity.signed_policies import SignedPolicies, signed
from auditspan.identity.statement_keys import public_jwk
from auditspan.instrumentation import fetched_policies
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.errors import PoliciesUnusable, SettingsInvalid
from auditspan.instrumentation.fetched_policies import FetchedPolicies
from auditspan.instrumentation.guard import Verdict
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.judge import Judge
from auditspan.instrumentation.settings import Settings, settings

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = 1_780_000_000
ALLOW, DENY = (
    f'@id("{effect}s") {effect} (principal, action, resource);' for effect in ("permit", "forbid")
)
POLICIES = SignedPolicies(
    deployment="local/auditspan/default",
    agent="booking",
    number=2,
    issued_at=NOW,
    expires_at=NOW + 3600,
    calendar={
        "timezone": "UTC", "opens": "09:00:00", "closes": "17:00:00", "days": ("monday",)
    },
    files={"policies/p.cedar": ALLOW},
)  # fmt: skip


@dataclass
class House:
    """A collector's answers, and the agent's settings and clock."""

    settings: Settings
    text: str = signed(KEY, POLICIES)
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    at: float = NOW
    up: bool = True

    def policies(self) -> FetchedPolicies:
        """Those of a new process."""
        source = self.settings.policies
        assert source is not None
        return FetchedPolicies(
            source, self.settings.transport, "booking", now=lambda: self.at, clock=lambda: self.at
        )

    def judge(self) -> Judge:
        """The guard's judge of a new process, with a clock of ours."""
        judge = Judge(self.settings, lambda: int(self.at * 1e9))
        judge._policies = self.policies()
        return judge


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An agent that enforces, and a server that answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not found.up:
                self.connection.close()
                return
            found.asked.append(dict(self.headers))
            body = json.dumps({"policies": found.text}).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public_jwk(KEY.public_key())]}))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = House(settings(environment(tmp_path, server.server_port)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def environment(folder: Path, port: int) -> dict[str, str]:
    """Of the agent."""
    return {
        "AUDITSPAN_ENDPOINT": f"http://127.0.0.1:{port}",
        "AUDITSPAN_HEADERS": "Authorization=Bearer ask_1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "AUDITSPAN_POLICIES": "collector",
        "AUDITSPAN_POLICIES_KEYS": str(folder / "keys.json"),
        "AUDITSPAN_AGENT_ID": "booking",
        "AUDITSPAN_GUARD_MODE": "enforce",
        "AUDITSPAN_SPOOL_DIR": str(folder / "spool"),
    }


def asked(judge: Judge) -> Verdict:
    """What is said of a call."""
    verdict = judge.judge(Act("execute_tool", "book"), Identity())
    assert verdict is not None
    return verdict


def test_they_are_fetched_with_the_credential_and_asked(house: House) -> None:
    """And the record says where they are from."""
    verdict = asked(house.judge())
    assert (verdict.outcome, verdict.rules) == ("allow", ("permits",))
    assert verdict.attributes("enforce")["audit.guard.policy.source"] == "collector"
    assert house.asked[0]["authorization"] == "Bearer ask_1"


def test_a_new_process_needs_no_collector(house: House) -> None:
    """What was fetched once lasts to its end."""
    house.policies().loaded()
    house.up = False
    house.at = NOW + 3599
    assert asked(house.judge()).outcome == "allow"


def test_without_any_there_are_none(house: House) -> None:
    """The first start needs the collector."""
    house.up = False
    with pytest.raises(PoliciesUnusable, match="/v1/policies"):
        house.policies().loaded()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (signed(OTHER, POLICIES), "a key that is not ours"),
        (signed(KEY, POLICIES)[:-4] + "AAAA", "the signature is not ours"),
        (signed(KEY, replace(POLICIES, agent="other")), "of agent 'other', expected 'booking'"),
        (signed(KEY, replace(POLICIES, deployment="a/b/c")), "of deployment 'a/b/c'"),
        (signed(KEY, replace(POLICIES, number=1)), "number 1, and 2 was here before"),
        (signed(KEY, replace(POLICIES, number=3, files={"policies/p.cedar": "x"})), "p.cedar"),
        ("", "signed policies"),
    ],
    ids=["key", "signature", "agent", "deployment", "number", "content", "nothing"],
)
def test_what_is_not_right_is_refused_and_changes_nothing(
    house: House, text: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Fetched later, or lying in the file of a new process: what was right stays in force."""
    policies = house.policies()
    before = policies.loaded()
    house.text = text
    policies.renew()
    assert policies.loaded() is before
    assert why in caplog.text
    assert "the former ones stay in force" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        signed(OTHER, POLICIES),
        signed(KEY, replace(POLICIES, agent="other")),
        signed(KEY, replace(POLICIES, number=1)),
        signed(KEY, POLICIES)[: len(signed(KEY, POLICIES)) // 2],
        "",
        "ü",
    ],
    ids=["key", "agent", "number", "truncated", "empty", "no text"],
)
def test_a_kept_file_is_verified_again(house: House, text: str) -> None:
    """With the collector it is replaced, without it there are no policies."""
    house.policies().loaded()
    assert house.settings.policies is not None
    [kept] = house.settings.policies.folder.glob("*.jws")
    kept.write_text(text)
    house.up = False
    with pytest.raises(PoliciesUnusable):
        house.policies().loaded()
    house.up = True
    assert asked(house.judge()).outcome == "allow"


def test_an_older_version_is_not_taken_by_a_new_process_either(house: House) -> None:
    """The number is remembered even if the file is gone."""
    house.policies().loaded()
    assert house.settings.policies is not None
    [kept] = house.settings.policies.folder.glob("*.jws")
    kept.unlink()
    house.text = signed(KEY, replace(POLICIES, number=1))
    with pytest.raises(PoliciesUnusable, match="an older version was put in its place"):
        house.policies().loaded()


def test_past_their_end_a_guard_that_fails_closed_denies(house: House) -> None:
    """Somebody may hold newer ones back. With the collector in reach it goes on."""
    judge = house.judge()
    asked(judge)
    house.up = False
    house.at = NOW + 3600
    verdict = asked(judge)
    assert (verdict.outcome, verdict.rules, verdict.blocks) == ("deny", ("policy-stale",), True)
    assert verdict.attributes("enforce")["audit.guard.policy.stale"] is True
    assert asked(house.judge()).rules == ("policy-stale",)
    house.up = True
    house.text = signed(KEY, replace(POLICIES, expires_at=NOW + 7200))
    assert asked(house.judge()).outcome == "allow"


def test_past_their_end_a_guard_that_fails_open_asks_them_and_says_so(house: House) -> None:
    """Old policies are better than none."""
    house.settings = replace(house.settings, fail="open")
    house.text = signed(KEY, replace(POLICIES, files={"policies/p.cedar": DENY}))
    judge = house.judge()
    asked(judge)
    house.up = False
    house.at = NOW + 3600
    verdict = asked(judge)
    assert (verdict.outcome, verdict.rules, verdict.stale) == ("deny", ("forbids",), True)


def test_new_ones_take_effect_in_a_running_process(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector is asked again in the background."""
    judge = house.judge()
    assert asked(judge).outcome == "allow"
    house.text = signed(KEY, replace(POLICIES, number=3, files={"policies/p.cedar": DENY}))
    house.at += fetched_policies.REFRESH_EVERY - 1
    asked(judge)
    assert len(house.asked) == 1
    house.at += 1
    asked(judge)
    for thread in threading.enumerate():
        if thread.name == "auditspan-policies":
            thread.join()
    assert asked(judge).outcome == "deny"


def test_the_same_ones_again_keep_the_answers_and_last_longer(house: House) -> None:
    """Nothing is parsed again every half minute."""
    policies = house.policies()
    before = policies.loaded()
    house.text = signed(KEY, replace(POLICIES, expires_at=NOW + 9000))
    policies.renew()
    after = policies.loaded()
    assert after.registry is before.registry
    assert after.expires_ns == (NOW + 9000) * 10**9


def test_a_folder_goes_before_and_is_told(house: House, tmp_path: Path) -> None:
    """A local override is allowed, never silent."""
    (tmp_path / "r" / "policies").mkdir(parents=True)
    (tmp_path / "r" / "policies" / "p.cedar").write_text(DENY)
    verdict = asked(Judge(replace(house.settings, registry=tmp_path / "r"), lambda: 0))
    assert verdict.outcome == "deny"
    assert verdict.attributes("enforce")["audit.guard.policy.source"] == "override"
    assert not house.asked


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"AUDITSPAN_POLICIES_KEYS": ""}, "AUDITSPAN_POLICIES_KEYS is not"),
        ({"AUDITSPAN_AGENT_ID": ""}, "AUDITSPAN_AGENT_ID is not"),
        ({"AUDITSPAN_POLICIES": "yes"}, "AUDITSPAN_POLICIES is 'yes', expected `collector`"),
    ],
)
def test_settings_without_which_nothing_can_be_verified(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    """Said at start."""
    with pytest.raises(SettingsInvalid, match=why):
        settings({**environment(tmp_path, 4318), **change})
