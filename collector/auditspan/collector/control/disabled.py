"""`disabled.yaml` of a bundle: the agents that may do nothing by order, whatever their entry says.

It is written by `auditspan agents disable`, so that the texts in force always say who is disabled.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from auditspan.registry import Bundle
from auditspan.registry.documents import read
from auditspan.registry.members import Disabled

FILE: Final = "disabled.yaml"
_HEAD: Final = (
    "# By `auditspan agents disable`; `auditspan agents enable` proposes the end of it.\n"
)


def disabled_agents(bundle: Bundle) -> tuple[str, ...]:
    """The ids that stand in a valid bundle's file."""
    documents, _ = read(FILE, bundle.files.get(FILE, ""))
    return Disabled.model_validate(documents[0].value).agents if documents else ()


def with_disabled(bundle: Bundle, agents: Iterable[str]) -> Bundle:
    """The bundle with exactly these agents disabled by order; its other texts stay as they are."""
    listed = sorted(set(agents))
    files = {path: text for path, text in bundle.files.items() if path != FILE}
    if listed:
        lines = "".join(f'  - "{agent}"\n' for agent in listed)
        files[FILE] = f"{_HEAD}agents:\n{lines}"
    return Bundle(MappingProxyType(dict(sorted(files.items()))))


def undisabled(bundle: Bundle) -> Bundle:
    """The bundle as it stands without the order."""
    return with_disabled(bundle, ()) if FILE in bundle.files else bundle
