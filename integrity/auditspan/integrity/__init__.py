"""Tamper evidence: the canonical form of records, the Merkle log over them, signed checkpoints, the
package of evidence and the auditor's verifier. Every byte is described in
docs/integrity-format.md. Works on plain values and bytes; imports nothing of ours."""
