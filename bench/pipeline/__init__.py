"""What the whole pipeline costs, from the receiver to the signed checkpoint."""
