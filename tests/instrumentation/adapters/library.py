"""A small framework that tests install in a folder, and an adapter for it."""

import json
from pathlib import Path

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.adapters.registry import Framework
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result

SOURCE = """
class Base:
    def ask(self, tool, **arguments):
        return {"asked": tool, **arguments}


class Runner(Base):
    def run(self, tool, **arguments):
        if arguments.get("fail"):
            raise ValueError("no such order")
        return {"ran": tool, **arguments}

    async def arun(self, tool, **arguments):
        return self.run(tool, **arguments)
"""
OTHER = Framework("other", "other-framework", "other_framework")


def install(folder: Path, name: str = "small_framework", version: str = "1.2") -> None:
    """Write the library and what pip would write about it."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "tools.py").write_text(SOURCE)
    distribution = name.replace("_", "-")
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n")


def describe(runner: object, tool: str, **arguments: object) -> Act:
    """The call as the guard sees it."""
    if tool == "unreadable":
        raise LookupError("the framework moved its tool")
    return Act("execute_tool", tool, json.dumps(arguments), framework="small")


def deny(denied: PolicyDenied, runner: object, tool: str, **arguments: object) -> object:
    """As the framework tells the model."""
    return {"refused": str(denied)}


def read(result: dict[str, object]) -> Result:
    """A result that tells of a failure."""
    return Result(result, "tool_error") if "wrong" in result else Result(result)


POINT = Chokepoint("small", describe, deny, read)


def adapter(**changes: str) -> Adapter:
    """For `Runner`; changes name another attribute, or other versions."""
    attribute = changes.get("attribute", "Runner.run")
    return Adapter(
        name="small",
        distribution="small-framework",
        tested=changes.get("tested", ">=1,<2"),
        calls_tools=changes.get("calls_tools", ""),
        targets=(
            Target("small_framework.tools", attribute, POINT.around),
            Target("small_framework.tools", "Runner.arun", POINT.around_async),
            Target("small_framework.tools", "Runner.ask", POINT.around),
            Target("small_framework.gone", "Runner.old", POINT.around, versions="<1"),
        ),
    )
