-- Records with the columns that are stored and a few that most questions about a trace ask for. The
-- engine resolves each column of a view for each statement, asked for or not, and two thirds of those
-- of `audit` are computed from maps. `role_views.cheapest` chooses between them.
CREATE OR REPLACE VIEW {here}.{view audit_stored} SQL SECURITY INVOKER AS
SELECT
    {stored}
FROM {base}.audit_records AS r
{rows};
