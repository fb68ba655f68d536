-- One day of records from the template: {copies} copies of {rows} rows, each with ids, times,
-- agents, users, targets and places in the log of its own. `k` is the number of a copy over all
-- days; what belongs together in a trace stays together.
INSERT INTO audit_records ({columns})
WITH
    {first_copy} + number AS k,
    cityHash64(t.TraceId, k) AS trace,
    cityHash64(t.ConversationId, k) AS talk,
    cityHash64(t.SpanId, k) AS own,
    -- 40 agents, of which the first has a fifth of all records.
    concat('agent-', leftPad(toString(toUInt32(pow((talk % 1000003) / 1000003, 2) * 40)), 2, '0')) AS agent,
    -- Two million things that are acted on, some of them often.
    concat('R', leftPad(toString(toUInt32(pow((own % 1000003) / 1000003, 1.5) * 2000000)), 7, '0')) AS thing,
    trace % 100 = 0 AND t.ToolName != '' AS denied,
    -- A copy has its part of the day, in which conversations lie among each other.
    toDateTime64('{day} 00:00:00', 9, 'UTC')
        + toIntervalMillisecond(intDiv(86000000, {copies}) * number + talk % intDiv(86000000, {copies}))
        + toIntervalMillisecond(t.LogIndex % 40 * 10) AS at,
    if(t.ToolArguments = '', '', concat('{{"reservation_id":"', thing, '","note":"', hex(own % 4096), ' of ', hex(talk % 65536), '"}}')) AS arguments
SELECT {kept},
    {replaced}
FROM template AS t CROSS JOIN numbers({copies}) AS n
SETTINGS min_insert_block_size_rows = 1048576, min_insert_block_size_bytes = 4000000000,
    max_block_size = 65536
