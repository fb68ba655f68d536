"""What little traffic costs, and large spans."""
