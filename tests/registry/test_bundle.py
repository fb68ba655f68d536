"""A folder is read strictly, and everything wrong with it is said at once, with its place."""

from pathlib import Path

import pytest

from auditspan.registry import Bundle, BundleInvalid, Problem

AGENT = """\
id: support-agent
name: Support agent
owner: Customer support
purpose: Answers customers.
risk_tier: limited
environments: [production]
"""
TOOLS = """\
name: refund
effect: write
target: {type: order, id: $.order_id}
arguments:
  type: object
  properties:
    order_id: {type: string}
    amount: {type: number}
---
- name: lookup
  effect: read
"""
GRANT = """\
id: grant-1
grantor: head-of-support
agent: support-agent
tools: [refund]
granted_at: 2026-01-01T00:00:00Z
expires_at: 2027-01-01T00:00:00Z
"""
EXAMPLE = """\
name: a refund
agent: support-agent
tool: refund
at: 2026-02-01T10:00:00Z
arguments: {amount: 12.5}
expect: {outcome: allow, rules: refunds}
"""
FILES = {
    "agents/support.yaml": AGENT,
    "tools/tools.yaml": TOOLS,
    "grants/g.yaml": GRANT,
    "policies/p.cedar": '@id("refunds") permit (principal, action, resource);\n',
    "examples/e.yaml": EXAMPLE,
}


def problems(**changed: str) -> list[Problem]:
    """What is wrong with the good bundle after a change; `__` stands for `/`."""
    files = FILES | {name.replace("__", "/") + ".yaml": text for name, text in changed.items()}
    with pytest.raises(BundleInvalid) as caught:
        Bundle(files).registry()
    return list(caught.value.problems)


def only(**changed: str) -> str:
    """The one problem of a change, as text."""
    [problem] = problems(**changed)
    return str(problem)


