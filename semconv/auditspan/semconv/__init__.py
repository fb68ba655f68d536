"""The vocabulary: every attribute key, its column, and who may assert it."""
