"""The finance agent, for bob, called by the support agent. It has no guard: nothing stops it.

The collector judges what it did all the same, from the spans alone.
"""

import json
import os
from pathlib import Path

from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract

from auditspan.instrumentation import agent, identify
from lumen.assistant import Assistant
from lumen.beneath import note
from lumen.conversations import conversations

CONVERSATION = "ticket-4711-finance"


def main() -> None:
    """Do what the support agent handed over."""
    clerk = Assistant(
        "You credit customers and pay suppliers of Lumen Supplies. Be exact.",
        "1.8",
        ("list_invoices", "issue_credit_note", "pay_invoice", "purge_drafts"),
    )
    user_token = Path(os.environ["LUMEN_USER_TOKEN_FILE"]).read_text()
    carrier = json.loads(Path(os.environ["LUMEN_HANDOVER_FILE"]).read_text())
    context = attach(extract({**carrier, "tracestate": "lumen=desk-17"}))
    try:
        with (
            identify(
                user_token=user_token,
                session="back-office-3",
                purpose="accounts payable",
                ticket="T-4711",
                trigger="agent",
                trigger_id="dlg-1",
            ),
            # The conversation is that of the customer's ticket.
            agent("Finance agent", id="finance-agent", conversation="ticket-4711"),
        ):
            clerk.introduce()
            note(
                audit__agent__parent__id="support-agent",
                audit__delegation__id="dlg-2",
                audit__delegation__parent__id="dlg-1",
                audit__delegation__depth=1,
            )
            clerk.converse(conversations()[CONVERSATION])
    finally:
        detach(context)


if __name__ == "__main__":
    main()
