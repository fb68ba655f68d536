"""A column that is added later reads as its type's default in old records, and must be left out."""

from pathlib import Path

import pytest

from auditspan.semconv.columns import GROUPS, PHYSICAL
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.sealing.values import value

SEALED = {name for group in GROUPS for name in group.columns}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An empty one."""
    return open_embedded(tmp_path_factory.mktemp("defaults"))


def test_the_default_of_a_type_is_left_out_of_digests(engine: Engine) -> None:
    """Of `Date32` it is not, 1900-01-01: such a column could not be added; the one there is was
    there when sealing began.
    """
    wrong = []
    for column in PHYSICAL:
        kind = column.type.replace("'", "\\'")
        inner = f"SELECT defaultValueOfTypeName('{kind}') AS `{column.name}`"
        if column.name in SEALED:
            text = engine.raw(f"SELECT {value(column.name, column.type)} FROM ({inner})", "TSVRaw")
            wrong += [column.name] if text != b"\n" else []
    engine.close()
    assert wrong == ["ExpiresOn"]


def test_what_a_fixed_width_keeps_and_loses(tmp_path: Path) -> None:
    """Facts about the engine that statements rely on: bytes at the end that are zero."""
    facts = {
        "hex(toFixedString('a', 2))": "6100",
        "hex(concat('', toFixedString('a', 2)))": "6100",
        "hex(substring(toFixedString('a', 3), 1, 2))": "6100",
        "hex(SHA256(concat('', toFixedString('a', 2)))) = hex(SHA256('a\\0'))": "1",
        "hex(reverse(reinterpretAsFixedString(toUInt32(256))))": "00000100",
        "hex(char(0))": "00",
        # These two cut: neither may stand in a digest.
        "hex(toString(toFixedString('a', 2)))": "61",
        "hex(concat(toFixedString('a', 2)))": "61",
    }
    engine = open_embedded(tmp_path / "store")
    found = {fact: engine.raw(f"SELECT {fact}", "TSVRaw").decode().strip() for fact in facts}
    engine.close()
    assert found == facts
