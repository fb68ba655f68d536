"""The ClickHouse HTTP interface over the embedded store: `endpoint` in front, `runner` behind."""
