-- Merges took more CPU than all inserts: they came after every few batches, and made parts below
-- 128 MB row by row, at twice the price. Now ten parts become one at the earliest, what comes of full
-- batches has a file for each column, and is merged column by column (docs/benchmarks.md).
--
-- Lengths of texts in streams of their own make maps of many small texts larger, by half after a
-- merge. Statistics of columns cost a twentieth of a merge, and no question of ours needs them.
ALTER TABLE {local audit_records} MODIFY SETTING
    min_parts_to_merge_at_once = 10,
    merge_selector_base = 8,
    min_bytes_for_wide_part = 67108864,
    string_serialization_version = 'single_stream',
    auto_statistics_types = '';
