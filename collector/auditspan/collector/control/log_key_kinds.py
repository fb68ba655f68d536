"""Kinds of control records about the keys of logs."""

LOG_KEY_ROTATED = "log.key_rotated"
"""Asks for another log, and so another key; the first record to be sealed there."""
LOG_KEY_REVOKED = "log.key_revoked"
"""A log's key counts no more beyond a size; of the open log, it is closed before."""
