"""A registry folder that changes under an agent."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.policies import LOOK_EVERY, Policies

POLICY = '@id("no")\nforbid(principal, action, resource);\n'


def link_to_itself(folder: Path) -> None:
    (folder / "policies" / "loop.cedar").symlink_to("loop.cedar")


def lose_its_policies(folder: Path) -> None:
    shutil.rmtree(folder / "policies")


def break_off(folder: Path) -> None:
    (folder / "policies" / "no.cedar").write_bytes(b"forbid(princ\xff")


def become_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def become_a_loop(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder)


@pytest.mark.parametrize(
    "happens",
    [shutil.rmtree, link_to_itself, lose_its_policies, break_off, become_a_file, become_a_loop],
)
def test_a_folder_that_is_no_registry_any_more_leaves_the_former_in_force(
    tmp_path: Path, happens: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Also one that is empty for a moment; what it says afterwards is in force again."""
    now = [0.0]
    folder = tmp_path / "registry"
    policies = Policies(folder, lambda: now[0])
    with pytest.raises(PoliciesUnusable):
        policies.loaded()
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "no.cedar").write_text(POLICY)
    former = policies.loaded()
    happens(folder)
    now[0] += LOOK_EVERY
    assert policies.loaded() is former
    assert "stays in force" in caplog.text
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "no.cedar").write_text(POLICY + "// again\n")
    now[0] += LOOK_EVERY
    assert policies.loaded() is not former
