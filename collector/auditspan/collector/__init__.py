"""The service: OTLP in, attributed and judged records out. The only place where the parts meet."""
