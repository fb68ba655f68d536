"""Past conversations through a real agent loop, so that a team sees its own in the audit trail."""
