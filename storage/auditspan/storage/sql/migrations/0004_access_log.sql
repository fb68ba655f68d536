-- Who read what: one row a read through endpoint, CLI or report, derived from `store.read` records.
-- What is erased of a read is its record's body; these columns are made anew from it.
--
-- Rows is null where the engine does not say how many there were.
ALTER TABLE {both access_log} MODIFY COLUMN Rows Nullable(UInt64);

ALTER TABLE {both access_log}
    ADD COLUMN IF NOT EXISTS ReadId String FIRST,
    ADD COLUMN IF NOT EXISTS Method LowCardinality(String) AFTER Reader,
    ADD COLUMN IF NOT EXISTS Credential String AFTER Method,
    ADD COLUMN IF NOT EXISTS Roles Array(LowCardinality(String)) AFTER Credential,
    ADD COLUMN IF NOT EXISTS Report String AFTER Interface,
    ADD COLUMN IF NOT EXISTS Client String AFTER Report,
    ADD COLUMN IF NOT EXISTS StatementHash String AFTER Statement,
    ADD COLUMN IF NOT EXISTS Params Map(String, String) CODEC(ZSTD(1)) AFTER StatementHash,
    ADD COLUMN IF NOT EXISTS Cut Bool AFTER Params,
    ADD COLUMN IF NOT EXISTS Tables Array(LowCardinality(String)) AFTER Cut,
    ADD COLUMN IF NOT EXISTS Content Bool AFTER Tables,
    ADD COLUMN IF NOT EXISTS Since String AFTER Content,
    ADD COLUMN IF NOT EXISTS Until String AFTER Since,
    ADD COLUMN IF NOT EXISTS Repeats UInt64 AFTER Until,
    ADD COLUMN IF NOT EXISTS BatchId LowCardinality(String) AFTER Code;
