"""The guard of openai is put in and taken away; what it says of versions without a runner."""

from pathlib import Path

import pytest
from openai.lib import responses_tool_runner as runner

from auditspan.instrumentation.adapters import installed, openai
from auditspan.instrumentation.adapters.guards import Guards
from tests.instrumentation.recorded import running


def test_what_was_there_is_put_back(tmp_path: Path) -> None:
    """Both functions are guarded, then they are what they were."""
    classes = (runner.ResponsesToolRunner, runner.AsyncResponsesToolRunner)
    former = [vars(each)["_execute_function"] for each in classes]
    guards = Guards((openai.ADAPTER,), lambda: ())
    with running(tmp_path):
        [state] = guards.instrument()
        assert state.guarded
        # A wrapper equals what it wraps.
        assert all(
            vars(each)["_execute_function"] is not f
            for each, f in zip(classes, former, strict=True)
        )
        guards.uninstrument()
    assert all(
        vars(each)["_execute_function"] is f for each, f in zip(classes, former, strict=True)
    )


@pytest.mark.parametrize(("version", "state"), [("2.54.0", "absent"), ("3.57.0", "armed")])
def test_versions_without_a_runner_need_no_guard(
    version: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other libraries pin them: nothing is missing there."""
    monkeypatch.setattr(installed, "version", lambda distribution: version)
    assert installed.state_of(openai.ADAPTER, frozenset()).state == state
