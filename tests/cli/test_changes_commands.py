"""Proposals, approvals and agents on the command line, on a stopped collector's folder."""

import json
from pathlib import Path

import pytest

from auditspan.cli.changes_commands import age
from auditspan.registry import Bundle
from tests.cli.conftest import Auditspan
from tests.collector.control.bundles import STRICTER, two_persons

WHY = ("--ticket", "SEC-1", "--reason", "because")


def written(folder: Path, bundle: Bundle) -> Path:
    """The folder of a bundle."""
    for name, text in bundle.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def two(auditspan: Auditspan, tmp_path: Path) -> Auditspan:
    """A folder in which two persons decide; keys lie in `alice.key` and `bob.key`."""
    first = auditspan("apply", written(tmp_path / "first", two_persons()), *WHY)
    assert first.code == 0, first.err
    assert "approved by nobody else: recorded as change.bootstrap" in first.err
    for name in ("alice", "bob", "carol"):
        issued = auditspan("keys", "issue", "--person", name)
        assert issued.code == 0, issued.err
        key = tmp_path / f"{name}.key"
        key.touch(mode=0o600)
        key.write_text(issued.out)
    written(tmp_path / "next", two_persons(policies__p=STRICTER))
    return auditspan


def proposed(run: Auditspan) -> str:
    """The hash of a proposal of alice's."""
    ran = run("apply", "next", *WHY, "--requested-by", "dana", "--token-file", "alice.key")
    assert ran.code == 0, ran.err
    assert "proposed: 1 differences, 1 examples passed" in ran.out
    [row] = json.loads(run("changes", "--format", "json").out)
    assert f"auditspan approve {row['id'][7:19]} until" in ran.err.replace("`", "")
    return str(row["id"])


def test_a_change_waits_for_a_second_person(two: Auditspan) -> None:
    """It is listed and shown; the requester and the operator's token cannot approve it."""
    hash_ = proposed(two)
    assert "already in force" not in two("apply", "next", "--dry-run").out
    table = two("changes").out
    for word in (hash_[7:19], "registry", "open", "person:alice", "SEC-1"):
        assert word in table
    shown = two("changes", "show", hash_[7:15]).out
    assert hash_ in shown
    assert "requested by: person:alice" in shown
    assert "on behalf of: dana" in shown
    assert "+when { context has grant && context.arguments has amount" in shown
    assert json.loads(two("changes", "show", hash_, "--format", "json").out)["state"] == "open"
    assert two("changes", "show", hash_, "--format", "csv").out.startswith("change,kind,name")
    own = two("approve", hash_, "--token-file", "alice.key")
    assert (own.code, "person:alice asked for this change" in own.err) == (1, True)
    token = two("approve", hash_)
    assert (token.code, "operator may not do registry.approve" in token.err) == (1, True)
    reader = two("approve", hash_, "--token-file", "carol.key")
    assert (reader.code, "person:carol may not do" in reader.err) == (1, True)
    done = two("approve", hash_[7:19], "--reason", "fine", "--token-file", "bob.key")
    assert done.code == 0, done.err
    assert done.out.startswith(f"{hash_} is in force since 20")
    assert "in force: asked by person:alice, approved by person:bob" in done.err
    assert json.loads(two("changes", "--format", "json").out) == []
    [row] = json.loads(two("changes", "--all", "--format", "json").out)
    assert (row["state"], row["decided_by"]) == ("approved", "person:bob")
    last = json.loads(two("history", "--format", "json").out)[-1]
    assert (last["requested_by"], last["approved_by"], last["on_behalf_of"]) == (
        "person:alice",
        "person:bob",
        "dana",
    )


def test_a_proposal_is_ended(two: Auditspan) -> None:
    """By who could approve it with a reason, or by who made it; then it is decided."""
    hash_ = proposed(two)
    assert two("reject", hash_, "--token-file", "bob.key").code == 2
    assert two("withdraw", hash_, "--token-file", "bob.key").code == 1
    ran = two("reject", hash_, "--reason", "no", "--token-file", "bob.key")
    assert (ran.code, ran.out) == (0, f"{hash_} is rejected\n")
    late = two("approve", hash_, "--token-file", "bob.key")
    assert (late.code, "was rejected by person:bob" in late.err) == (1, True)
    hash_ = proposed(two)
    ran = two("withdraw", hash_, "--token-file", "alice.key")
    assert (ran.code, ran.out) == (0, f"{hash_} is withdrawn\n")
    rows = json.loads(two("changes", "--all", "--format", "json").out)
    assert [row["state"] for row in rows] == ["rejected", "withdrawn"]


