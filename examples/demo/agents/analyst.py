"""The analyst agent, for carol. Its guard only observes: it writes down and stops nothing."""

import os
from pathlib import Path

from opentelemetry import trace

from auditspan.instrumentation import action, agent, identify
from lumen.assistant import Assistant
from lumen.beneath import digest, note
from lumen.conversations import conversations

CONVERSATION = "month-end"


def main() -> None:
    """Make the month's report."""
    analyst = Assistant(
        "You make reports for the management of Lumen Supplies.",
        "0.9",
        ("run_report", "list_invoices", "export_customers"),
    )
    token = Path(os.environ["LUMEN_USER_TOKEN_FILE"]).read_text()
    with (
        identify(user_token=token, purpose="management reports", trigger="schedule"),
        agent("Analyst agent", id="analyst-agent", conversation=CONVERSATION),
    ):
        analyst.introduce()
        note(gen_ai__skill__name="month-end", user__hash=digest("carol@lumen.example"))
        _read_template()
        analyst.converse(conversations()[CONVERSATION])
        _summarise("Revenue of March: 48,200.")


def _read_template() -> None:
    """Read the report's template from an MCP server, as a client of MCP tells of it."""
    tracer = trace.get_tracer("lumen.mcp")
    with tracer.start_as_current_span("resources/read", kind=trace.SpanKind.CLIENT):
        note(mcp__method__name="resources/read", mcp__resource__uri="report://templates/month")


def _summarise(text: str) -> None:
    """Ask a small model of the company's own, which nobody instruments; scripted as well."""
    with action("generate_content"):
        note(
            gen_ai__provider__name="lumen.local",
            gen_ai__request__model="scripted-summariser",
            gen_ai__response__status="completed",
            gen_ai__usage__input_tokens=len(text) // 4,
            gen_ai__usage__output_tokens=4,
            audit__cost__amount=0.0004,
            audit__cost__currency="EUR",
            audit__cost__source="local",
        )


if __name__ == "__main__":
    main()
