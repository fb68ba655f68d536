-- What readers see: every column, the rare ones that are computed from maps too.
CREATE OR REPLACE VIEW {view audit} AS
SELECT {columns}
FROM audit_records;
