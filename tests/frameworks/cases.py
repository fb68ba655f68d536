"""What must hold of every adapter: each case runs real agents and raises AssertionError if not."""

import dataclasses
import json
from collections.abc import Callable

from tests.frameworks import distributions
from tests.frameworks.agent_run import ARGUMENTS, REASON, Run, Setting, run
from tests.frameworks.models.turn import FINAL
from tests.instrumentation.sink import Received


def denied(setting: Setting) -> None:
    """The body does not run, the agent lives, the model has the reason, there is one record."""
    _refused(run(setting, "delete_booking"), "never-delete", REASON)


def allowed(setting: Setting) -> None:
    """The model has what it has without a guard, and one record tells arguments and result."""
    plain, guarded = _both(setting, "read_booking")
    assert _visible(guarded) == _visible(plain), f"{guarded}\n=== without a guard\n{plain}"
    assert guarded.ran == ("read_booking b-7",), guarded
    assert FINAL in guarded.out, guarded
    record = _one(guarded, "read_booking", "success")
    assert "two nights in Lyon" in record.text("gen_ai.tool.call.result"), guarded
    assert record.text("audit.guard.outcome") == "allow", guarded


def raises(setting: Setting) -> None:
    """A tool's exception goes where it goes without a guard, and the record is a failure."""
    plain, guarded = _both(setting, "break_booking")
    assert _visible(guarded) == _visible(plain), f"{guarded}\n=== without a guard\n{plain}"
    record = _one(guarded, "break_booking", "failure")
    assert record.text("error.type"), guarded


def undecided_closed(setting: Setting) -> None:
    """The policies cannot be asked: nothing runs, and the model is told."""
    beside = (distributions.breaking(setting.folder / "site"),)
    done = run(dataclasses.replace(setting, beside=beside), "read_booking")
    _refused(done, "guard-unavailable", "the policies could not be asked")


def undecided_open(setting: Setting) -> None:
    """The policies cannot be asked: the call runs, and is recorded without a decision."""
    beside = (distributions.breaking(setting.folder / "site"),)
    done = run(dataclasses.replace(setting, beside=beside, fail="open"), "read_booking")
    assert (done.code, done.ran) == (0, ("read_booking b-7",)), done
    record = _one(done, "read_booking", "success")
    assert "audit.guard.outcome" not in record.attributes, done
    assert "the policies went away" in done.err, done


def another_crashes(setting: Setting) -> None:
    """Another instrumentation raises when it is loaded: the guard is there all the same."""
    beside = (distributions.crashing(setting.folder / "site"),)
    done = run(dataclasses.replace(setting, beside=beside), "delete_booking")
    assert "this instrumentation does not load" in done.err, done
    _refused(done, "never-delete", REASON)


Case = Callable[[Setting], None]
TOOLS: dict[str, Case] = {"denied": denied, "allowed": allowed, "tool raises": raises}
"""These run for every variant."""
PROCESS: dict[str, Case] = {
    "no decision, closed": undecided_closed,
    "no decision, open": undecided_open,
    "other one crashes": another_crashes,
}
"""These are about the process, and run for the first variant."""


def cases_of(first: bool) -> dict[str, Case]:
    """Those of a variant."""
    return TOOLS | PROCESS if first else TOOLS


def _refused(done: Run, rule: str, reason: str) -> None:
    assert done.ran == (), done
    assert done.code == 0, done
    assert FINAL in done.out, done
    assert len(done.told) == 1, done
    assert reason in done.told[0], done
    assert len(done.records) == 1, done
    [record] = done.records
    assert record.text("audit.outcome") == "denied", done
    assert record.attributes["audit.guard.rule.ids"] == [rule], done
    assert _arguments(record) == ARGUMENTS, done


def _both(setting: Setting, tool: str) -> tuple[Run, Run]:
    plain = dataclasses.replace(setting.within("plain"), guarded=False)
    return run(plain, tool), run(setting.within("guarded"), tool)


def _visible(done: Run) -> tuple[object, ...]:
    """What the agent's user and its model see."""
    return done.code, done.out, done.told, done.asked, done.ran


def _one(done: Run, tool: str, outcome: str) -> Received:
    assert len(done.records) == 1, done
    [record] = done.records
    assert record.text("gen_ai.tool.name") == tool, done
    assert record.text("audit.outcome") == outcome, done
    assert _arguments(record) == ARGUMENTS, done
    return record


def _arguments(record: Received) -> object:
    return json.loads(record.text("gen_ai.tool.call.arguments"))
