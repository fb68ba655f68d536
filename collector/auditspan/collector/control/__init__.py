"""Controls: changes of the registry and of keys, each a record of its own in the audit trail.

Every change is checked, written to the spool as a control frame, and only then put in force. The
pipeline seals the frame and derives the registry tables from it.
"""
