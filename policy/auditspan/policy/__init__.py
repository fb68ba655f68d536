"""The Cedar request and its evaluation: one implementation for processor, guard and gateway."""
