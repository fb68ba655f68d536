"""Whether what is stored is what was sealed: verification, proofs, packages of evidence."""
