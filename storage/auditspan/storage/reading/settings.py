"""Settings of a statement: an allow-list with bounds, under caps that nobody can raise."""

import re
from collections.abc import Mapping

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import Bounds, SettingRule, lists

_ZONE = re.compile(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*")


def settings_of(
    beside: Mapping[str, str], within: Mapping[str, str], caps: Mapping[str, int]
) -> dict[str, str | int]:
    """The settings to set: the caps, lowered as asked, and what else was asked and may be.

    `beside` the statement stands what clients send along by themselves, some of which means nothing
    here; what somebody wrote `within` it is meant.
    """
    made: dict[str, str | int] = dict(caps)
    for name, value in (*beside.items(), *within.items()):
        if name in caps:
            made[name] = _within(name, value, caps[name])
        elif name in lists().settings:
            made[name] = _allowed(name, value, lists().settings[name])
        elif name in within or name not in lists().ignored:
            raise _refused(name, "readers may not set it", refusals.UNKNOWN_SETTING)
    return made


def _within(name: str, value: str, cap: int) -> int:
    number = _number(name, value)
    # 0 means without limit, which is the cap.
    return min(number or cap, cap)


def _allowed(name: str, value: str, rule: SettingRule) -> str | int:
    match rule:
        case Bounds():
            number = _number(name, value)
            if not rule.least <= number <= rule.most:
                words = f"a number from {rule.least} to {rule.most}"
                raise _out_of_bounds(name, words, value)
            return number
        case "bool":
            if value.lower() not in ("0", "1", "true", "false"):
                raise _out_of_bounds(name, "0 or 1", value)
            return int(value.lower() in ("1", "true"))
        case "timezone":
            if not _ZONE.fullmatch(value) or len(value) > 40:
                raise _out_of_bounds(name, "a time zone like Europe/Berlin", value)
            return value
        case _:
            if value not in rule:
                raise _out_of_bounds(name, f"one of {', '.join(map(repr, rule))}", value)
            return value


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise _refused(name, f"expected a number, got {value[:40]!r}", refusals.NOT_A_NUMBER)
    return int(value)


def _out_of_bounds(name: str, expected: str, value: str) -> StatementRefused:
    words = f"expected {expected}, got {value[:40]!r}"
    return _refused(name, words, refusals.SETTING_OUT_OF_BOUNDS)


def _refused(name: str, why: str, code: int) -> StatementRefused:
    return StatementRefused(f"setting {name[:60]}: {why}", code)