def test_a_good_folder_is_read_whole(tmp_path: Path) -> None:
    """Every kind of entry arrives, several to a file, and both versions are set."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "README.md").write_text("for people")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("hidden")
    bundle = Bundle.read(tmp_path)
    registry = bundle.registry()
    assert dict(bundle.files) == dict(sorted(FILES.items()))
    assert list(registry.agents) == ["support-agent"]
    assert registry.agents["support-agent"].environments == ("production",)
    assert list(registry.tools) == ["lookup", "refund"]
    assert registry.tools["refund"].schema_hash.startswith("sha256:")
    assert registry.tools["lookup"].schema_hash == ""
    assert registry.grants[0].granted_ns == 1767225600 * 10**9
    assert registry.examples[0].expect.rules == ("refunds",)
    assert registry.version == bundle.version
    assert registry.policy_version.startswith("sha256:")
    assert registry.policy_version != registry.version


def test_a_bundle_survives_storage() -> None:
    """The stored form gives the same texts and the same version."""
    bundle = Bundle(FILES)
    again = Bundle.from_json(bundle.to_json())
    assert again.files == FILES
    assert again.version == bundle.version


def test_a_stored_bundle_that_was_changed_is_refused() -> None:
    """Texts that do not have the stored version were edited behind our back."""
    text = Bundle(FILES).to_json().replace("Customer support", "Somebody else")
    with pytest.raises(BundleInvalid, match="the stored bundle was changed"):
        Bundle.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": []}', '{"files": {"a": 1}}'])
def test_a_damaged_stored_bundle_is_refused(text: str) -> None:
    """What is not a stored bundle gives an error, not a crash."""
    with pytest.raises(BundleInvalid):
        Bundle.from_json(text)


def test_an_unknown_key_names_place_and_nearest_key() -> None:
    """The error says file, line, column, path and what was probably meant."""
    wrong = GRANT.replace("expires_at:", "expries_at:")
    assert [str(problem) for problem in problems(grants__g=wrong)] == [
        "grants/g.yaml:1:1: expires_at: 'expires_at' is missing: from when it holds no more",
        "grants/g.yaml:6:1: expries_at: unknown key 'expries_at'; did you mean 'expires_at'?",
    ]


def test_a_key_that_resembles_nothing_lists_what_is_known() -> None:
    """Without a close word the possible keys are named, inside nested entries too."""
    text = TOOLS.replace("{type: order, id: $.order_id}", "{type: order, zzz: 1}")
    assert only(tools__tools=text) == (
        "tools/tools.yaml:3:23: target.zzz: unknown key 'zzz'; expected one of id, path, type"
    )


def test_all_problems_are_reported_together() -> None:
    """Several files with several faults give one list in the order of files and lines."""
    found = problems(
        agents__support=AGENT.replace("owner:", "ownr:"),
        tools__tools=TOOLS.replace("effect: read", "effect: raed"),
        grants__g=GRANT.replace("[refund]", "[refunds, lookup]"),
        examples__e="name: [",
    )
    assert [(p.file, p.line, p.path) for p in found] == [
        ("agents/support.yaml", 1, "owner"),
        ("agents/support.yaml", 3, "ownr"),
        ("examples/e.yaml", 2, ""),
        ("grants/g.yaml", 4, "tools[0]"),
        ("tools/tools.yaml", 11, "[0].effect"),
    ]
    assert "did you mean 'read'?" in found[-1].message


def test_names_that_do_not_exist_are_refused() -> None:
    """A grant or example for an unknown agent or tool is an error with the nearest name."""
    wrong = GRANT.replace("agent: support-agent", "agent: suport-agent").replace("refund", "refnd")
    found = [problem.message for problem in problems(grants__g=wrong)]
    assert found == [
        "no agent is called 'suport-agent'; did you mean 'support-agent'?",
        "no tool is called 'refnd'; did you mean 'refund'?",
    ]
    wrong = EXAMPLE.replace("tool: refund", "tool: x")
    assert "no tool is called 'x'" in only(examples__e=wrong)


def test_a_star_stands_for_any_tool() -> None:
    """`*` in a grant is not a tool's name."""
    registry = Bundle(FILES | {"grants/g.yaml": GRANT.replace("[refund]", "'*'")}).registry()
    assert registry.grants[0].tools == ("*",)


def test_times_need_a_zone_and_an_order() -> None:
    """A time without zone, a bare date, a number and a reversed grant are refused."""
    for wrong in ("2027-01-01T00:00:00", "2027-01-01", "1798761600"):
        assert ":6:1: expires_at:" in only(grants__g=GRANT.replace("2027-01-01T00:00:00Z", wrong))
    reversed_grant = GRANT.replace("2027-", "2025-")
    assert "expires_at is not after granted_at" in only(grants__g=reversed_grant)


def test_the_same_name_twice_names_both_places() -> None:
    """Two entries of one kind cannot share a name, wherever they stand."""
    message = only(agents__zweite=AGENT)
    assert message == (
        "agents/zweite.yaml:1:1: id: 'support-agent' is already in agents/support.yaml:1; "
        "rename one"
    )


def test_a_credential_proves_one_agent_only() -> None:
    """Two agents with the same token binding would be one identity."""
    credentials = (
        "credentials: {jwt: [{issuer: https://idp, audience: auditspan, client: c1}], "
        "spiffe: [spiffe://example.org/support]}\n"
    )
    found = problems(
        agents__support=AGENT + credentials,
        agents__zweite=AGENT.replace("id: support-agent", "id: other") + credentials,
    )
    assert [problem.path for problem in found] == ["credentials.jwt[0]", "credentials.spiffe[0]"]
    assert all("already proves the agent 'support-agent'" in p.message for p in found)


def test_a_path_outside_the_schema_is_refused() -> None:
    """A target that the tool's arguments do not have is a typing error."""
    wrong = TOOLS.replace("$.order_id", "$.oder_id")
    assert "the arguments have no 'oder_id'; did you mean 'order_id'?" in only(tools__tools=wrong)
    wrong = TOOLS.replace("$.order_id", "order_id")
    assert "expected a path such as $.order_id" in only(tools__tools=wrong)


