"""What policies say, and what comes of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.identity import jws
from auditspan.instrumentation import PolicyDenied, action, agent, identify, policies, tool
from auditspan.policy.policy_set import version
from tests.instrumentation.recorded import running, written
from tests.instrumentation.sink import Sink

AGENT = """
id: helper
name: Helper
owner: team
purpose: helps
risk_tier: limited
environments: [production]
roles: [support]
"""
TOOLS = """
name: refund
effect: write
target: {type: order, id: $.order}
arguments:
  type: object
  properties: {order: {type: string}, amount: {type: integer}}
---
name: delete_order
effect: destructive
"""
GRANT = """
id: grant-1
grantor: boss
agent: helper
roles: [clerk]
granted_at: 2024-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
"""
CEDAR = """
@id("invoke")
permit (principal, action == Action::"invoke_agent", resource);

@id("small-refunds")
permit (principal == Agent::"helper", action == Action::"execute_tool", resource == Tool::"refund")
when { context.arguments has amount && context.arguments.amount <= 100 };

@id("big-refunds")
@outcome("require_approval")
@reason("a refund over 100 needs the shift lead")
permit (principal == Agent::"helper", action == Action::"execute_tool", resource == Tool::"refund")
when { context.arguments has amount && context.arguments.amount > 100 };

