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
WHERE match(s.name, '^(output_format|format_csv|format_tsv|format_json)_')
   OR s.name IN (
        'cast_string_to_dynamic_use_inference', 'date_time_input_format', 'date_time_output_format',
        'extremes', 'join_use_nulls', 'limit', 'max_block_size', 'max_bytes_to_read',
        'max_execution_time', 'max_memory_usage', 'max_result_bytes', 'max_result_rows',
        'max_rows_to_read', 'max_threads', 'offset', 'session_timezone', 'use_query_cache');
