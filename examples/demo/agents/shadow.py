"""An agent that somebody wrote over a weekend: not registered, without a key.

It shows the other way to record a tool, the decorator.
"""

import os
from pathlib import Path

from auditspan.instrumentation import agent, identify, tool
from lumen import company


@tool(server="crm")
def get_customer(customer_id: str) -> dict[str, object]:
    """Look up a customer."""
    return company.get_customer(customer_id)


def main() -> None:
    """Help itself to a customer's data, with a token that it found."""
    token = Path(os.environ["LUMEN_USER_TOKEN_FILE"]).read_text()
    with identify(user_token=token, user="bob"), agent("Growth helper", conversation="weekend"):
        get_customer("C-1002")


if __name__ == "__main__":
    main()
