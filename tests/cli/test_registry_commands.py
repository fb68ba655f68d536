"""The registry on the command line, on a stopped collector's folder."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditspan.cli.main import main
from auditspan.registry import Bundle

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo" / "registry"
DENY = '@id("pay")\npermit (principal, action, resource) when { context.hour > 30 };\n'
WHY = ("--requested-by", "ann", "--ticket", "SEC-1", "--reason", "first")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `auditspan` in an empty folder; `data` is its data folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUDITSPAN_DATA", "AUDITSPAN_URL"):
        monkeypatch.delenv(name, raising=False)

    def ran(*words: str | Path) -> Ran:
        monkeypatch.setattr("sys.argv", ["auditspan", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        captured = capsys.readouterr()
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    return ran


def folder(tmp_path: Path, **files: str) -> Path:
    """A folder with a small registry and changes to it, `__` for `/`."""
    made = tmp_path / "registry"
    texts = {
        "agents__a.yaml": "{id: helper, name: Helper, owner: o, purpose: p, risk_tier: low}",
        "tools__t.yaml": "{name: pay, effect: external}",
        "controls.yaml": "single_operator: true\n",
        "policies__p.cedar": '@id("pay")\npermit (principal, action, resource);\n',
        "examples__e.yaml": (
            "{name: one, agent: helper, tool: pay, at: 2026-01-01T00:00:00Z,"
            " expect: {outcome: allow}}"
        ),
    }
    for name, text in (texts | files).items():
        path = made / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def test_the_demo_is_applied_and_shown(run: Run) -> None:
    """Dry run, apply, apply again, history, and what an agent may do."""
    dry = run("apply", DEMO, "--dry-run", "--data", "new")
    assert dry.code == 2
    assert "new is no data folder" in dry.err
    applied = run("apply", DEMO, *WHY)
    assert applied.code == 0, applied.err
    assert "+ agent support-agent" in applied.out
    demo = Bundle.read(DEMO).registry()
    parts = len(demo.agents) + len(demo.tools) + len(demo.grants) + len(demo.policies)
    told = re.search(r"(\d+) differences, (\d+) examples passed", applied.out)
    assert told is not None and int(told[2]) == len(demo.examples) > 0
    assert int(told[1]) >= parts
    assert "already in force" in run("apply", DEMO, *WHY).out
    [row] = json.loads(run("history", "--format", "json").out)
    assert (row["requested_by"], row["provenance"]) == ("operator", "verified")
    assert (row["on_behalf_of"], row["ticket"], row["reason"]) == ("ann", "SEC-1", "first")
    shown = run("show", "agent", "analyst-agent").out
    for words in (
        "nina.park",
        "analyst-ledger-2024",
        "(expired)",
        "(in force)",
        "export_customers",
    ):
        assert words in shown


def test_every_change_says_why(run: Run, tmp_path: Path) -> None:
    """Without ticket and reason nothing is applied; who asks is known anyway."""
    ran = run("apply", folder(tmp_path), "--requested-by", "ann")
    assert ran.code == 2
    assert "--ticket, --reason" in ran.err
    assert not (tmp_path / "data").exists()
    applied = run("apply", folder(tmp_path), "--ticket", "T-1", "--reason", "first")
    assert applied.code == 0, applied.err
    told = "in force, approved by nobody else: recorded as change."
    assert applied.err.strip().endswith(told + "bootstrap")
    changed = folder(tmp_path, **{"tools__t.yaml": "{name: pay, effect: write}"})
    applied = run("apply", changed, "--ticket", "T-1", "--reason", "second")
    assert applied.err.strip().endswith(told + "self_approved")


def test_a_refused_change_shows_expected_and_actual(run: Run, tmp_path: Path) -> None:
    """Exit code 1 and a table of the examples."""
    ran = run("apply", folder(tmp_path, **{"policies__p.cedar": DENY}), *WHY)
    assert ran.code == 1
    assert "WRONG" in ran.out
    assert "default-deny" in ran.out
    assert "1 of 1 examples" in ran.err


def test_problems_are_listed_with_their_places(run: Run, tmp_path: Path) -> None:
    """Exit code 2 and one line per problem."""
    wrong = folder(tmp_path, **{"agents__a.yaml": "id: helper\nowenr: x\n"})
    ran = run("apply", wrong, *WHY)
    assert ran.code == 2
    assert "agents/a.yaml:2:1: owenr: unknown key 'owenr'; did you mean 'owner'?" in ran.err
    broken = folder(tmp_path, **{"policies__p.cedar": '@id("x")\npermit (principal action);'})
    (broken / "agents" / "a.yaml").write_text((DEMO / "agents" / "agents.yaml").read_text())
    (broken / "examples" / "e.yaml").unlink()
    ran = run("apply", broken, *WHY)
    assert ran.code == 2
    assert "policies/p.cedar:2:" in ran.err


def test_a_difference_is_shown(run: Run, tmp_path: Path) -> None:
    """Changed fields and changed lines; exit code 1 if there is a difference, 0 if not."""
    made = folder(tmp_path)
    assert run("apply", made, *WHY).code == 0
    assert run("diff", made).code == 0
    folder(tmp_path, **{"tools__t.yaml": "{name: pay, effect: destructive}"})
    (made / "policies" / "p.cedar").write_text(
        '@id("pay")\npermit (principal, action, resource)\n;'
    )
    ran = run("diff", "sha256:", made)
    assert ran.code == 1
    assert "~ tool pay: effect: external → destructive" in ran.out
    assert "-permit (principal, action, resource);" in ran.out
    rows = json.loads(run("diff", "sha256:", made, "--format", "json").out)
    assert [(row["kind"], row["field"]) for row in rows] == [("tool", "effect"), ("policy", "")]
    assert run("diff", "zz").code == 2


def test_keys_on_the_command_line(run: Run, tmp_path: Path) -> None:
    """The key alone is on standard output; the list never has it."""
    run("apply", folder(tmp_path), *WHY)
    issued = run("keys", "issue", "helper", "--expires-in", "12h", "--requested-by", "ann")
    assert issued.code == 0, issued.err
    key = issued.out.strip()
    assert key.startswith("ask_")
    [row] = json.loads(run("keys", "list", "--format", "json").out)
    assert row["principal"] == "agent:helper"
    assert key not in issued.err + str(row)
    assert run("keys", "revoke", row["id"], "--requested-by", "ann").code == 0
    [row] = json.loads(run("keys", "list", "--format", "json").out)
    assert row["revoked_at"]
    for words in (
        ("hepler",),
        ("helper", "--expires-in", "soon"),
        ("helper", "--expires-in", "9999d"),
    ):
        assert run("keys", "issue", *words, "--requested-by", "ann").code == 2
    assert run("keys", "revoke", "0000", "--requested-by", "ann").code == 2


def test_tools_are_imported(run: Run, tmp_path: Path) -> None:
    """The YAML goes to standard output or to a new file, never over an old one."""
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}))
    ran = run("tools", "import", listed, "--server", "crm")
    assert ran.code == 0
    assert "effect: unknown" in ran.out
    assert run("tools", "import", listed, "-o", "t.yaml").code == 0
    assert run("tools", "import", listed, "-o", "t.yaml").code == 2
    listed.write_text("nope")
    assert run("tools", "import", listed).code == 2
    assert run("tools", "import", "absent.json").code == 2


def test_policies_and_tools_are_shown(run: Run, tmp_path: Path) -> None:
    """Lists, a tool with its grants, a policy with its text, and an unknown name's nearest."""
    assert run("apply", DEMO, *WHY).code == 0
    assert "refund_order" in run("show", "tool").out
    assert "finance-invoices" in run("show", "tool", "pay_invoice").out
    text = run("show", "policy", "never-delete-customers").out
    assert 'resource == Tool::"delete_customer"' in text
    rows = json.loads(run("show", "policy", "--format", "json").out)
    assert {"permit", "forbid"} == {row["effect"] for row in rows}
    ran = run("show", "agent", "suport-agent")
    assert (ran.code, "did you mean 'support-agent'" in ran.err) == (2, True)


