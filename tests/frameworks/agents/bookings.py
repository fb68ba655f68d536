"""What the agents work on: each function leaves a line in a file when its body runs.

Standard library only, because every framework's environment imports it.
"""

import os
import sys
from pathlib import Path

MODEL = "scripted"
MODEL_URL = os.environ["SCRIPTED_MODEL_URL"]
TASK = "Please see to booking b-7."
VARIANT = sys.argv[1] if len(sys.argv) > 1 else ""
"""Which way into the framework this run takes: `sync`, `async`, `stream`, …"""


def ran(tool: str, booking_id: str) -> None:
    """Leave a trace of what really happened."""
    with Path(os.environ["BOOKINGS_RAN"]).open("a") as file:
        file.write(f"{tool} {booking_id}\n")


def delete_booking(booking_id: str) -> str:
    """Delete a booking for good."""
    ran("delete_booking", booking_id)
    return f"{booking_id} is deleted"


def read_booking(booking_id: str) -> str:
    """Read a booking."""
    ran("read_booking", booking_id)
    return f"{booking_id}: two nights in Lyon"


def break_booking(booking_id: str) -> str:
    """Fail in the way that tools fail."""
    ran("break_booking", booking_id)
    raise LookupError(f"no room for {booking_id}")


async def adelete_booking(booking_id: str) -> str:
    """Delete a booking for good."""
    return delete_booking(booking_id)


async def aread_booking(booking_id: str) -> str:
    """Read a booking."""
    return read_booking(booking_id)


async def abreak_booking(booking_id: str) -> str:
    """Fail in the way that tools fail."""
    return break_booking(booking_id)


PLAIN = (delete_booking, read_booking, break_booking)
COROUTINES = (adelete_booking, aread_booking, abreak_booking)
for _plain, _coroutine in zip(PLAIN, COROUTINES, strict=True):
    # Tools are called as their functions are.
    _coroutine.__name__ = _coroutine.__qualname__ = _plain.__name__
