"""Changes of the registry as a kind of proposal."""

import json

from auditspan.collector.control import apply
from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord
from auditspan.collector.control.versions import Versions, bundle_of
from auditspan.identity.roles import Action
from auditspan.policy import Calendar
from auditspan.registry import Bundle, BundleInvalid, Registry
from auditspan.registry.diff import compare


def registry_handler(versions: Versions, calendar: Calendar) -> Handler:
    """The handler; a body is `{"files": texts by path}`."""

    def check(body: Fields) -> Effect:
        return effect_of(apply.plan(_bundle(body), versions.current(), calendar), versions)

    def show(body: Fields, base: str) -> Fields:
        bundle = _bundle(body)
        changes = compare(_registry(versions, base), bundle.registry())
        return {"version": bundle.version, "changes": [change.to_dict() for change in changes]}

    def done(proposal: str) -> ControlRecord | None:
        return next((r for r in reversed(versions.records()) if r.proposal == proposal), None)

    return Handler(
        "registry", Action.PROPOSE, Action.APPROVE, check, show, base=versions.version, done=done
    )


def effect_of(plan: apply.Plan, versions: Versions) -> Effect:
    """What putting a plan in force means."""
    body = plan.body()
    brief = {"version": body["version"], "changes": body["changes"]}
    return Effect(REGISTRY_APPLIED, body, versions.store, plan.told(), brief, plan.is_new)


def _bundle(body: Fields) -> Bundle:
    try:
        return Bundle.from_json(json.dumps(body))
    except BundleInvalid as error:
        raise ControlInvalid(str(error)) from error


def _registry(versions: Versions, version: str) -> Registry | None:
    """A version that was in force, None if it is not known."""
    found = (r for r in versions.records() if r.body["version"] == version)
    record = next(found, None)
    return bundle_of(record).registry() if record else None
