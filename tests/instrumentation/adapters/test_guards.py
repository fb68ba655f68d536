"""Guards are armed, put in at import, taken away, and never missing in silence."""

import asyncio
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.instrumentation.adapters.coverage import instrument
from auditspan.instrumentation.adapters.guards import Guards
from auditspan.instrumentation.errors import GuardMissing
from tests.instrumentation.adapters.library import OTHER, adapter, install
from tests.instrumentation.recorded import running, written
from tests.instrumentation.test_guard import registry


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The small framework, installed and not imported."""
    install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    while _MADE:
        _MADE.pop().uninstrument()
    for name in [name for name in sys.modules if name.startswith(("small_", "other_"))]:
        del sys.modules[name]


_MADE: list[Guards] = []


def made(**changes: str) -> Guards:
    _MADE.append(Guards((adapter(**changes),), lambda: (OTHER,)))
    return _MADE[-1]


def test_a_guard_is_armed_then_put_in(tmp_path: Path) -> None:
    """Nothing is imported for it; each function is guarded once the agent imports it."""
    guards = made()
    with running(tmp_path):
        small, other = guards.instrument()
        assert (small.state, small.version, other.state) == ("armed", "1.2", "absent")
        assert "small_framework" not in sys.modules
        runner = importlib.import_module("small_framework.tools").Runner()
        assert guards.states[0].state == "patched"
        assert runner.run("a", x=1) == {"ran": "a", "x": 1}
        assert asyncio.run(runner.arun("b")) == {"ran": "b"}
        assert runner.ask("c") == {"asked": "c"}
    assert [span.name for span in written(tmp_path)] == [
        "execute_tool a",
        "execute_tool b",
        "execute_tool c",
    ]


def test_a_library_that_is_imported_already_is_guarded(tmp_path: Path) -> None:
    """`instrument` may be called late."""
    runner = importlib.import_module("small_framework.tools").Runner()
    guards = made()
    with running(tmp_path):
        guards.instrument()
        runner.run("a")
    assert len(written(tmp_path)) == 1


def test_taken_away_and_put_back(tmp_path: Path) -> None:
    """The functions are what they were, inherited ones too; a second time changes nothing."""
    library = importlib.import_module("small_framework.tools")
    before = dict(vars(library.Runner))
    guards = made()
    with running(tmp_path):
        guards.instrument()
        guards.instrument()
        bound = library.Runner().run
        guards.uninstrument()
        assert dict(vars(library.Runner)) == before
        bound("a")
        assert guards.states == ()
        guards.instrument()
        library.Runner().run("b")
    assert [span.name for span in written(tmp_path)] == ["execute_tool b"]


@pytest.mark.parametrize("by_reload", [True, False])
def test_what_is_loaded_again_is_guarded_again(tmp_path: Path, by_reload: bool) -> None:
    """Once each time, and also after the guards were taken away and put back."""
    guards = made()
    with running(tmp_path):
        guards.instrument()
        library = importlib.import_module("small_framework.tools")
        for name in ("a", "b"):
            if by_reload:
                library = importlib.reload(library)
            else:
                del sys.modules["small_framework.tools"]
                library = importlib.import_module("small_framework.tools")
            library.Runner().run(name)
        guards.uninstrument()
        library = importlib.reload(library)
        library.Runner().run("c")
        guards.instrument()
        library.Runner().run("d")
        assert guards.states[0].state == "patched"
    assert inspect.getsource(library)
    assert [span.name[-1] for span in written(tmp_path)] == ["a", "b", "d"]


def test_a_wrapper_of_somebody_else_stays(tmp_path: Path) -> None:
    """What was put around our guard is not thrown away with it; our part does nothing then."""
    library = importlib.import_module("small_framework.tools")
    guards = made()
    with running(tmp_path):
        guards.instrument()
        inner = library.Runner.run
        library.Runner.run = lambda self, tool: {"outer": inner(self, tool)}
        guards.uninstrument()
        assert library.Runner().run("a") == {"outer": {"ran": "a"}}
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("attribute", "problem"),
    [
        ("Runner.moved", ""),
        ("Gone.run", "small_framework.tools has no Gone.run"),
        ("gone", "small_framework.tools has no gone"),
    ],
)
def test_a_function_that_moved_is_told(tmp_path: Path, attribute: str, problem: str) -> None:
    """At the start from the source; what a base may have, at the import. Both are recorded."""
    guards = made(attribute=attribute)
    with running(tmp_path) as found:
        small = instrument(found, guards)[0]
        assert (small.state, small.problem) == ("missing" if problem else "armed", problem)
        runner = importlib.import_module("small_framework.tools").Runner()
        assert guards.states[0].state == "missing"
        asyncio.run(runner.arun("other function"))
    *_, told, call = written(tmp_path)
    assert (told.name, call.name) == ("auditspan.coverage", "execute_tool other function")
    listed = told.text("audit.coverage.unguarded_frameworks")
    assert "small 1.2: " in listed
    assert attribute in listed


def test_nothing_starts_unguarded_if_so_asked(tmp_path: Path) -> None:
    """A function that moved stops the start; one that only an import can tell of, the import."""
    with running(tmp_path, AUDITSPAN_REQUIRE_GUARD="true") as found:
        with pytest.raises(GuardMissing, match=r"small 1.2: small_framework.tools has no gone"):
            instrument(found, made(attribute="gone"))
        instrument(found, made(attribute="Runner.moved"))
        with pytest.raises(ImportError, match=r"small 1.2: .*Runner.moved"):
            importlib.import_module("small_framework.tools")


def test_a_framework_without_an_adapter_is_told_when_it_is_used(tmp_path: Path) -> None:
    """Installed is not used; imported is, and then it is recorded, or the import fails."""
    install(tmp_path / "site", "other_framework", "3.0")
    guards = made()
    with running(tmp_path) as found:
        assert instrument(found, guards)[1].state == "no_adapter"
        assert written(tmp_path) == []
        importlib.import_module("other_framework")
        assert guards.states[1].state == "unguarded"
    assert written(tmp_path)[-1].attributes["audit.coverage.unguarded_frameworks"] == [
        "other 3.0: there is no adapter for it"
    ]


def test_what_is_left_out_is_recorded_so(tmp_path: Path) -> None:
    """A disabled adapter guards nothing, and is not missing."""
    guards = made()
    environ = registry(tmp_path) | {
        "AUDITSPAN_DISABLED_ADAPTERS": "Small, other",
        "AUDITSPAN_REQUIRE_GUARD": "true",
    }
    with running(tmp_path, **environ) as found:
        assert [state.state for state in instrument(found, guards)] == ["disabled", "absent"]
        importlib.import_module("small_framework.tools").Runner().run("a")
    [told] = written(tmp_path)
    assert told.attributes["audit.coverage.disabled_frameworks"] == ["small 1.2"]
    assert told.attributes["audit.guard.mode"] == "enforce"
    assert told.attributes["audit.guard.fail_mode"] == "closed"


def test_another_version_is_guarded_and_told(tmp_path: Path) -> None:
    """A guard that was not tested with a version is better than none."""
    small = made(tested="<1").instrument()[0]
    assert (small.guarded, small.problem) == (True, "not tested with this version, but with <1")


def test_a_version_that_calls_no_tools_is_not_missing(tmp_path: Path) -> None:
    """A client library may have got its tool runner late: agents with an older one start."""
    guards = made(calls_tools=">=2", attribute="gone")
    with running(tmp_path, AUDITSPAN_REQUIRE_GUARD="true") as found:
        small = instrument(found, guards)[0]
        importlib.import_module("small_framework.tools").Runner().run("a")
        assert (small.state, guards.states[0].state) == ("absent", "absent")
    assert [span.name for span in written(tmp_path)] == []