def test_recorded_values_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    """A purpose with an escape sequence is printed as text."""
    hostile = '{id: helper, name: Helper, owner: o, purpose: "p\\e[2J\\u202e", risk_tier: low}'
    run("apply", folder(tmp_path, **{"agents__a.yaml": hostile}), *WHY)
    ran = run("show", "agent", "helper")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "\\x1b[2J\\u202e" in ran.out


def test_listings_come_as_json_and_csv(run: Run) -> None:
    """Every listing has all three forms, with the same columns."""
    assert run("apply", DEMO, *WHY).code == 0
    agents = json.loads(run("show", "agent", "--format", "json").out)
    assert {row["id"] for row in agents} >= {"support-agent", "legacy-agent"}
    tools = run("show", "tool", "--format", "csv").out.splitlines()
    assert tools[0].startswith("name,server,effect,target")
    grants = json.loads(run("show", "agent", "analyst-agent", "--format", "json").out)
    assert {row["state"] for row in grants} == {"expired", "in force"}
    grants = json.loads(run("show", "tool", "list_invoices", "--format", "json").out)
    assert {row["id"] for row in grants} == {"analyst-ledger-2024", "finance-invoices"}
    assert "id,principal" in run("keys", "list", "--format", "csv").out
    assert run("show", "policy", "nothing").code == 2


def test_an_agent_that_may_do_nothing_says_so(run: Run) -> None:
    """A disabled agent without grants."""
    assert run("apply", DEMO, *WHY).code == 0
    shown = run("show", "agent", "legacy-agent").out
    assert "disabled: it may do nothing" in shown
    assert "none: nothing is permitted" in shown


def test_what_was_in_force_is_asked_by_time(run: Run) -> None:
    """Before the first version there is none; a time without zone is bad input."""
    assert run("apply", DEMO, *WHY).code == 0
    assert json.loads(run("history", "--at", "2020-01-01T00:00:00Z", "--format", "json").out) == []
    assert (
        len(json.loads(run("history", "--at", "2099-01-01T00:00:00Z", "--format", "json").out)) == 1
    )
    assert run("history", "--at", "2099-01-01").code == 2


def test_a_folder_that_does_not_belong_is_listed(run: Run, tmp_path: Path) -> None:
    """Files that nothing would read end with 2, also when comparing."""
    made = folder(tmp_path, **{"polices__p.cedar": ""})
    for words in (("apply", made, *WHY), ("diff", made, made)):
        ran = run(*words)
        assert ran.code == 2
        assert "did you mean 'policies'?" in ran.err


def test_a_dry_run_says_that_nothing_changed(run: Run, tmp_path: Path) -> None:
    """It needs no person and no ticket, and leaves the version in force."""
    made = folder(tmp_path)
    assert run("apply", made, *WHY).code == 0
    (made / "tools" / "t.yaml").write_text("{name: pay, effect: read}")
    ran = run("apply", made, "--dry-run")
    assert ran.code == 0
    assert "checked, not applied: 1 differences" in ran.out
    assert len(json.loads(run("history", "--format", "json").out)) == 1
