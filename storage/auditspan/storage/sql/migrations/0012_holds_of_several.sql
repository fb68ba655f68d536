-- Several collectors on one store: each lists what its own holds keep, and lets the others' rows be.
ALTER TABLE {both held_records} ADD COLUMN IF NOT EXISTS Instance LowCardinality(String)
    COMMENT 'Id of the collector whose holds keep it; empty of before';
