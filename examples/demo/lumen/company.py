"""The tools of Lumen Supplies, as any company has them: plain functions over its data.

None of them knows of auditspan. What a tool does underneath, such as a request to the bank, is a
span of OpenTelemetry where the company's own instrumentation makes one (`lumen.beneath`).
"""

from lumen.beneath import bank_request, mailed, retrieved, screened
from lumen.database import one, open_database

_database = open_database()


def search_knowledge_base(query: str) -> list[dict[str, object]]:
    """Search the help articles."""
    with retrieved("help-articles", query) as found:
        rows = _database.execute("SELECT * FROM articles WHERE text LIKE 'Refund%'")
        found.extend(dict(row) for row in rows)
    return found


def get_customer(customer_id: str) -> dict[str, object]:
    """Look up a customer."""
    return one(_database, "SELECT * FROM customers WHERE id = ?", customer_id)


def get_order(order_id: str) -> dict[str, object]:
    """Look up an order."""
    return one(_database, "SELECT * FROM orders WHERE id = ?", order_id)


def update_ticket(ticket_id: str, status: str = "open", note: str = "") -> str:
    """Add a note to a ticket or close it."""
    one(_database, "SELECT * FROM tickets WHERE id = ?", ticket_id)
    change = "UPDATE tickets SET status = ?, note = ? WHERE id = ?"
    _database.execute(change, (status, screened(note), ticket_id))
    return f"{ticket_id} is {status}"


def refund_order(
    order_id: str, amount: float, customer_id: str = "", currency: str = "EUR", reason: str = ""
) -> str:
    """Pay money back for an order."""
    _database.execute("UPDATE orders SET refunded = refunded + ? WHERE id = ?", (amount, order_id))
    return f"refunded {amount} {currency}"


def send_email(to: str, subject: str, body: str) -> str:
    """Send an e-mail; here it goes nowhere."""
    mailed(to)
    return f"sent {subject!r} to {to}"


def delete_customer(customer_id: str) -> str:
    """Delete a customer with all orders."""
    _database.execute("DELETE FROM customers WHERE id = ?", (customer_id,))
    return f"{customer_id} is gone"


def list_invoices(supplier_id: str = "", month: str = "") -> list[dict[str, object]]:
    """List invoices."""
    rows = _database.execute("SELECT * FROM invoices WHERE supplier = ?", (supplier_id,))
    return [dict(row) for row in rows]


def issue_credit_note(invoice_id: str, amount: float) -> str:
    """Issue a credit note to a customer."""
    one(_database, "SELECT * FROM invoices WHERE id = ?", invoice_id)
    return f"credited {amount} on {invoice_id}"


def pay_invoice(invoice_id: str, amount: float, iban: str, api_key: str = "") -> str:
    """Transfer money to a supplier."""
    with bank_request("bank.lumen.example", "/payments"):
        _database.execute("UPDATE invoices SET state = 'paid' WHERE id = ?", (invoice_id,))
    return f"paid {amount} to {iban}"


def purge_drafts(ledger: str, older_than_days: int = 90) -> int:
    """Delete drafts of invoices that were never sent."""
    return _database.execute("DELETE FROM invoices WHERE state = 'draft'").rowcount


def run_report(report: str, month: str = "") -> dict[str, object]:
    """Run a saved report."""
    return {"report": report, "month": month, "total": 48_200}


def export_customers(share: str, path: str, fields: list[str], limit: int = 100) -> str:
    """Write a list of customers to a file share; here to nowhere."""
    return f"{limit} rows of {', '.join(fields)} to {share}:{path}"


TOOLS = {
    function.__name__: function
    for function in (
        search_knowledge_base, get_customer, get_order, update_ticket, refund_order, send_email,
        delete_customer, list_invoices, issue_credit_note, pay_invoice, purge_drafts, run_report,
        export_customers,
    )
}  # fmt: skip
"""By name, as the model asks for them."""


def customer_exists(customer_id: str) -> bool:
    """Whether a customer is still there."""
    found = _database.execute("SELECT 1 FROM customers WHERE id = ?", (customer_id,)).fetchone()
    return found is not None
