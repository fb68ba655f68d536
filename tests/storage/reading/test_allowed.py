"""The lists say what the engine knows, and nothing in them reaches outside."""

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.allowed import functions, lists
from auditspan.storage.reading.settings import settings_of
from auditspan.storage.reading.types import check_type


def _names(store: Engine, sql: str) -> set[str]:
    return set(store.raw(sql, "TSVRaw").decode().split("\n")) - {""}


def test_case_makes_no_function_callable(store: Engine) -> None:
    """Names are compared without case, so none that is refused may differ in case alone."""
    known = _names(store, "SELECT name FROM system.functions")
    allowed = {name for name in known if functions().callable(name)}
    by_case: dict[str, set[str]] = {}
    for name in known:
        by_case.setdefault(name.lower(), set()).add(name)
    canonical = {
        line.partition("\t")[0]: line.partition("\t")[2]
        for line in _names(store, "SELECT name, alias_to FROM system.functions")
    }
    for names in by_case.values():
        meant = {canonical[name] or name for name in names & allowed}
        assert len({name.lower() for name in meant}) <= 1, names


def test_an_alias_of_a_function_is_no_way_to_one_that_is_refused(store: Engine) -> None:
    """What a callable name stands for is callable by its own name too."""
    pairs = _names(store, "SELECT name, alias_to FROM system.functions WHERE alias_to != ''")
    for line in pairs:
        name, _, meant = line.partition("\t")
        if functions().callable(name):
            assert functions().callable(meant), line


@pytest.mark.parametrize(
    "name",
    [
        *("file", "url", "sleep", "getSetting", "getServerSetting", "hostName", "currentUser"),
        *("dictGet", "dictGetString", "dictHas", "joinGet", "in", "nullIn", "globalIn", "lambda"),
        *("initializeAggregation", "finalizeAggregation", "arrayReduce", "evalMLMethod", "throwIf"),
        *("catboostEvaluate", "demangle", "addressToLine", "getMacro", "fuzzQuery", "chdb"),
        *("uniqState", "sumMerge", "uniqSimpleState", "sumStateIf", "sumIfState", "aiGenerate"),
        *(
            "_CAST",
            "__getScalar",
            "getClientHTTPHeader",
            "showCertificate",
            "reinterpret",
            "exists",
        ),
    ],
)
def test_what_may_not_be_called(name: str) -> None:
    """By any spelling."""
    assert not functions().callable(name)
    assert not functions().callable(name.upper())


def test_functions_of_the_list_are_functions_of_the_engine(store: Engine) -> None:
    """So that a slip of the pen is seen."""
    known = {name.lower() for name in _names(store, "SELECT name FROM system.functions")}
    ours = functions().plain | functions().aggregates | functions().windows
    # The engine's parser knows these, and has no function of that name.
    parsed = {
        *("date_add", "date_sub", "dateadd", "datesub", "timestamp_add", "timestamp_sub"),
        *("timestampadd", "timestampsub", "grouping", "untuple"),
    }
    assert ours - known - parsed <= {"uniqtheta"}, "not chDB's"


def test_formats_types_and_settings_of_the_lists_are_the_engines(store: Engine) -> None:
    """Each by its own spelling."""
    formats = _names(store, "SELECT name FROM system.formats WHERE is_output")
    assert set(lists().formats.values()) <= formats
    types = {name.lower() for name in _names(store, "SELECT name FROM system.data_type_families")}
    assert set(lists().types) - types <= {"boolean"}
    settings = _names(store, "SELECT name FROM system.settings")
    assert set(lists().settings) <= settings


@pytest.mark.parametrize(
    "text",
    [
        *("String", "uint8", "DateTime64(9, 'UTC')", "Array(Nullable(Int32))", "Decimal(10, 2)"),
        *("Map(LowCardinality(String), Array(UInt64))", "Enum8('a' = 1, 'b' = -2)"),
        *("Tuple(a String, b Tuple(UInt8, UInt8))", "FixedString(16)"),
    ],
)
def test_types_that_may_be_named(text: str) -> None:
    """Nested ones too."""
    check_type(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "AggregateFunction(sum, UInt8)",
            "Array(AggregateFunction(sum, UInt8))",
            "Nested(a X)",
        ),
        *(
            "Object('json')",
            "Dynamic",
            "String String",
            "Array(String",
            "Array(String))",
            "1",
            "'x'",
        ),
        *("Tuple(a SimpleAggregateFunction(sum, UInt8))", "String; DROP", "Array(,)", "Array"[:3]),
    ],
)
def test_types_that_may_not_be_named(text: str) -> None:
    """What would read bytes as a state, or is no type at all."""
    with pytest.raises(StatementRefused):
        check_type(text)


def test_caps_are_lowered_and_never_raised() -> None:
    """0 means without limit to the engine, which is the cap here."""
    caps = {"max_execution_time": 60, "max_threads": 2}
    made = settings_of({"max_execution_time": "5"}, {"max_threads": "64"}, caps)
    assert made == {"max_execution_time": 5, "max_threads": 2}
    assert settings_of({"max_execution_time": "0"}, {}, caps)["max_execution_time"] == 60


def test_what_clients_send_along_means_nothing_and_is_no_error() -> None:
    """Beside the statement; within it, it was meant."""
    assert settings_of({"readonly": "0", "query_id": "x", "role": "admin"}, {}, {}) == {}
    with pytest.raises(StatementRefused, match="setting readonly: readers may not set it"):
        settings_of({}, {"readonly": "0"}, {})


def test_settings_of_every_kind() -> None:
    """Words, switches, numbers, time zones."""
    asked = {"date_time_output_format": "iso", "extremes": "true", "limit": "5"}
    made = settings_of(asked, {"session_timezone": "Europe/Berlin"}, {})
    assert made == {**asked, "extremes": 1, "limit": 5, "session_timezone": "Europe/Berlin"}
