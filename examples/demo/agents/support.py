"""The support agent, for alice. It runs in mode `enforce`: what policy denies does not happen."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opentelemetry.propagate import inject

from auditspan.instrumentation import PolicyDenied, action, agent, identify
from lumen.assistant import Assistant
from lumen.beneath import digest, note
from lumen.company import customer_exists
from lumen.conversations import conversations

CONVERSATION = "ticket-4711"


def main() -> None:
    """Answer one ticket."""
    desk = Assistant(
        "You answer customers of Lumen Supplies. You refund up to 500 yourself.",
        "2.3",
        ("get_customer", "get_order", "search_knowledge_base", "refund_order", "send_email",
         "update_ticket", "delete_customer"),
    )  # fmt: skip
    token = Path(os.environ["LUMEN_USER_TOKEN_FILE"]).read_text()
    with (
        identify(
            user_token=token,
            session="desk-17",
            purpose="customer support",
            ticket="T-4711",
            justification="the customer reports broken goods",
            trigger="user",
            trigger_id="chat-9001",
            task="task-4711",
        ),
        agent("Customer support agent", id="support-agent", conversation=CONVERSATION),
    ):
        desk.introduce()
        _recall("C-1001")
        denials = desk.converse(conversations()[CONVERSATION])
        for denied in denials:
            if denied.approval_needed:
                _ask_for_approval(denied)
        _remember("C-1001")
        _hand_over()
    if not customer_exists("C-1001"):
        sys.exit("the customer was deleted, though policy forbids it")


def _recall(customer: str) -> None:
    with action("search_memory", target=("memory.store", "desk-memory")):
        note(gen_ai__memory__store__id="desk-memory", gen_ai__memory__query__text=customer)
        note(audit__memory__provenance="conversation ticket-3990")


def _remember(customer: str) -> None:
    with action("update_memory", target=("memory.store", "desk-memory")):
        note(gen_ai__memory__store__id="desk-memory", gen_ai__memory__record__id=customer)


def _ask_for_approval(denied: PolicyDenied) -> None:
    """The support lead is asked; here the lead's answer is scripted as well."""
    now = datetime.now(UTC)
    with action("approval", target=("order", "O-1001")):
        note(
            audit__approval__id="apr-77",
            audit__approval__step=1,
            audit__approval__status="rejected",
            audit__approval__approver__id="lena.lead@lumen.example",
            audit__approval__approver__type="human",
            audit__approval__method="chat",
            audit__approval__reason="finance decides about the rest",
            audit__approval__requested_at=now.isoformat(),
            audit__approval__resolved_at=(now + timedelta(seconds=1)).isoformat(),
            audit__approval__expires_at=(now + timedelta(hours=4)).isoformat(),
            audit__approval__context__hash=digest(str(denied)),
            audit__result__next_action="hand over to the finance agent",
        )


def _hand_over() -> None:
    """Give the rest to the finance agent: the trace goes on there."""
    with action("agent.delegate", target=("agent", "finance-agent")):
        note(audit__delegation__id="dlg-1", audit__agent__peer__id="finance-agent")
        carrier: dict[str, str] = {}
        inject(carrier)
        Path(os.environ["LUMEN_HANDOVER_FILE"]).write_text(json.dumps(carrier))


if __name__ == "__main__":
    main()
