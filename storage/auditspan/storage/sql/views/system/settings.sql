-- `system.settings`: those that a reader may send along, as settings that can be changed.
CREATE OR REPLACE VIEW {here}.{view system_settings} SQL SECURITY INVOKER AS
SELECT
    s.name AS name,
    s.value AS value,
    s.changed AS changed,
    s.description AS description,
    s.min AS min,
    s.max AS max,
    toUInt8(0) AS readonly,
    s.type AS type,
    s.default AS default,
    s.is_obsolete AS is_obsolete
FROM system.settings AS s
WHERE s.name IN ({settings});