@id("never-delete")
@reason("orders are never deleted")
forbid (principal, action == Action::"execute_tool", resource == Tool::"delete_order");
"""

ran: list[object] = []


@tool
def refund(order: str, amount: int) -> str:
    """Move money."""
    ran.append(order)
    return "refunded"


@tool
def delete_order(order: str) -> None:
    """Destroy something."""
    ran.append(order)


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def registry(folder: Path, cedar: str = CEDAR) -> dict[str, str]:
    """A registry folder, and the environment of an agent that enforces it."""
    for name, text in (
        ("agents/a.yaml", AGENT),
        ("tools/t.yaml", TOOLS),
        ("grants/g.yaml", GRANT),
        ("policies/p.cedar", cedar),
    ):
        path = folder / "registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "AUDITSPAN_REGISTRY": str(folder / "registry"),
        "AUDITSPAN_GUARD_MODE": "enforce",
        "AUDITSPAN_AGENT_ID": "helper",
    }


def test_what_is_permitted_runs(tmp_path: Path) -> None:
    """And the record says by which rule, of which policies."""
    with running(tmp_path, **registry(tmp_path)):
        assert refund("o-1", 5) == "refunded"
    [span] = written(tmp_path)
    guard = {k: v for k, v in span.attributes.items() if k.startswith("audit.guard.")}
    assert guard == {
        "audit.guard.outcome": "allow",
        "audit.guard.enforcement": "allow",
        "audit.guard.mode": "enforce",
        "audit.guard.rule.ids": ["small-refunds"],
        "audit.guard.reason": "permitted by small-refunds",
        "audit.guard.policy.version": version({"policies/p.cedar": CEDAR}),
    }


def test_what_is_denied_does_not_run(tmp_path: Path) -> None:
    """The caller gets rule and reason, the attempt is recorded."""
    with (
        running(tmp_path, **registry(tmp_path)),
        pytest.raises(PolicyDenied, match="delete_order was denied by never-delete") as denied,
    ):
        delete_order("o-1")
    assert (ran, denied.value.rule, denied.value.reason) == (
        [],
        "never-delete",
        "orders are never deleted",
    )
    [span] = written(tmp_path)
    assert span.text("audit.guard.enforcement") == "block"
    assert span.text("audit.outcome") == "denied"
    assert span.text("gen_ai.tool.call.arguments") == '{"order":"o-1"}'


def test_an_approval_is_no_act_to_permit(tmp_path: Path) -> None:
    """The collector does not judge it, so the guard does not: one may always ask."""
    with running(tmp_path, **registry(tmp_path)), action("approval", target=("order", "o-1")):
        pass
    [span] = written(tmp_path)
    assert (span.text("audit.outcome"), span.text("audit.guard.outcome")) == ("success", "")


def test_an_approval_is_named(tmp_path: Path) -> None:
    """What needs an approval does not run without one, and says what is needed."""
    with (
        running(tmp_path, **registry(tmp_path)),
        pytest.raises(PolicyDenied, match=r"needs an approval .* the shift lead") as denied,
    ):
        refund("o-1", 500)
    assert (ran, denied.value.approval_needed) == ([], True)
    [span] = written(tmp_path)
    assert span.text("audit.guard.outcome") == "require_approval"
    assert span.text("audit.guard.enforcement") == "block"
    id_ = denied.value.approval_id
    assert f"(approval id {id_})" in str(denied.value)
    assert (span.text("audit.approval.id"), span.text("audit.approval.status")) == (
        id_,
        "requested",
    )


def test_the_same_act_asks_for_the_same_approval(tmp_path: Path) -> None:
    """A model that tries again asks for nothing new; anything else is another request."""
    key = tmp_path / "hash.key"
    key.write_text("k" * 32)

    def asked(user: str, order: str, amount: int) -> str:
        with identify(user=user), pytest.raises(PolicyDenied) as denied:
            refund(order, amount)
        return denied.value.approval_id

    found = []
    for number in range(2):
        environ = {**registry(tmp_path / str(number)), "AUDITSPAN_HASH_KEY_FILE": str(key)}
        with running(tmp_path, **environ):
            found += [asked("ann", "o-1", 500), asked("ann", "o-1", 500)]
    assert len(set(found)) == 1
    assert found[0].startswith("appr-")
    with running(tmp_path, **registry(tmp_path / "r")):
        others = [asked("bob", "o-1", 500), asked("ann", "o-2", 500), asked("ann", "o-1", 501)]
        # Without a key it holds in one process alone.
        others += [asked("ann", "o-1", 500)]
    assert len({*others, found[0]}) == 5


def test_what_is_denied_or_allowed_asks_for_no_approval(tmp_path: Path) -> None:
    """Nothing would come of it."""
    with running(tmp_path, **registry(tmp_path)):
        with pytest.raises(PolicyDenied) as denied:
            delete_order("o-1")
        refund("o-1", 5)
    assert denied.value.approval_id == ""
    assert [span.text("audit.approval.id") for span in written(tmp_path)] == ["", ""]


def test_observing_stops_nothing(tmp_path: Path) -> None:
    """What would be denied runs and is recorded as such."""
    environ = registry(tmp_path) | {"AUDITSPAN_GUARD_MODE": "observe"}
    with running(tmp_path, **environ):
        delete_order("o-1")
    assert ran == ["o-1"]
    [span] = written(tmp_path)
    assert span.text("audit.guard.outcome") == "deny"
    assert span.text("audit.guard.enforcement") == "monitor"
    assert span.text("audit.outcome") == "success"


def test_blocks_are_guarded_like_tools(tmp_path: Path) -> None:
    """A denied block does not run; a denied agent neither."""
    only_agents = '@id("x") forbid (principal, action == Action::"invoke_agent", resource);'
    with running(tmp_path, **registry(tmp_path)):
        with pytest.raises(PolicyDenied), action(tool="delete_order", arguments={"order": "o"}):
            ran.append("block")
        with agent("Helper", id="helper"):
            ran.append("agent")
    with (
        running(tmp_path, **registry(tmp_path, only_agents)),
        pytest.raises(PolicyDenied, match="Helper was denied by x"),
        agent("Helper", id="helper"),
    ):
        ran.append("denied agent")
    assert ran == ["agent"]


def test_a_wrapper_around_a_wrapper_asks_once(tmp_path: Path) -> None:
    """The outer one decides, the inner one passes."""
    outer = tool(name="refund")(lambda order, amount: refund(order, amount))
    with running(tmp_path, **registry(tmp_path)):
        outer("o-1", 5)
    assert (ran, len(written(tmp_path))) == (["o-1"], 1)


def statement(**claims: object) -> str:
    """Something shaped like a statement, which a guard does not verify."""
    parts = ({"alg": "EdDSA"}, claims)
    texts = [jws.encode(json.dumps(part).encode()) for part in parts]
    return ".".join([*texts, jws.encode(b"signature")])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('context has user && context.user == User::"alice"', True),
        ('context.roles.contains("clerk")', True),
        ('context has user && context.user.organisation == "acme"', True),
        ('context has grant && context.grant == "grant-1"', True),
        ('context.environment == "production"', True),
        ('context.purpose == "support"', True),
        ('context has target && context.target.type == "order"', True),
        ('context has target && context.target.id == "o-1"', True),
        ('principal.roles.contains("support")', True),
        ('resource.effect == "write"', True),
        ('context.roles.contains("boss")', False),
    ],
)
def test_the_question_holds_what_the_collector_will_know(
    tmp_path: Path, sink: Sink, condition: str, expected: bool
) -> None:
    """User and roles of the statement, the grant that covers, target, purpose, environment."""
    cedar = f'@id("x") permit (principal, action, resource == Tool::"refund") when {{{condition}}};'
    text = statement(sub="alice", org="acme", roles=["clerk"])
    sink.identity_answer = (200, {"statement": text, "expires_at": 2**40})
    environ = registry(tmp_path, cedar) | {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
    with (
        running(tmp_path, **environ),
        identify(user_token="t", purpose="support"),
    ):
        if expected:
            refund("o-1", 5)
        else:
            with pytest.raises(PolicyDenied, match="default-deny"):
                refund("o-1", 5)


def test_a_disabled_agent_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order in `disabled.yaml` goes before every permit, as soon as the file is there."""
    monkeypatch.setattr(policies, "LOOK_EVERY", 0.0)
    environ = registry(tmp_path)
    with running(tmp_path, **environ):
        refund("o-1", 5)
        Path(environ["AUDITSPAN_REGISTRY"], "disabled.yaml").write_text("agents: [helper]")
        with pytest.raises(PolicyDenied, match="agent-disabled"):
            refund("o-2", 5)
    assert ran == ["o-1"]


