"""Any text as configuration: it is one, or the place of what is wrong is said."""

import re
from pathlib import Path

from auditspan.collector.config import CollectorConfig, load
from auditspan.collector.errors import ConfigInvalid
from tests.fuzz.driving import corpus, drive


def test_any_text_is_a_configuration_or_refused_with_a_line(tmp_path: Path) -> None:
    """Nothing else is raised; bytes that are no text have no line."""
    path = tmp_path / "auditspan.yaml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        try:
            assert isinstance(load(path, {}), CollectorConfig)
        except ConfigInvalid as error:
            for line in str(error).splitlines():
                assert re.match(rf"{re.escape(str(path))}(:\d+:\d+)?: .", line), error

    print(f"config: {drive(check, corpus('config'), 300)} files")


def test_any_environment_is_a_configuration_or_refused() -> None:
    """Names and values of variables."""

    def check(data: bytes) -> None:
        name, _, value = data.decode("utf-8", "replace").replace("\0", "").partition("=")
        try:
            load(None, {f"AUDITSPAN_{name}": value})
        except ConfigInvalid as error:
            assert str(error)

    print(f"config: {drive(check, corpus('environment'), 200)} variables")