def test_a_written_hash_must_agree() -> None:
    """A pinned hash of a tool whose schema changed is refused."""
    pinned = Bundle(FILES).registry().tools["refund"].schema_hash
    good = TOOLS.replace("name: refund", f"name: refund\nschema_hash: {pinned}")
    assert (
        Bundle(FILES | {"tools/tools.yaml": good}).registry().tools["refund"].schema_hash == pinned
    )
    changed = good.replace("amount: {type: number}", "amount: {type: string}")
    assert "the tool changed" in only(tools__tools=changed)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("polices/p.cedar", "did you mean 'policies'?"),
        ("loose.yaml", "must stand in a folder"),
        ("agents/a.json", "expected .yaml or .yml"),
        ("policies/p.yaml", "expected .cedar"),
        ("../agents/a.yaml", "must stand in a folder"),
    ],
)
def test_files_that_do_not_belong_are_refused(name: str, words: str) -> None:
    """A file that nothing would read is an error, not a surprise in production."""
    with pytest.raises(BundleInvalid) as caught:
        Bundle(FILES | {name: ""}).registry()
    assert [p.file for p in caught.value.problems] == [name]
    assert words in str(caught.value)


def test_a_folder_with_links_binaries_or_nothing_is_refused(tmp_path: Path) -> None:
    """Links, bytes that are no UTF-8 and a missing folder are errors with the path."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "agents" / "b.yaml").symlink_to("/etc/passwd")
    with pytest.raises(BundleInvalid) as caught:
        Bundle.read(tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [
        "agents/a.yaml: is not UTF-8 at byte 0",
        "agents/b.yaml: is a link; copy the file",
    ]
    with pytest.raises(BundleInvalid, match="is not a folder"):
        Bundle.read(tmp_path / "nothing")


def test_a_bundle_has_a_size_limit() -> None:
    """A bundle that could not travel as one control record is refused."""
    with pytest.raises(BundleInvalid, match="at most 8388608 are allowed"):
        Bundle(FILES | {"policies/big.cedar": "// " + "x" * 9_000_000}).registry()


def test_versions_depend_on_the_texts_alone() -> None:
    """The order of files does not matter; a changed letter does, and policies have their own."""
    turned = Bundle(dict(reversed(FILES.items())))
    assert turned.version == Bundle(FILES).version
    changed = Bundle(FILES | {"agents/support.yaml": AGENT + "version: '2'\n"})
    assert changed.version != turned.version
    assert changed.registry().policy_version == turned.registry().policy_version


def test_text_that_is_no_unicode_is_refused() -> None:
    """Half of a surrogate pair has no bytes and no hash."""
    message = only(agents__support=AGENT.replace("Answers", "\ud800"))
    assert message == "agents/support.yaml: holds text that is no Unicode"


def test_values_of_the_wrong_kind_say_what_was_expected() -> None:
    """Numbers for text, text for a mapping, and a whole entry that is none."""
    wrong = AGENT + "version: 1.0\ntags: {a: b}\n"
    assert [problem.message for problem in problems(agents__support=wrong)] == [
        "is 1.0, expected text; put it in quotes",
        "is {'a': 'b'}: input should be a valid tuple",
    ]
    assert "input should be a valid dictionary" in problems(agents__support="just text")[0].message
    long = "target: " + "x" * 100
    assert "…" in problems(tools__tools=TOOLS.replace("effect: read", long))[0].message


def test_schemas_beyond_canonical_json_have_a_hash() -> None:
    """RFC 8785 has no integer above 2^53; the schema is hashed all the same."""
    text = TOOLS.replace("{type: number}", "{type: integer, maximum: 9223372036854775807}")
    tool = Bundle(FILES | {"tools/tools.yaml": text}).registry().tools["refund"]
    assert tool.schema_hash.startswith("sha256:")
