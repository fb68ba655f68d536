"""ClickHouse, embedded or a server: decode, schema, writer, reader."""
