"""The configuration says what is wrong with it, and what is not written has its default."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from auditspan.collector.config import CollectorConfig, load
from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.messages import Start, decode, encode
from auditspan.collector.errors import ConfigInvalid


def written(tmp_path: Path, text: str) -> Path:
    """A configuration file."""
    path = tmp_path / "auditspan.yaml"
    path.write_text(text)
    return path


def refused(path: Path, environment: dict[str, str] | None = None) -> str:
    """What is said about a configuration that cannot be used."""
    with pytest.raises(ConfigInvalid) as error:
        load(path, environment or {})
    return str(error.value)


def test_nothing_written_is_a_configuration() -> None:
    """Defaults listen on this machine only."""
    config = load(None, {})
    assert config == CollectorConfig()
    assert config.receivers.otlp.grpc.endpoint.startswith("127.0.0.1:")


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """As is one that holds comments only."""
    assert load(written(tmp_path, "# later\n"), {}) == CollectorConfig()


def test_an_unknown_key_is_named_with_its_place(tmp_path: Path) -> None:
    """File, line, path and the key that was meant."""
    path = written(tmp_path, "receivers:\n  otlp:\n    grpc:\n      endpont: 127.0.0.1:1\n")
    said = refused(path)
    assert said.startswith(f"{path}:4:")
    assert "receivers.otlp.grpc.endpont" in said
    assert "did you mean 'endpoint'?" in said


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Not one for each start."""
    said = refused(written(tmp_path, "recievers: {}\nservice: {log_level: loud, apii: {}}\n"))
    assert len(said.splitlines()) == 3
    assert "did you mean 'receivers'?" in said and "did you mean 'api'?" in said


def test_a_wrong_type_says_what_was_found(tmp_path: Path) -> None:
    """And where."""
    said = refused(written(tmp_path, "service:\n  batch_hold_seconds: soon\n"))
    assert ":2:" in said and "service.batch_hold_seconds" in said and "'soon'" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", ""),
        ("- receivers\n", "expected sections, found list"),
        ("{}\n---\n{}\n", "expected one YAML document, found 2"),
        ("service: {calendar: {timezone: Mars/Olympus}}\n", "Mars/Olympus"),
        ("storage: {url: 'http://me:hunter2@host:8123'}\n", "user and password_file"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With the file's name, and never with a secret."""
    path = written(tmp_path, text)
    said = refused(path)
    assert str(path) in said or "http" in text
    assert words in said
    assert "hunter2" not in said


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    """Are told as such."""
    assert "cannot be read" in refused(tmp_path / "none.yaml")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(path)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    """Values are YAML, keys are paths, and sections beside them stay."""
    path = written(tmp_path, "service: {batch_hold_seconds: 5, log_level: debug}\n")
    config = load(
        path,
        {
            "AUDITSPAN_CONFIG__SERVICE__BATCH_HOLD_SECONDS": "7",
            "AUDITSPAN_CONFIG__RECEIVERS__OTLP__GRPC__ENDPOINT": "127.0.0.1:5317",
            "AUDITSPAN_CONFIG__PROCESSORS__POLICY__ENFORCED_AGENTS": "[a, b]",
            "AUDITSPAN_CONFIGURATION": "not ours",
        },
    )
    assert (config.service.batch_hold_seconds, config.service.log_level) == (7, "debug")
    assert config.receivers.otlp.grpc.endpoint == "127.0.0.1:5317"
    assert config.processors.policy.enforced_agents == ("a", "b")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AUDITSPAN_CONFIG__SERVICE__LOG_LEVEL", "[", "not YAML"),
        ("AUDITSPAN_CONFIG__SERVICE__LOG_LEVEL", "2026-13-45", "LOG_LEVEL: not YAML"),
        ("AUDITSPAN_CONFIG__SERVICE__LOGLEVEL", "info", "did you mean 'log_level'?"),
        ("AUDITSPAN_CONFIG__SERVICE__LOG_LEVEL__X", "1", "'log_level' is no section"),
        ("AUDITSPAN_CONFIG__", "1", "unknown key"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    """By its name or the path it stands for."""
    assert words in refused(written(tmp_path, "service: {log_level: info}\n"), {name: value})


def test_the_engine_gets_what_was_written(tmp_path: Path) -> None:
    """Over the pipe as JSON and back: tuples, paths and times are what they were."""
    text = """
        service:
          calendar: {opens: "08:30", closes: "18:00", days: [monday, friday], timezone: Asia/Tokyo}
          batch_hold_seconds: 3
        processors:
          policy: {enforced_agents: [x, y]}
    """
    config = load(written(tmp_path, text), {}).engine(tmp_path / "store")
    sent = config.model_dump(mode="json", exclude_unset=True)
    start = decode(encode(Start(str(tmp_path), sent, b"\x00\xff" * 16, {"keys": []}, "s")))
    assert isinstance(start, Start)
    assert EngineConfig.model_validate(start.config) == config
    assert start.hmac_key == b"\x00\xff" * 16
    assert config.storage.path == tmp_path / "store"


def test_the_engine_gets_a_server_with_its_files(tmp_path: Path) -> None:
    """A server instead of a path."""
    password = tmp_path / "password"
    text = f"storage: {{url: 'https://db:8443', password_file: {password}, ca_file: {password}}}\n"
    config = load(written(tmp_path, text), {}).engine(tmp_path / "store")
    again = EngineConfig.model_validate(config.model_dump(mode="json", exclude_unset=True))
    assert again == config
    assert (again.storage.path, again.storage.password_file) == (None, password)


def test_no_key_takes_a_secret() -> None:
    """Secrets are files, so a dump of the configuration can be shown to anybody."""
    for path, model in models(CollectorConfig):
        for name in model.model_fields:
            words = set(name.split("_"))
            if words & {"password", "secret", "token", "key"}:
                allowed = name.endswith("_file") or model.model_fields[name].annotation is not str
                assert allowed, f"{path}.{name}"


def test_every_key_is_explained() -> None:
    """A key without a text would be missing in the reference of the configuration."""
    bare = [
        f"{path}.{name}"
        for path, model in models(CollectorConfig)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []
    assert all(model.__doc__ for _, model in models(CollectorConfig))


def models(model: type[BaseModel], path: str = "config") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and all below it."""
    yield path, model
    for name, field in model.model_fields.items():
        for found in inner(field.annotation):
            yield from models(found, f"{path}.{name}")


def inner(annotation: object) -> Iterator[type[BaseModel]]:
    """Models inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from inner(part)
