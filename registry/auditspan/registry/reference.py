"""The reference of the registry's files: a table per kind, from the models themselves."""

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from auditspan.registry.bundle import KINDS, ROOTS


def fields_markdown() -> str:
    """One table of keys per kind of entry."""
    parts = []
    titles = {f"{folder}/*.yaml": model for folder, model in KINDS.items()}
    for title, model in {**titles, **ROOTS}.items():
        rows = [f"| `{name}` | {kind} | {text} |" for name, kind, text in _rows(model, "")]
        head = f"### `{title}`\n\n| Key | Needed | Meaning |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        inner, listed = _nested(field.annotation)
        path = f"{prefix}{name}" + ("[]" if listed and inner else "")
        text = (field.description or "").replace("|", "\\|")
        yield path, "yes" if field.is_required() else _default(field), text
        if inner:
            yield from _rows(inner, f"{path}.")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return f"`{value}`" if isinstance(value, str) and value else "no"


def _nested(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation, and whether there is a list of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in get_args(annotation):
        inner, _ = _nested(part)
        if inner:
            return inner, "tuple" in str(annotation)
    return None, False
