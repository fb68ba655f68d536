"""Strict validation: every policy is proved well-typed for each tool it can apply to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

import cedarpy

from auditspan.policy.arguments import ArgumentType
from auditspan.policy.errors import Problem
from auditspan.policy.facts import known
from auditspan.policy.request import ToolLike
from auditspan.policy.rules import Rule, read_rule
from auditspan.policy.schema import schema
from auditspan.policy.text import located, statements

_NOTHING = ArgumentType("Record")


def read(
    sources: Mapping[str, str], tools: Mapping[str, ToolLike], types: Mapping[str, ArgumentType]
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules of some texts, and everything that is wrong with them."""
    found = [
        read_rule(statement)
        for file, source in sorted(sources.items())
        for statement in statements(file, source)
    ]
    rules = tuple(item for item in found if isinstance(item, Rule))
    problems = [item for item in found if isinstance(item, Problem)]
    problems += _repeated(rules)
    problems += (ill_typed := list(_ill_typed(rules, tools, types)))
    lines = {(problem.file, problem.line) for problem in ill_typed}
    for rule in rules:
        problems += [
            problem
            for problem in _misnamed(rule, tools, types)
            if (problem.file, problem.line) not in lines
        ]
    return rules, located(problems)


def _repeated(rules: Iterable[Rule]) -> Iterator[Problem]:
    first: dict[str, Rule] = {}
    for rule in rules:
        other = first.setdefault(rule.id, rule)
        if other is not rule:
            place = other.statement.problem("")
            message = f"@id {rule.id!r} is taken at {place.file}:{place.line}; take another"
            yield rule.statement.problem(message, rule.statement.find(rule.id))


def _ill_typed(
    rules: Iterable[Rule], tools: Mapping[str, ToolLike], types: Mapping[str, ArgumentType]
) -> Iterator[Problem]:
    """Validate each rule without arguments, and with those of each tool if it looks at them."""
    chosen: dict[str, list[Rule]] = defaultdict(list)
    schemas = {name: schema(type_) for name, type_ in types.items()}
    for rule in rules:
        own = _own_tool(rule)
        texts = {schemas[own]} if own in tools else {schema(_NOTHING)}
        if rule.arguments:
            texts |= {schemas[name] for name in _tools_of(rule, tools)}
        for text in texts:
            chosen[text].append(rule)
    for text, those in chosen.items():
        yield from _validated(those, text)


def _validated(rules: list[Rule], schema_text: str) -> Iterator[Problem]:
    text = "\n".join(rule.statement.text for rule in rules)
    for error in cedarpy.validate_policies(text, schema_text).errors:
        if not error.policy_id:
            raise ValueError(f"the generated schema is refused: {error.error}")
        rule = rules[int(error.policy_id.removeprefix("policy"))]
        message = error.error.removeprefix(f"for policy `{error.policy_id}`, ")
        yield rule.statement.problem(message, rule.statement.find_any(message))


def _misnamed(
    rule: Rule, tools: Mapping[str, ToolLike], types: Mapping[str, ArgumentType]
) -> Iterator[Problem]:
    """Names that Cedar lets pass, behind `has` or as ids, and that nothing bears."""
    for name in sorted(rule.tools - tools.keys()) if tools else ():
        yield rule.statement.problem(
            f"no tool is called {name!r}{_hint(name, tools)}", rule.statement.find(name)
        )
    for attribute in sorted(rule.attributes):
        if not known(attribute):
            last = attribute.rpartition(".")[2]
            yield rule.statement.problem(f"there is no {attribute}", rule.statement.find(last))
    own = [types[name] for name in _tools_of(rule, tools)]
    for path in sorted(rule.arguments):
        if not any(type_.at(path) for type_ in own):
            known_names = {name for type_ in own for name in type_.fields}
            where = ".".join(path)
            yield rule.statement.problem(
                f"no tool of this policy has an argument {where!r} of a type that policies can "
                f"read{_hint(where, known_names)}",
                rule.statement.find(path[-1]) if path else None,
            )


def _own_tool(rule: Rule) -> str:
    """The one tool that a rule is scoped to, "" if there is none."""
    entity = rule.resource.get("entity")
    if isinstance(entity, Mapping) and entity.get("type") == "Tool":
        return str(entity.get("id"))
    return ""


def _tools_of(rule: Rule, tools: Mapping[str, ToolLike]) -> list[str]:
    """The tools of the catalogue that a rule can apply to."""
    if not rule.admits("execute_tool"):
        return []
    return [name for name, tool in tools.items() if rule.admits_resource("Tool", name, tool.server)]


def _hint(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
