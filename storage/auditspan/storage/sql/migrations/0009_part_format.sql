-- A part below 128 MB, as every batch makes one, keeps all columns in one file: opening and syncing
-- a file for each stream of 66 columns took a third of an insert (docs/benchmarks.md). Beyond it a
-- part has a file for each column, and is merged column by column.
ALTER TABLE {local audit_records} MODIFY SETTING
    min_bytes_for_wide_part = 134217728,
    vertical_merge_algorithm_min_rows_to_activate = 1;
