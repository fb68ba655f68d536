"""OTLP bytes and the spool: a body becomes a frame, a frame survives a crash. No sockets."""
