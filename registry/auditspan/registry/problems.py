"""A model's complaint as a problem that says where it stands and what to write instead."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from auditspan.registry.documents import Document, Path
from auditspan.registry.errors import Problem


def from_validation(
    error: ValidationError, model: type[BaseModel], document: Document, base: Path
) -> Iterator[Problem]:
    """One problem per complaint, at the line of the key."""
    for details in error.errors(include_url=False):
        yield document.problem((*base, *details["loc"]), _message(details, model))


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for a close word, else the words that would do."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; expected one of {', '.join(words[:30])}" if words else ""


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, loc = details["type"], details["input"], details["loc"]
    if kind == "extra_forbidden":
        return f"unknown key {loc[-1]!r}" + nearest(str(loc[-1]), _keys(model, loc[:-1]))
    if kind == "missing":
        return f"{loc[-1]!r} is missing: {_described(model, loc)}"
    if kind == "literal_error":
        words = details["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"is {value!r}" + nearest(str(value), words)
    if kind == "string_type":
        return f"is {_short(value)}, expected text; put it in quotes"
    message = details["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message
    return f"is {_short(value)}: {message[:1].lower()}{message[1:]}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _keys(model: type[BaseModel], loc: Path) -> Iterable[str]:
    found = _model_at(model, loc)
    return found.model_fields if found else ()


def _described(model: type[BaseModel], loc: Path) -> str:
    found = _model_at(model, loc[:-1])
    field = found.model_fields.get(str(loc[-1])) if found else None
    text = (field.description or "") if field else ""
    return (text[:1].lower() + text[1:]).rstrip(".")


def _model_at(model: type[BaseModel], loc: Path) -> type[BaseModel] | None:
    here: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, int) or here is None:
            continue
        field = here.model_fields.get(step)
        here = _inside(field.annotation) if field else None
    return here


def _inside(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation such as `tuple[Approval, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inside(part))), None)
