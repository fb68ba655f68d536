"""The generated pages are those of the code."""

import subprocess
import sys
from pathlib import Path

from auditspan.reports.cookbook import cookbook_markdown
from auditspan.reports.questions import questions

ROOT = Path(__file__).parents[2]


def test_the_generated_pages_are_up_to_date() -> None:
    """Generating them again changes nothing."""
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_cookbook_has_every_question_as_it_is_run() -> None:
    """The text on the page is the text that is executed."""
    page = cookbook_markdown()
    for one in questions():
        assert f"```sql\n{one.sql}\n```" in page
        assert f"auditspan ask {one.name}" in page