def test_changed_policies_are_in_force_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are looked at again; broken ones leave the former version in force."""
    monkeypatch.setattr(policies, "LOOK_EVERY", 0.0)
    environ = registry(tmp_path)
    with running(tmp_path, **environ):
        refund("o-1", 5)
        registry(tmp_path, '@id("none") forbid (principal, action, resource);')
        with pytest.raises(PolicyDenied, match="none"):
            refund("o-1", 5)
        registry(tmp_path, "this is no policy")
        with pytest.raises(PolicyDenied, match="none"):
            refund("o-1", 5)


def test_without_policies_nothing_is_asked(tmp_path: Path) -> None:
    """A registry without policies is one that does not judge: no decision is made up."""
    environ = registry(tmp_path)
    (tmp_path / "registry/policies/p.cedar").unlink()
    with running(tmp_path, **environ):
        refund("o-1", 5)
    [span] = written(tmp_path)
    assert not [name for name in span.attributes if name.startswith("audit.guard.")]


def break_policies(folder: Path) -> None:
    """Policies that never loaded."""
    (folder / "registry/policies/p.cedar").write_text("this is no policy")


def fill_spool(folder: Path) -> None:
    """A spool that holds more than it may."""
    old = folder / "spool" / "old"
    old.mkdir(parents=True)
    (old / "00000001.seg").write_bytes(bytes(2048))


@pytest.mark.parametrize(
    ("fault", "rule"),
    [(break_policies, "guard-unavailable"), (fill_spool, "record-unavailable")],
)
def test_what_cannot_be_judged_or_recorded_follows_the_fail_mode(
    tmp_path: Path, fault: Callable[[Path], None], rule: str
) -> None:
    """Closed denies and says why, open goes on."""
    environ = registry(tmp_path) | {"AUDITSPAN_SPOOL_MAX_BYTES": "1024"}
    fault(tmp_path)
    with running(tmp_path, **environ), pytest.raises(PolicyDenied, match=rule):
        refund("o-1", 5)
    assert ran == []
    with running(tmp_path, **environ, AUDITSPAN_FAIL_MODE="open"):
        refund("o-1", 5)
    assert ran == ["o-1"]


def test_a_user_that_cannot_be_verified_follows_the_fail_mode(tmp_path: Path, sink: Sink) -> None:
    """An enforcing guard does not act for nobody in particular."""
    environ = registry(tmp_path) | {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
    with (
        running(tmp_path, **environ),
        identify(user_token="t"),
        pytest.raises(PolicyDenied, match="identity-unresolved"),
    ):
        refund("o-1", 5)
    with (
        running(tmp_path, **environ, AUDITSPAN_FAIL_MODE="open"),
        identify(user_token="t"),
    ):
        refund("o-1", 5)


def test_settings_that_cannot_be_read_deny_if_they_may_mean_enforce(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing mistake in the mode does not switch the guard off."""
    monkeypatch.setenv("AUDITSPAN_GUARD_MODE", "enforced")
    with pytest.raises(PolicyDenied, match="record-unavailable"):
        refund("o-1", 5)
    assert "expected observe or enforce" in caplog.text
