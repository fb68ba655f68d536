"""Writes the pages that follow from code and data: SQL cookbook, configuration reference, and the
table of roles in the page about them.

python docs/generate.py           write them
python docs/generate.py --check   say which differ; exit code 1 if any does
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from auditspan.cli.config_commands import as_yaml
from auditspan.collector.config import CollectorConfig
from auditspan.identity.roles import ALLOWED, MEANING, Action, Role
from auditspan.reports.cookbook import cookbook_markdown

DOCS = Path(__file__).parent

_CONFIGURATION = """\
# Configuration

<!-- Made by docs/generate.py from auditspan.collector.config; do not edit. -->

The collector runs without a configuration. `auditspan up --config FILE` reads one, in the shape of
the OpenTelemetry Collector's; `auditspan config check FILE` says what is wrong with one, and
`auditspan config show` prints the defaults.

An environment variable goes before the file, and names a key by its path:
`AUDITSPAN_CONFIG__RECEIVERS__OTLP__GRPC__ENDPOINT=127.0.0.1:5317`. Its value is read as YAML.
Secrets are files: a key that ends in `_file` takes a path, and no key takes a secret itself.
"""


def configuration_markdown() -> str:
    """The reference of every key, and the defaults as a file."""
    parts = [_CONFIGURATION]
    for name, field in CollectorConfig.model_fields.items():
        model = _model(field.annotation)
        assert model is not None, f"{name} is no section"
        parts += [f"## `{name}`\n\n{field.description or ''}\n", _table(model, "")]
    parts.append(f"## The defaults\n\n```yaml\n{as_yaml(CollectorConfig())}```\n")
    return "\n".join(parts)


def _table(model: type[BaseModel], prefix: str) -> str:
    rows = (f"| `{key}` | {default} | {text} |" for key, default, text in _rows(model, prefix))
    return "\n".join(("| Key | Default | Meaning |", "|---|---|---|", *rows, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        inner, path = _model(field.annotation), f"{prefix}{field.alias or name}"
        listed = inner is not None and "tuple[" in str(field.annotation)
        path += "[]" if listed else ""
        yield path, _default(field), _cell(field.description or "")
        if inner:
            yield from _rows(inner, f"{path}.")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple | frozenset):
        value = sorted(value) if isinstance(value, frozenset) else value
        value = ", ".join(map(str, value))
    return f"`{_cell(str(value).lower() if isinstance(value, bool) else str(value))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _model(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)


_BEGIN = "<!-- Made by docs/generate.py from auditspan.identity.roles; do not edit. -->\n"
_END = "<!-- Here ends what is made. -->\n"


def roles_markdown() -> str:
    """The page about roles with its table of roles and actions made anew."""
    before, _, rest = (DOCS / "roles.md").read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    return f"{before}{_BEGIN}\n{_matrix()}\n{_END}{after}"


def _matrix() -> str:
    roles = list(Role)
    lines = [f"| Action | Means | {' | '.join(roles)} |", f"|---|---|{':-:|' * len(roles)}"]
    for action in Action:
        cells = " | ".join("yes" if action in ALLOWED[role] else "–" for role in roles)
        lines.append(f"| `{action}` | {MEANING[action]} | {cells} |")
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "sql-cookbook.md": cookbook_markdown,
    "configuration.md": configuration_markdown,
    "roles.md": roles_markdown,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    made = {DOCS / name: make() for name, make in PAGES.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path}: differs from what is generated: run make docs")
        else:
            path.write_text(made[path])
            print(f"{path}: written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
