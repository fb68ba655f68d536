"""What a test puts beside an agent to do harm, through OpenTelemetry's entry points.

Each is a distribution in a folder for PYTHONPATH, with what pip would write about it.
"""

from pathlib import Path

CRASHING = """
raise RuntimeError("this instrumentation does not load")
"""
"""Stops the loader of instrumentations, and all that come after it."""

BREAKING = """
from auditspan.policy import PolicySet

def break_decisions():
    def decide(self, request):
        raise OSError("the policies went away")

    PolicySet.decide = decide
"""
"""Makes every decision raise, once the agent has started with policies that were in order."""


def crashing(folder: Path) -> Path:
    """An instrumentation that raises when it is loaded."""
    return _install(folder, "crashing", "[opentelemetry_instrumentor]\na = crashing:It\n", CRASHING)


def breaking(folder: Path) -> Path:
    """A program beside ours that takes the policies away after the start."""
    points = "[opentelemetry_post_instrument]\nz = breaking:break_decisions\n"
    return _install(folder, "breaking", points, BREAKING)


def _install(folder: Path, name: str, entry_points: str, code: str) -> Path:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    (folder / f"{name}.py").write_text(code)
    return folder
