"""The id under which an approval is asked for, so that whoever gives it can say for what.

The same act of the same agent for the same user in the same conversation has the same id, however
often a model tries again. It is a keyed hash (HMAC-SHA-256), since a plain one would tell short
arguments: with the key of `AUDITSPAN_HASH_KEY_FILE` it is the same in every process of the agent,
without it in this process.
"""

import hashlib
import hmac
import json
import os
from pathlib import Path

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.content_hash import read_key
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.request import user_in_force


class Approvals:
    """Names approvals. Threads may share it."""

    def __init__(self, key: Path | None, agent_id: str) -> None:
        """Raises SettingsInvalid if the file holds no key."""
        self._key = read_key(key) or os.urandom(32)
        self._agent_id = agent_id

    def id_of(self, act: Act, identity: Identity) -> str:
        """`appr-` and 20 hexadecimal digits."""
        user = user_in_force(identity)
        asked = [
            identity.agent_id or self._agent_id,
            user.id if user else "",
            identity.conversation or identity.session,
            act.operation,
            act.name,
            act.target_type,
            act.target_id,
            act.argument_values(),
        ]
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        digest = hmac.new(self._key, b"approval\n" + text.encode(), hashlib.sha256)
        return f"appr-{digest.hexdigest()[:20]}"
