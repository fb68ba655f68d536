-- The records as this role sees them: its columns, the rare ones that are computed from maps too.
CREATE OR REPLACE VIEW {here}.{view audit} SQL SECURITY INVOKER AS
SELECT
    {columns}
FROM {base}.audit_records AS r
{rows};
