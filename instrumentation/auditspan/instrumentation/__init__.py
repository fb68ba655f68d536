"""What runs inside an agent: who acts for whom, what it does, and whether it may.

`identify` says on whose behalf, `tool`, `action` and `agent` guard and record what happens, and
`PolicyDenied` is what a stopped call raises.
"""

from auditspan.instrumentation.action import action, agent
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.identity import identify
from auditspan.instrumentation.tool import tool

__all__ = ["PolicyDenied", "action", "agent", "identify", "tool"]
