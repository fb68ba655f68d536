"""What questions cost over ten million records."""
