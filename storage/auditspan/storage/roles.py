"""The roles of a server, as statements for its administrator."""

import re

from auditspan.storage.otlp import data
from auditspan.storage.render import Target, statements

ROLES = ("writer", "repair", "migrator", "eraser", "auditor")


def role_statements(target: Target) -> list[str]:
    """What an administrator runs once, in order."""
    on = f" ON CLUSTER `{target.cluster}`" if target.cluster else ""
    text = data("roles.sql").replace("{on}", on).replace("{database}", target.database)
    text = re.sub(r"\{table (\w+)\}", lambda found: target.table(found[1]), text)
    return statements(text, target)