@pytest.mark.parametrize("hash_", ["", "1234567", "zzzzzzzz", "00000000", "../secrets"])
def test_a_hash_that_is_none_is_wrong_usage(two: Auditspan, hash_: str) -> None:
    """Too short, no hex, or unknown: exit code 2 and where to look."""
    ran = two("approve", hash_, "--token-file", "bob.key")
    assert (ran.code, "see `auditspan changes" in ran.err) == (2, True)


def test_an_agent_is_stopped_and_let_go_on(two: Auditspan) -> None:
    """At once by one person; back by two. The command says what to write into one's folder."""
    assert two("agents", "disable", "helper").code == 2
    assert two("agents", "disable", "hepler", "--reason", "x").code == 2
    refused = two("agents", "disable", "helper", "--reason", "x", "--token-file", "carol.key")
    assert refused.code == 1
    ran = two("agents", "disable", "helper", "--reason", "pays strangers")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("helper is disabled since 20")
    assert "write it into disabled.yaml of your folder (agents: [helper])" in ran.err
    assert "disabled already" in two("agents", "disable", "helper", "--reason", "again").out
    [row] = json.loads(two("agents", "list", "--format", "json").out)
    assert (row["state"], row["disabled_by"], row["disabled_why"]) == (
        "disabled",
        "operator",
        "pays strangers",
    )
    assert "disabled" in two("agents", "list").out
    back = two("apply", "next", *WHY, "--token-file", "alice.key")
    assert "this lets act again: helper" in back.err
    enabled = two("agents", "enable", "helper", "--reason", "mended", "--token-file", "bob.key")
    assert (enabled.code, "proposed, not in force" in enabled.err) == (0, True)
    rows = json.loads(two("changes", "--format", "json").out)
    hash_ = next(row["id"] for row in rows if row["requested_by"] == "person:bob")
    assert two("approve", hash_, "--token-file", "alice.key").code == 0
    assert "enabled" in two("agents", "list").out


def test_one_who_works_alone_enables_at_once(auditspan: Auditspan, tmp_path: Path) -> None:
    """With the finding, said in a line."""
    alone = {**two_persons().files, "controls.yaml": "single_operator: true"}
    assert auditspan("apply", written(tmp_path / "r", Bundle(alone)), *WHY).code == 0
    assert auditspan("agents", "disable", "helper", "--reason", "x").code == 0
    ran = auditspan("agents", "enable", "helper", "--reason", "x")
    assert ran.out.startswith("helper is enabled since 20")
    assert "recorded as change.self_approved" in ran.err


def test_a_registry_that_leaves_nobody_is_refused(two: Auditspan, tmp_path: Path) -> None:
    """Exit code 2, and both ways out in the message."""
    people = tmp_path / "next" / "principals" / "people.yaml"
    people.write_text(people.read_text().replace("policy", "reader"))
    ran = two("apply", "next", *WHY, "--token-file", "alice.key")
    assert ran.code == 2
    for words in ("nobody", "principals/*.yaml", "single_operator: true"):
        assert words in ran.err


def test_a_key_is_for_one_holder(two: Auditspan) -> None:
    """An agent, a relay, a person or a service, who must be in the registry."""
    wrong: tuple[tuple[str, ...], ...] = (
        (),
        ("helper", "--person", "alice"),
        ("--person", "alice", "--service", "ci"),
        ("--person", "alice", "--relay"),
        ("--person", "alcie"),
        ("--service", "alice"),
    )
    for words in wrong:
        assert two("keys", "issue", *words).code == 2, words
    right: tuple[tuple[tuple[str, ...], str], ...] = (
        (("--service", "ci"), "service:ci"),
        (("--service", "service:ci"), "service:ci"),
        (("helper",), "agent:helper"),
        (("edge", "--relay"), "relay:edge"),
    )
    for words, holder in right:
        assert two("keys", "issue", *words).code == 0
        rows = json.loads(two("keys", "list", "--format", "json").out)
        assert ("operator", holder) in {(row["issued_by"], row["principal"]) for row in rows}
    refused = two("keys", "issue", "helper", "--token-file", "alice.key")
    assert (refused.code, "keys.manage" in refused.err) == (1, True)


def test_recorded_words_cannot_steer_the_terminal(two: Auditspan) -> None:
    """A reason may hold any printable characters, also those that turn text around."""
    ran = two("apply", "next", "--ticket", "T", "--reason", "a\u202eb", "--token-file", "alice.key")
    assert ran.code == 0, ran.err
    [row] = json.loads(two("changes", "--format", "json").out)
    for words in (("changes",), ("changes", "show", row["id"])):
        out = two(*words).out
        assert "\u202e" not in out and "\\u202e" in out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_400 * 3, "3d"), (None, "0s")],
)
def test_an_age_is_in_its_largest_unit(seconds: object, text: str) -> None:
    """What a person needs to see whether it is old."""
    assert age(seconds) == text
