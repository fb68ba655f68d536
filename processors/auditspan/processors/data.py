"""The data files of this folder, which are read by name and once."""

from functools import cache
from importlib.resources import files
from typing import cast

import yaml


@cache
def data_file(name: str) -> dict[str, object]:
    """A YAML file beside this module."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return cast(dict[str, object], yaml.safe_load(text))
