-- `system.functions`: what is built in; a function that somebody made is not shown.
CREATE OR REPLACE VIEW {here}.{view system_functions} SQL SECURITY INVOKER AS
SELECT
    f.name AS name,
    f.is_aggregate AS is_aggregate,
    f.case_insensitive AS case_insensitive,
    f.alias_to AS alias_to,
    '' AS create_query,
    f.origin AS origin,
    f.description AS description,
    f.syntax AS syntax,
    f.arguments AS arguments,
    f.returned_value AS returned_value,
    f.examples AS examples,
    f.categories AS categories
FROM system.functions AS f
WHERE f.origin = 'System';

CREATE OR REPLACE VIEW {here}.{view system_data_type_families} SQL SECURITY INVOKER AS
SELECT d.name AS name, d.case_insensitive AS case_insensitive, d.alias_to AS alias_to
FROM system.data_type_families AS d;
