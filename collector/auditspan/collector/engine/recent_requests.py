"""The requests of the last minutes that are stored: front knows by them what is sent again."""

from typing import Final

from auditspan.storage.engine import Engine

_REQUESTS_REMEMBERED: Final = 200_000
_RECENT = """
SELECT RequestDigest, PrincipalId, toUnixTimestamp64Nano(max(ReceivedAt))
FROM audit_records WHERE ReceivedAt > now64(9, 'UTC') - INTERVAL 15 MINUTE AND RequestDigest != ''
GROUP BY RequestDigest, PrincipalId ORDER BY 3 DESC LIMIT {limit:UInt32}
"""


def recent_requests(store: Engine) -> list[list[object]]:
    """As `Ready` tells them."""
    rows = store.arrow(_RECENT, {"limit": _REQUESTS_REMEMBERED})
    return [list(row) for row in zip(*(c.to_pylist() for c in rows.columns), strict=True)]
