"""Who may not review a record: whoever had a part in it.

1. who sent it, and whom the agent acted for, with everybody in the delegation;
2. who approved the act before it was done;
3. of a change: who asked for it, and who consented;
4. the agent's owner, as the record says and as the registry in force says: owners answer for their
   agents and are asked by `auditspan recertify`, a review is for somebody else;
5. nobody with a key that one of these issued, or that somebody issued whose key they issued, since
   they have seen it; nor with one that does not say who issued it.

A name that an agent only claims counts in 1 to 4: it keeps away whom it names. In 5 it does not, or
an agent could keep all away whose keys one person issued, by claiming to act for that person.

The grantor of a grant may review what was done with it: a grant says what may be done, not that
this was done well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditspan.collector.control.errors import ControlForbidden
from auditspan.collector.control.identities import names_of, names_of_member, same
from auditspan.collector.control.two_persons import held_by
from auditspan.collector.query.lookups import RecordFacts
from auditspan.identity.api_keys import ApiKey
from auditspan.identity.caller import Caller
from auditspan.registry import Registry


@dataclass(frozen=True, slots=True)
class Part:
    """A part that somebody had in a record."""

    what: str
    """In words that end the sentence `they are …`."""
    names: tuple[str, ...]
    """By which the record or the registry calls them."""
    proved: bool = True
    """Whether more than an agent's claim says so."""


def check_independent(
    caller: Caller, facts: RecordFacts, registry: Registry | None, keys: Iterable[ApiKey]
) -> None:
    """Raises ControlForbidden if the caller had a part in the record."""
    own, who = names_of(caller, registry), caller.principal.id
    for part in parts(facts, registry):
        name = same(own, *part.names)
        if name:
            raise ControlForbidden(
                f"{who} may not review record {facts.record_id}: they are {part.what} ({name!r}); "
                "somebody without a part in it must"
            )
    _check_key(caller, facts, registry, keys)


def parts(facts: RecordFacts, registry: Registry | None) -> Iterator[Part]:
    """All the parts, in the order of the list above."""
    yield Part("who sent it", (facts.principal_id,))
    user = (facts.user_id, facts.user_email, facts.user_subject)
    proved = facts.user_provenance == "verified"
    if facts.kind == "control":
        yield Part("who asked for it", user, proved)
        yield Part("who consented to it", (facts.approved_by,), proved)
    else:
        yield Part("the user whom the agent acted for", user, proved)
        yield Part("in the delegation that it was done under", facts.delegation_chain)
    yield Part("who approved the act before it was done", (facts.approver,), proved=False)
    yield Part("the agent's owner", (facts.agent_owner, facts.agent_owner_email))
    agent = registry.agents.get(facts.agent_id) if registry else None
    if agent:
        yield Part("the agent's owner", (agent.owner, agent.owner_email))


def _check_key(
    caller: Caller, facts: RecordFacts, registry: Registry | None, keys: Iterable[ApiKey]
) -> None:
    """5."""
    if caller.principal.method != "api_key":
        return
    if not caller.issued_by:
        raise ControlForbidden(
            f"the key shown by {caller.principal.id} does not say who issued it, so anybody could "
            "have seen it; review with a new key"
        )
    all_keys = tuple(keys)
    for part in (part for part in parts(facts, registry) if part.proved):
        for principal in _principals(part.names, registry):
            if caller.issued_by in held_by(principal, all_keys):
                raise ControlForbidden(
                    f"the key shown by {caller.principal.id} was issued by {caller.issued_by}: "
                    f"{principal}, {part.what}, could have seen it; review with a key that "
                    "somebody else issued, or with a token of your identity provider"
                )


def _principals(names: tuple[str, ...], registry: Registry | None) -> Iterator[str]:
    """Whom of the registry the names mean, and the names themselves."""
    yield from (name for name in names if name)
    for member in registry.principals.values() if registry else ():
        if same(names_of_member(member), *names):
            yield member.id
