"""What a program uses is told from its source."""

from pathlib import Path

import pytest

from auditspan.instrumentation.adapters.program import distributions_of
from auditspan.instrumentation.errors import ProgramUnreadable
from tests.instrumentation.adapters.library import install


def test_imports_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the program's own modules, into what distributions require, and nothing is run."""
    install(tmp_path / "site")
    install(tmp_path / "site", "other_framework")
    about = tmp_path / "site" / "other_framework-1.2.dist-info"
    (about / "top_level.txt").write_text("other_framework\n")
    with (about / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: Small.Framework>=1\n")
        metadata.write('Requires-Dist: never-asked; extra == "more"\n')
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    (tmp_path / "parts" / "tools.py").write_text("import other_framework.tools\nimport agent\n")
    program = tmp_path / "agent.py"
    program.write_text("def late():\n    from parts import tools\nraise SystemExit(1)\n")
    found = distributions_of(program)
    assert found["other-framework"] == found["small-framework"] == "other_framework.tools"
    assert "never-asked" not in found


@pytest.mark.parametrize("text", [b"def", b"\x00", b"\xff\xfe", None])
def test_what_is_no_program_is_refused(tmp_path: Path, text: bytes | None) -> None:
    """With its name, and why."""
    program = tmp_path / "agent.py"
    if text is not None:
        program.write_bytes(text)
    with pytest.raises(ProgramUnreadable, match=r"agent.py: cannot be read as a program: "):
        distributions_of(program)
