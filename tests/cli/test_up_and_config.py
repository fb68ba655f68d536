"""`auditspan config`, and what `auditspan up` says."""

from pathlib import Path

import pytest
import yaml

from auditspan.cli.up_commands import words
from auditspan.collector.config import CollectorConfig
from auditspan.collector.data_dir import prepare
from tests.cli.conftest import Auditspan


def test_the_defaults_are_a_valid_configuration(auditspan: Auditspan) -> None:
    """What is shown can be saved, checked and used."""
    shown = auditspan("config", "show")
    assert shown.code == 0, shown.err
    assert CollectorConfig.model_validate(yaml.safe_load(shown.out)) == CollectorConfig()
    Path("c.yaml").write_text(shown.out)
    first, *table = auditspan("config", "check", "c.yaml").out.splitlines()
    assert first == "c.yaml: valid"
    [other] = [line for line in table if "other" in line]
    assert [cell.strip() for cell in other.split("│")] == ["other", "30", "built in", "31"]


def test_a_slip_in_a_key_is_told(auditspan: Auditspan) -> None:
    """Place, key and what was meant; exit code 2."""
    Path("c.yaml").write_text("receivers:\n  otlp:\n    grcp: {}\n")
    ran = auditspan("config", "check", "c.yaml")
    assert ran.code == 2
    assert "c.yaml:3:5: receivers.otlp.grcp" in ran.err and "did you mean 'grpc'" in ran.err
    assert auditspan("up", "--config", "c.yaml").code == 2
    assert auditspan("config", "check", "absent.yaml").code == 2


def test_what_is_kept_for_less_than_a_preset_asks_is_told(auditspan: Auditspan) -> None:
    """Refused without a reason; with one it is valid, and the reason is shown."""
    short = "processors: {retention: {presets: [hipaa], days: 400, below: {%s}}}\n"
    Path("c.yaml").write_text(short % "")
    refused = auditspan("config", "check", "c.yaml")
    assert refused.code == 2
    assert "hipaa asks for 2192" in refused.err and "below.default" in refused.err
    Path("c.yaml").write_text(short % "default: by contract 7")
    passed = auditspan("config", "check", "c.yaml")
    assert passed.code == 0
    assert "hipaa asks for 2192" in passed.err and "by contract 7" in passed.err


def test_what_holds_includes_the_environment(
    auditspan: Auditspan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment goes before the defaults."""
    monkeypatch.setenv("AUDITSPAN_CONFIG__SERVICE__LOG_LEVEL", "debug")
    assert yaml.safe_load(auditspan("config", "show").out)["service"]["log_level"] == "debug"


def test_what_stands_where_the_engine_listens_is_told_at_the_start(
    auditspan: Auditspan, tmp_path: Path
) -> None:
    """Not once the ports are open, by an engine that is started again and again."""
    place = prepare(tmp_path / "data").socket
    place.mkdir()
    ran = auditspan("up", "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"auditspan: {place} is a folder: expected the engine's socket, or nothing; move it away\n"
    )


def test_a_collector_says_where_it_listens_and_what_to_try() -> None:
    """Addresses, the file of the token and not the token, the next command."""
    said = words(Path("other"), {"http": "http://127.0.0.1:4318", "query": "http://127.0.0.1:8123"})
    assert "OTLP over HTTP            http://127.0.0.1:4318" in said
    assert "other/secrets/operator.token" in said
    assert "auditspan search --data other" in said
