"""What can be proposed: one handler for each kind of change. To add a kind is to add an entry."""

from collections.abc import Callable
from dataclasses import dataclass, field

from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import ControlRecord
from auditspan.identity.roles import Action


@dataclass(frozen=True, slots=True)
class Effect:
    """A change that passed every check."""

    kind: str
    """Kind of the control record that says it was done."""
    body: Fields
    """Body of that record."""
    put: Callable[[ControlRecord], None]
    """Bring it into force; its record is durable. Doing it twice is as doing it once."""
    told: Fields
    """What it does, for who asked."""
    brief: Fields = field(default_factory=dict)
    """What the record of the proposal says of it."""
    is_new: bool = True
    """Whether it would change anything."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of change."""

    kind: str
    """Its name in proposals."""
    propose: Action
    """What it takes to ask for one."""
    approve: Action
    """What it takes to approve or reject one."""
    check: Callable[[Fields], Effect]
    """Check a body completely, run in a thread. Raises ControlInvalid or ControlRefused."""
    show: Callable[[Fields, str], Fields]
    """What a body would change against the version it was made for, also when that is past."""
    see: Action = Action.READ_REGISTRY
    """What it takes to look at the body of one."""
    base: Callable[[], str] = lambda: ""
    """Version that must not change between proposal and approval; "" if there is none."""
    done: Callable[[str], ControlRecord | None] = lambda _: None
    """The record by which the proposal of a hash came into force, if it is known here."""
