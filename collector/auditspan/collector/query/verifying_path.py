"""Where questions of a verification are asked, for those who answer and those who ask."""

from typing import Final
from urllib.parse import quote

ROOT: Final = "/v1/verification"


def path_of(name: str) -> str:
    """The path of a question."""
    return f"{ROOT}/{quote(name)}"
