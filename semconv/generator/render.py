"""Every generated file as text. Nothing here depends on time, place or the order of a set."""

import json
from pathlib import Path

import yaml
from generator import dialects, reference, seals, tables
from generator.check import constant
from generator.load import Registry
from generator.model import Enumeration
from generator.sql import alias_line, column_line
from jinja2 import Environment, FileSystemLoader, StrictUndefined

PACKAGE = "semconv/auditspan/semconv"
MODULES = ("attributes", "columns", "ddl", "projections", "readers")


def outputs(registry: Registry, root: Path) -> dict[str, str]:
    """Path below the repository's root, and text, of every generated file."""
    physical, aliases = tables.physical(registry), tables.aliases(registry)
    words = dialects.read(root / PACKAGE / "dialects.yaml", registry)
    groups = tables.groups(registry)
    values = {
        "attributes": list(registry.attributes),
        "schema_version": schema_version(root / PACKAGE / "registry" / "manifest.yaml"),
        "enumerations": [a for a in registry.attributes if isinstance(a.type, Enumeration)],
        "physical": physical,
        "aliases": aliases,
        "groups": groups,
        "unsealed": registry.columns.unsealed,
        "asserted_by": tables.asserted_by(registry),
        "projections": tables.projections(registry),
        "readable": tables.readable_attributes(registry),
        "readers": registry.columns.readers,
        "physical_lines": [column_line(c.name, c.type) for c in physical],
        "alias_lines": [alias_line(c.name, c.type, c.expression) for c in aliases],
    }
    environment = _environment()
    made = {
        f"{PACKAGE}/{name}.py": excused(environment.get_template(f"{name}.py.j2").render(values))
        for name in MODULES
    }
    made[f"{PACKAGE}/dialects.json"] = dialects.as_json(words)
    made[seals.MODULE] = seals.module(physical, groups)
    old = (root / seals.VERIFIER).read_text(encoding="utf-8")
    made[seals.VERIFIER] = seals.verifier(old, physical, groups)
    made["docs/semconv.md"] = reference.page(environment, registry, [*physical, *aliases], words)
    return made


def schema_version(manifest: Path) -> str:
    """The version that the manifest's schema URL ends in (Weaver demands one)."""
    url: str = yaml.safe_load(manifest.read_text(encoding="utf-8"))["schema_url"]
    return url.rpartition("/")[2]


def _environment() -> Environment:
    environment = Environment(  # noqa: S701 (Python and Markdown, no HTML)
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"quoted": quoted, "constant": constant, "literal": literal}
    return environment


def excused(module: str) -> str:
    """The module with the one line that the linter needs, if it needs it."""
    codes = ["E501"] if any(len(line) > 100 for line in module.splitlines()) else []
    if "_TOKEN_" in module:  # names of tokens look like secrets to it
        codes.append("S105")
    return f"# ruff: noqa: {', '.join(codes)}\n{module}" if codes else module


def quoted(text: str) -> str:
    """A text as ruff writes it: double quotes unless that needs escapes."""
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def literal(words: tuple[str, ...]) -> str:
    """A tuple of texts."""
    inner = ", ".join(map(quoted, words))
    return f"({inner},)" if len(words) == 1 else f"({inner})"
