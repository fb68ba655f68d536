"""One policy out of several: of a collector whose root log or notary has got another key.

Logs of all of them count, and a checkpoint needs the witnesses that any one of them asks for: what
was signed before has the old ones, what is signed now the new ones.
"""

from collections.abc import Iterator, Sequence

from auditspan.cli.errors import OptionInvalid
from auditspan.integrity.policy import NONE, Policy, parse_policy


def merged(policies: Sequence[bytes]) -> str:
    """The newest last: an evidence package takes the last root log that is here.

    Raises `PolicyInvalid`, `OptionInvalid`.
    """
    parsed = [parse_policy(data) for data in policies]
    if any(policy.quorum == NONE for policy in parsed):
        raise OptionInvalid(
            "--with: a policy has `quorum none`, so together they would ask for no witness at all"
        )
    lines = [f"log {log.vkey}" for policy in parsed for log in policy.logs]
    for number, policy in enumerate(parsed, 1):
        lines += [
            f"witness {_name(name, number)} {key.vkey}" for name, key in policy.witnesses.items()
        ]
        lines += _groups(policy, number)
    quorums = " ".join(_name(policy.quorum, number) for number, policy in enumerate(parsed, 1))
    lines += [f"group any-of-them any {quorums}", "quorum any-of-them", ""]
    text = "\n".join(lines)
    parse_policy(text.encode())
    return text


def _groups(policy: Policy, number: int) -> Iterator[str]:
    for name, group in policy.groups.items():
        members = " ".join(_name(member, number) for member in group.members)
        yield f"group {_name(name, number)} {group.threshold} {members}"


def _name(name: str, number: int) -> str:
    """Names of two policies may be the same."""
    return f"{name}-{number}"
