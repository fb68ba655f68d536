-- Statements that readers send, and that have to work: each runs through the gate and gives what the
-- engine gives without it (tests/storage/reading/test_honest.py). Besides these, the same is done with
-- every question of reports/auditspan/reports/questions.
--
--   -- name: what it is            begins a statement
--   -- param x = value             the value of its parameter {x:Type}
--   -- volatile                    its result is another one every time, so it only has to run
--   -- investigator                it needs columns with content

-- name: clickhouse-connect, on connecting
-- volatile
SELECT version(), timezone()
-- name: clickhouse-connect, settings
-- volatile
SELECT name, value, readonly FROM system.settings LIMIT 10000
-- name: clickhouse-connect, protocol
SELECT 1 AS check
-- name: clickhouse-connect, before an insert or a read of a table
DESCRIBE TABLE `auditspan`.`audit`
-- name: clickhouse-connect, with its format
SELECT TraceId, Duration FROM audit ORDER BY RecordId FORMAT Native
-- name: dbapi, columns without rows
SELECT * FROM (SELECT TraceId FROM audit) LIMIT 0
-- name: ping of a client
SELECT 1
-- name: ping with a semicolon
SELECT 1;
-- name: databases by SHOW
-- volatile
SHOW DATABASES
-- name: tables by SHOW
-- volatile
SHOW TABLES
-- name: tables of a database by SHOW
-- volatile
SHOW TABLES FROM "auditspan"
-- name: tables by a pattern
-- volatile
SHOW TABLES FROM auditspan LIKE 'audit%'
-- name: is it there
EXISTS TABLE auditspan.audit
-- name: is it not there
-- volatile
EXISTS TABLE auditspan.nothing
-- name: columns of a view
DESC audit_chain
-- name: columns with format
DESCRIBE otel_traces FORMAT JSONEachRow
-- name: databases
-- volatile
SELECT name FROM system.databases ORDER BY name
-- name: tables
-- volatile
SELECT name, engine FROM system.tables WHERE database = 'auditspan' ORDER BY name
-- name: tables as the JDBC driver asks for them
-- volatile
SELECT t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, if(t.is_temporary = 1, concat('Temporary', t.engine), t.engine)
    AS TABLE_TYPE, t.comment AS REMARKS, d.engine AS TYPE_SCHEM, CAST(null AS Nullable(String)) AS TYPE_CAT
FROM system.tables t JOIN system.databases d ON system.tables.database = system.databases.name
WHERE t.database LIKE 'auditspan' AND t.name LIKE '%' AND ((t.engine IN ('MergeTree', 'View')) OR (t.engine NOT IN ('Memory')))
-- name: columns
-- volatile
SELECT name, type, table FROM system.columns WHERE database IN ('auditspan') AND table = 'audit'
-- name: functions
-- volatile
SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments,
    returned_value, examples, categories
FROM system.functions
LIMIT 10000
-- name: which database
-- volatile
SELECT currentDatabase()

-- name: Grafana, a table of the builder
SELECT TraceId, SpanName, ServiceName FROM "auditspan"."otel_traces" WHERE ( SpanName IS NOT NULL ) ORDER BY SpanId LIMIT 1000
-- name: Grafana, an aggregate of the builder
SELECT ServiceName, count(*) as d FROM "default"."otel_traces" WHERE ( ServiceName IS NOT NULL ) GROUP BY ServiceName ORDER BY ServiceName LIMIT 1000
-- name: Grafana, a time series of the builder
SELECT Timestamp as "time", Duration FROM "auditspan"."audit" WHERE ( Duration > 0 ) ORDER BY time ASC, RecordId LIMIT 100
-- name: Grafana, an aggregate time series of the builder
SELECT Timestamp as "time", sum(Duration) as total FROM "auditspan"."audit" WHERE ( Duration > 0 ) GROUP BY time ORDER BY time ASC LIMIT 100
-- name: Grafana, $__timeInterval and $__timeFilter
SELECT toStartOfInterval(toDateTime(Timestamp), INTERVAL 60 second) AS time, ServiceName AS agent, count() AS actions FROM otel_traces WHERE Timestamp >= toDateTime(1700000000) AND Timestamp <= toDateTime(1900000000) AND (1=1) GROUP BY time, agent ORDER BY time, agent
-- name: Grafana, $__timeFilter_ms
SELECT count() FROM audit WHERE Timestamp >= fromUnixTimestamp64Milli(1700000000000) AND Timestamp <= fromUnixTimestamp64Milli(1900000000000)
-- name: Grafana, $__dateFilter
SELECT count() FROM audit WHERE Timestamp >= toDate('2024-01-01') AND Timestamp <= toDate('2030-01-01')
-- name: Grafana, $__dateTimeFilter
SELECT count() FROM audit WHERE (Timestamp >= toDate('2024-01-01') AND Timestamp <= toDate('2030-01-01')) AND (ReceivedAt >= toDateTime(1700000000) AND ReceivedAt <= toDateTime(1900000000))
-- name: Grafana, $__timeInterval_ms
SELECT toStartOfInterval(toDateTime64(Timestamp, 3), INTERVAL 500 millisecond) AS t, max(Duration) FROM audit GROUP BY t ORDER BY t
-- name: Grafana, a variable of several values
SELECT AgentId, count() FROM audit WHERE AgentId IN ('agent:booking','agent:support') GROUP BY AgentId ORDER BY AgentId
-- name: Grafana, a variable's values
SELECT DISTINCT ServiceName FROM otel_traces WHERE Timestamp >= toDateTime(1700000000) AND Timestamp <= toDateTime(1900000000) ORDER BY ServiceName
-- name: Grafana, values of a tag
select distinct ServiceName from auditspan.otel_traces order by ServiceName limit 1000
-- name: Grafana, keys of a map
-- investigator
SELECT DISTINCT arrayJoin(SpanAttributes.keys) as keys FROM "auditspan"."otel_traces" ORDER BY keys LIMIT 1000
-- name: Grafana, a search of traces
SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName, "Timestamp" as startTime, multiply("Duration", 0.000001) as duration FROM "default"."otel_traces" WHERE ( Timestamp >= toDateTime(1700000000) AND Timestamp <= toDateTime(1900000000) ) AND ( ParentSpanId = '' ) AND ( Duration > 0 ) ORDER BY Timestamp DESC, Duration DESC, SpanId LIMIT 1000
-- name: Grafana, a trace by its id
SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, "ServiceName" as serviceName, "SpanName" as operationName, multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) as startTime, multiply("Duration", 0.000001) as duration, arrayMap(key -> map('key', key, 'value',"SpanAttributes"[key]), mapKeys("SpanAttributes")) as tags, arrayMap(key -> map('key', key, 'value',"ResourceAttributes"[key]), mapKeys("ResourceAttributes")) as serviceTags, if("StatusCode" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode FROM "default"."otel_traces" WHERE traceID = '0af7651916cd43dd8448eb211c80319c' ORDER BY spanID LIMIT 1000
-- name: Grafana, a trace with its time range, events and links
-- investigator
WITH '0af7651916cd43dd8448eb211c80319c' as trace_id, (SELECT min(Start) FROM "default"."otel_traces_trace_id_ts" WHERE TraceId = trace_id) as trace_start, (SELECT max(End) + 1 FROM "default"."otel_traces_trace_id_ts" WHERE TraceId = trace_id) as trace_end SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, "ServiceName" as serviceName, "SpanName" as operationName, multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) as startTime, multiply("Duration", 0.000001) as duration, arrayMap(key -> map('key', key, 'value',"SpanAttributes"[key]), mapKeys("SpanAttributes")) as tags, if("StatusCode" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode, arrayMap((name, timestamp, attributes) -> tuple(name, toString(toUnixTimestamp64Milli(timestamp)), arrayMap( key -> map('key', key, 'value', attributes[key]), mapKeys(attributes)))::Tuple(name String, timestamp String, fields Array(Map(String, String))), "Events.Name", "Events.Timestamp", "Events.Attributes") AS logs, "StatusMessage" as statusMessage, "TraceState" as traceState FROM "default"."otel_traces" WHERE traceID = trace_id AND "Timestamp" >= trace_start AND "Timestamp" <= trace_end ORDER BY spanID LIMIT 1000
-- name: Grafana, our own traces panel
SELECT
  TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID,
  ServiceName AS serviceName, SpanName AS operationName,
  toUnixTimestamp64Nano(Timestamp) / 1e6 AS startTime,
  Duration / 1e6 AS duration,
  arrayMap((k, v) -> map('key', k, 'value', v), mapKeys(SpanAttributes), mapValues(SpanAttributes)) AS tags,
  arrayMap((n, t, a) -> CAST(
      (n, toString(toUnixTimestamp64Milli(t)), arrayMap((k, v) -> map('key', k, 'value', v), mapKeys(a), mapValues(a))),
      'Tuple(name String, timestamp String, fields Array(Map(String, String)))'),
    Events.Name, Events.Timestamp, Events.Attributes) AS logs,
  if(StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) AS statusCode,
  StatusMessage AS statusMessage, SpanKind AS kind
FROM otel_traces
WHERE TraceId = '0af7651916cd43dd8448eb211c80319c'
  AND Timestamp >= (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = '0af7651916cd43dd8448eb211c80319c')
  AND Timestamp < (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = '0af7651916cd43dd8448eb211c80319c')
ORDER BY Timestamp, SpanId
-- name: Grafana, edges of a node graph
SELECT concat(source, ' > ', target) AS id, ServiceName AS source,
  ToolName AS target, count() AS mainstat
FROM audit WHERE Timestamp >= toDateTime(1700000000) AND target != '' GROUP BY source, target ORDER BY id
-- name: Grafana, nodes of a node graph
SELECT DISTINCT id, id AS title FROM (
  SELECT ServiceName AS id FROM audit WHERE Timestamp >= toDateTime(1700000000)
  UNION ALL SELECT ToolName FROM audit WHERE Timestamp >= toDateTime(1700000000))
WHERE id != '' ORDER BY id
-- name: Grafana, volume of logs by level
SELECT toStartOfInterval(toDateTime(src."timestamp"), INTERVAL 1 HOUR) AS "time", sum(ifNull(toString(src."level"), '') IN ('error','err','ERROR','Error')) AS "error", sum(ifNull(toString(src."level"), '') NOT IN ('error','err','ERROR','Error')) AS "unknown"
FROM (
SELECT Timestamp as "timestamp", Summary as "body", StatusCode as "level" FROM "auditspan"."audit" WHERE ( Timestamp >= toDateTime(1700000000) AND Timestamp <= toDateTime(1900000000) )
) AS src
WHERE toDateTime(src."timestamp") >= toDateTime(1700000000) AND toDateTime(src."timestamp") <= toDateTime(1900000000)
GROUP BY "time"
ORDER BY "time" ASC
-- name: Grafana, a row of logs
SELECT Timestamp as "timestamp", Summary as "body", OutcomeStatus as "level" FROM "default"."audit" WHERE ( timestamp >= toDateTime(1700000000) AND timestamp <= toDateTime(1900000000) ) AND ( level = 'failure' ) ORDER BY timestamp DESC, RecordId LIMIT 1000
-- name: Grafana, an ad hoc filter
SELECT AgentId, count() FROM audit GROUP BY AgentId ORDER BY AgentId
settings additional_table_filters={'audit' : ' AgentId = \'agent:booking\' '}
-- name: Grafana, ad hoc filters of several kinds
SELECT count() FROM otel_traces
settings additional_table_filters={'otel_traces' : ' ServiceName IN (\'booking\', \'support\') AND SpanName REGEXP \'^tool\' AND Duration > \'0\' '}
-- name: Grafana, an alert rule
SELECT toString(AgentId) AS agent, toFloat64(count()) AS value FROM audit WHERE Timestamp >= toDateTime(1700000000) AND Timestamp <= toDateTime(1900000000) AND PolicyOutcome = 'deny' GROUP BY AgentId HAVING value >= 1 ORDER BY agent
-- name: Grafana, with its limit of time
SELECT count() FROM audit SETTINGS max_execution_time=10
-- name: Grafana, a comment that names who looks
/* grafana_user:alice */ SELECT count() FROM audit -- panel 7

-- name: how many records
SELECT count() FROM audit
-- name: under the name of earlier versions
SELECT count() FROM audit_records
-- name: everything of a record
-- volatile
SELECT * FROM audit WHERE RecordId = 'b1-1'
-- name: everything of a record, by a parameter
-- param id = b1-1
-- volatile
SELECT * FROM audit WHERE RecordId = {id:String} LIMIT 1
-- name: all but some columns
-- volatile
SELECT * EXCEPT (ReviewedBy, ReviewedAt, ReviewVerdict) FROM audit ORDER BY RecordId LIMIT 1
-- name: one column in another way
SELECT * REPLACE (upper(AgentId) AS AgentId) FROM (SELECT AgentId, RecordId FROM audit) ORDER BY RecordId
-- name: columns by a pattern
SELECT COLUMNS('^Agent(Id|Name)$') FROM audit ORDER BY RecordId
-- name: actions of agents
SELECT AgentId, count() AS n FROM audit WHERE RecordKind = 'action' GROUP BY AgentId ORDER BY n DESC, AgentId
-- name: denied share by agent
SELECT AgentId, countIf(PolicyOutcome = 'deny') / count() AS share, round(100 * share, 1) AS percent FROM audit GROUP BY AgentId ORDER BY AgentId
-- name: by hour and weekday
SELECT toDayOfWeek(Timestamp) AS d, toHour(Timestamp) AS h, count() FROM audit GROUP BY d, h ORDER BY d, h
-- name: of the last week
-- volatile
SELECT count() FROM audit WHERE Timestamp > now() - INTERVAL 7 DAY
-- name: of the last week, in another spelling
-- volatile
SELECT count() FROM audit WHERE Timestamp > now() - INTERVAL '7 day'
-- name: of a month
SELECT count() FROM audit WHERE toYYYYMM(Timestamp) = 202611
-- name: of a day by a literal
SELECT count() FROM audit WHERE Timestamp >= DATE '2024-01-01' AND Timestamp < TIMESTAMP '2030-01-01 00:00:00'
-- name: parts of a time
SELECT extract(year FROM Timestamp) AS y, extract(hour FROM Timestamp) AS h FROM audit ORDER BY RecordId LIMIT 3
-- name: quantiles
SELECT quantile(0.5)(Duration), quantiles(0.5, 0.9, 0.99)(Duration), quantileExact(0.95)(Duration) FROM audit
-- name: top of something
SELECT topK(3)(ToolName), groupUniqArray(10)(AgentId) IS NOT NULL, uniq(UserId), uniqExact(UserId) FROM audit
-- name: last of each trace
SELECT TraceId, argMax(SpanName, Timestamp) AS last, max(Timestamp) FROM audit GROUP BY TraceId ORDER BY TraceId
-- name: newest per agent
SELECT AgentId, RecordId FROM audit ORDER BY AgentId, RecordId DESC LIMIT 1 BY AgentId
-- name: newest per agent, and no more than five
SELECT AgentId, RecordId FROM audit ORDER BY AgentId, RecordId DESC LIMIT 1 BY AgentId LIMIT 5
-- name: two per agent after the first
SELECT AgentId, RecordId FROM audit ORDER BY AgentId, RecordId LIMIT 1, 2 BY AgentId
-- name: a page
SELECT RecordId FROM audit ORDER BY RecordId LIMIT 2 OFFSET 1
-- name: a page in the way of MySQL
SELECT RecordId FROM audit ORDER BY RecordId LIMIT 1, 2
-- name: with ties
SELECT AgentId FROM audit ORDER BY AgentId LIMIT 1 WITH TIES
-- name: findings, one by one
SELECT Finding, count() AS n FROM audit ARRAY JOIN Findings AS Finding GROUP BY Finding ORDER BY Finding
-- name: with those that have none
SELECT RecordId, f FROM audit LEFT ARRAY JOIN Findings AS f ORDER BY RecordId, f
-- name: has a finding
SELECT RecordId FROM audit WHERE has(Findings, 'policy.violation') ORDER BY RecordId
-- name: any of several findings
SELECT RecordId FROM audit WHERE hasAny(Findings, ['policy.violation', 'late']) ORDER BY RecordId
-- name: records of a person
-- param who = alice
SELECT RecordId FROM audit WHERE UserId = {who:String} ORDER BY RecordId
-- name: records of several persons
-- param who = ['alice','bob']
SELECT RecordId FROM audit WHERE UserId IN {who:Array(String)} ORDER BY RecordId
-- name: a time by a parameter
-- param since = 2024-01-01 00:00:00
SELECT count() FROM audit WHERE Timestamp >= {since:DateTime64(9, 'UTC')}
-- name: a limit by a parameter
-- param n = 2
SELECT RecordId FROM audit ORDER BY RecordId LIMIT {n:UInt32}
-- name: traces of a conversation, in a sub-select
SELECT RecordId FROM audit WHERE TraceId IN (SELECT TraceId FROM audit WHERE ConversationId != '') ORDER BY RecordId
-- name: traces of a conversation, in a WITH
WITH traces AS (SELECT TraceId FROM audit WHERE AgentId = 'agent:booking') SELECT RecordId FROM audit WHERE TraceId IN traces ORDER BY RecordId
-- name: tuples in a list
SELECT RecordId FROM audit WHERE (AgentId, ToolName) IN (('agent:booking', 'book'), ('agent:support', 'mail')) ORDER BY RecordId
-- name: not in a list
SELECT RecordId FROM audit WHERE AgentId NOT IN ('agent:support') ORDER BY RecordId
-- name: WITH of several queries
WITH a AS (SELECT AgentId, count() AS n FROM audit GROUP BY AgentId), b AS (SELECT AgentId FROM a WHERE n > 1) SELECT a.AgentId, a.n FROM a INNER JOIN b ON a.AgentId = b.AgentId ORDER BY a.AgentId
-- name: WITH of values
WITH 3 AS least, 'agent:booking' AS agent SELECT count() FROM audit WHERE AgentId = agent AND Severity >= least
-- name: WITH of one value from a query
WITH (SELECT max(Severity) FROM audit) AS worst SELECT RecordId FROM audit WHERE Severity = worst ORDER BY RecordId
-- name: parents and children
SELECT c.RecordId, p.SpanName FROM audit AS c LEFT JOIN audit AS p ON p.SpanId = c.ParentSpanId AND p.TraceId = c.TraceId ORDER BY c.RecordId
-- name: a join by USING
SELECT a.RecordId, g.Grantor FROM audit AS a LEFT JOIN grants AS g USING (GrantId) ORDER BY a.RecordId
-- name: a semi join
SELECT AgentId FROM agents AS g LEFT SEMI JOIN audit AS a ON a.AgentId = g.AgentId ORDER BY AgentId
-- name: an anti join
SELECT DISTINCT a.AgentId FROM audit AS a LEFT ANTI JOIN agents AS g ON a.AgentId = g.AgentId ORDER BY a.AgentId
-- name: the version that was in force
SELECT a.RecordId, v.RecordId FROM audit AS a ASOF LEFT JOIN audit AS v ON v.AgentId = a.AgentId AND v.Timestamp < a.Timestamp ORDER BY a.RecordId
-- name: two relations with a comma
SELECT count() FROM (SELECT 1 AS x) AS a, (SELECT 2 AS y) AS b
-- name: running total
SELECT AgentId, RecordId, sum(Severity) OVER (PARTITION BY AgentId ORDER BY RecordId ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total FROM audit ORDER BY AgentId, RecordId
-- name: a named window
SELECT RecordId, row_number() OVER w AS n, lagInFrame(RecordId) OVER w AS before FROM audit WINDOW w AS (PARTITION BY AgentId ORDER BY RecordId) ORDER BY RecordId
-- name: first of each by a window
SELECT RecordId FROM audit QUALIFY row_number() OVER (PARTITION BY AgentId ORDER BY RecordId) = 1 ORDER BY RecordId
-- name: gaps filled
SELECT toStartOfHour(Timestamp) AS h, count() FROM audit GROUP BY h ORDER BY h WITH FILL STEP INTERVAL 1 HOUR LIMIT 100
-- name: gaps filled between bounds
SELECT number AS n, 'x' AS v FROM numbers(3) ORDER BY n WITH FILL FROM 0 TO 6 STEP 2 INTERPOLATE (v AS 'y')
-- name: union of two kinds
SELECT 'agents' AS what, count() AS n FROM agents UNION ALL SELECT 'audit' AS what, count() AS n FROM audit ORDER BY what
-- name: union without repeats
SELECT AgentId FROM audit UNION DISTINCT SELECT AgentId FROM agents
-- name: union in brackets, sorted outside
SELECT * FROM (SELECT AgentId FROM audit UNION ALL SELECT AgentId FROM agents) ORDER BY AgentId
-- name: what is in both
SELECT AgentId FROM audit INTERSECT SELECT 'agent:booking'
-- name: what is in one of both
SELECT DISTINCT AgentId FROM audit EXCEPT SELECT 'agent:booking'
-- name: with totals
SELECT AgentId, count() FROM audit GROUP BY AgentId WITH TOTALS ORDER BY AgentId
-- name: with rollup
SELECT AgentId, ToolName, count() FROM audit GROUP BY AgentId, ToolName WITH ROLLUP ORDER BY AgentId, ToolName
-- name: with cube
SELECT AgentId, ToolName, count() FROM audit GROUP BY CUBE(AgentId, ToolName) ORDER BY AgentId, ToolName, count()
-- name: grouping sets
SELECT AgentId, ToolName, count() AS n FROM audit GROUP BY GROUPING SETS ((AgentId), (ToolName), ()) ORDER BY AgentId, ToolName, n
-- name: group by all
SELECT AgentId, Effect, count() FROM audit GROUP BY ALL ORDER BY ALL
-- name: distinct on
SELECT DISTINCT ON (AgentId) AgentId, RecordId FROM audit ORDER BY AgentId, RecordId
-- name: cases
SELECT CASE WHEN Severity >= 7 THEN 'high' WHEN Severity >= 4 THEN 'medium' ELSE 'low' END AS level, count() FROM audit GROUP BY level ORDER BY level
-- name: cases of a value
SELECT CASE Effect WHEN 'read' THEN 1 WHEN 'write' THEN 2 ELSE 0 END AS e, count() FROM audit GROUP BY e ORDER BY e
-- name: conditional functions
SELECT multiIf(Severity > 7, 'a', Severity > 3, 'b', 'c') AS x, if(PolicyOutcome = 'deny', 1, 0) AS y, coalesce(nullIf(AgentId, ''), 'none') AS z FROM audit ORDER BY RecordId
-- name: the short form of if
SELECT Severity > 5 ? 'high' : 'low' AS level FROM audit ORDER BY RecordId
-- name: lower, like and regular expressions
SELECT RecordId FROM audit WHERE lower(ToolName) LIKE '%oo%' OR ToolName ILIKE 'MAIL%' OR match(ToolName, '^b.*k$') OR ToolName NOT LIKE '%a%' ORDER BY RecordId
-- name: like with an escape
SELECT RecordId FROM audit WHERE SpanName LIKE 'tool!_b%' ESCAPE '!' ORDER BY RecordId
-- name: not between
SELECT RecordId FROM audit WHERE Severity NOT BETWEEN 2 AND 7 ORDER BY RecordId
-- name: in an array
SELECT RecordId FROM audit WHERE Severity IN [1, 8] AND AgentId NOT IN ['x'] ORDER BY RecordId
-- name: not of everything
SELECT RecordId FROM audit WHERE NOT (AgentId IN ('agent:support') OR Severity = 1) AND NOT Effect LIKE 'r%' ORDER BY RecordId
-- name: in a sub-select that belongs to the row
SELECT a.RecordId FROM audit AS a WHERE a.Severity = (SELECT max(Severity) FROM audit) ORDER BY a.RecordId
-- name: between and arithmetic
SELECT RecordId, Duration / 1e6 AS ms, Severity % 2, -Severity, Severity * 2 + 1 - 3 FROM audit WHERE Severity BETWEEN 1 AND 9 ORDER BY RecordId
-- name: brackets count
SELECT (1 + 2) * 3, 1 + 2 * 3, -(1 + 2), 10 - (3 - 2), 2 * (3 % 2), NOT (1 = 2), NOT 1 = 2, 1 = 1 AND 0 = 1 OR 1 = 1
-- name: numbers of every kind
SELECT 0x1F, 1e3, 1_000_000, .5, 18446744073709551615, 340282366920938463463374607431768211456, -1, - -1, 0.1 + 0.2
-- name: texts with escapes
SELECT 'it''s', 'it\'s', 'a\\b', 'tab\there', 'line\nbreak', '\x41', 'ünï', 'select; drop -- /* */', '', '\0'
-- name: names with escapes
SELECT AgentId AS "the agent", `ToolName` AS `tool (name)`, Effect effect FROM audit ORDER BY "the agent", `tool (name)`, effect
-- name: arrays and their members
SELECT [1, 2, 3][1], arrayMap(x -> x * 2, [1, 2]), arrayFilter(x -> x > 1, [1, 2]), arraySum([1, 2]), arraySort([3, 1, 2]), arrayExists(x -> x = 2, [1, 2]), [] = emptyArrayString()
-- name: tuples and their members
SELECT (1, 'a').1, tuple(1, 2).2, (AgentId, ToolName).1 AS a FROM audit ORDER BY RecordId
-- name: maps and their members
SELECT map('a', 1, 'b', 2)['a'], mapKeys(map('x', 1)), mapFilter((k, v) -> v > 1, map('a', 1, 'b', 2))
-- name: attributes
-- investigator
SELECT SpanAttributes['gen_ai.tool.name'] AS tool, count() FROM audit GROUP BY tool ORDER BY tool
-- name: attributes that hold something
-- investigator
SELECT RecordId FROM audit WHERE mapContains(SpanAttributes, 'user.id') AND SpanAttributes['user.id'] = 'alice' ORDER BY RecordId
-- name: JSON in a text
-- investigator
SELECT JSONExtractString(ToolArguments, 'city') AS city, JSONExtract(ToolArguments, 'nights', 'Int64'), JSONHas(ToolArguments, 'city') FROM audit ORDER BY RecordId
-- name: casts in all spellings
SELECT CAST(Severity AS String), CAST(Severity, 'Float64'), Severity::Int32, toString(Severity), CAST('2026-01-01' AS Date), '5'::UInt8 FROM audit ORDER BY RecordId LIMIT 2
-- name: casts of nested types
SELECT CAST([1, 2] AS Array(UInt64)), CAST(map('a', 1) AS Map(String, Int32)), CAST(NULL AS Nullable(String)), CAST('a' AS LowCardinality(String)), CAST(1.5, 'Decimal(10, 2)')
-- name: nulls
SELECT NULL IS NULL, NULL IS NOT NULL, ifNull(NULL, 'x'), isNull(NULL), assumeNotNull(toNullable(1)), NULL <=> NULL, 1 IS DISTINCT FROM 2
-- name: nulls first
SELECT arrayJoin([1, NULL, 2]) AS x ORDER BY x DESC NULLS FIRST
-- name: dates
SELECT toDate('2026-03-01') + INTERVAL 1 MONTH, dateDiff('day', toDate('2026-01-01'), toDate('2026-02-01')), date_trunc('month', toDate('2026-01-15')), addDays(toDate('2026-01-01'), 3), formatDateTime(toDateTime('2026-01-01 10:00:00', 'UTC'), '%Y/%m'), toStartOfInterval(toDateTime('2026-01-01 10:07:00', 'UTC'), INTERVAL 5 MINUTE)
-- name: dates in other spellings
SELECT date_add(DAY, 1, toDate('2026-01-01')), dateAdd(toDate('2026-01-01'), INTERVAL 1 DAY), date_sub(MONTH, 1, toDate('2026-02-01')), toDateTime('2026-01-01 00:00:00', 'UTC') - toIntervalHour(1), now() > toDateTime('2020-01-01 00:00:00')
-- name: hashes and addresses
SELECT lower(hex(SHA256('x'))), cityHash64('a', 1), isIPAddressInRange('10.0.0.1', '10.0.0.0/8'), IPv4NumToString(toUInt32(1)), domain('https://a.example/x'), base64Encode('x')
-- name: exists
SELECT RecordId FROM audit AS a WHERE EXISTS (SELECT 1 FROM agents) OR 1 = 1 ORDER BY RecordId
-- name: aggregates with a filter
SELECT count() FILTER (WHERE Severity > 3), sumIf(Severity, Effect = 'write'), avgOrNull(Severity), countDistinct(AgentId), count(DISTINCT AgentId), any(RecordKind), uniqExactIf(AgentId, Severity > 1) FROM audit
-- name: nulls respected
SELECT first_value(Severity) RESPECT NULLS > 0 FROM audit
-- name: text of several
SELECT arrayStringConcat(groupArray(ToolName), ',') != '' AS some, groupConcat(',')(Effect) != '' AS more FROM audit
-- name: a histogram
SELECT arrayJoin(histogram(3)(Severity)) AS h FROM audit
-- name: rows that count
SELECT number, number * 2 AS double FROM numbers(5) WHERE number > 1
-- name: rows that count from and to
SELECT generate_series FROM generate_series(1, 5)
-- name: a query tree that calls itself
WITH RECURSIVE up AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM up WHERE n < 4) SELECT n FROM up ORDER BY n
-- name: a condition of a condition
SELECT RecordId FROM audit WHERE ((AgentId = 'agent:booking' AND (Severity > 1 OR Effect = 'write')) OR NOT (ToolName = 'mail')) ORDER BY RecordId
-- name: a sub-select in a sub-select
SELECT max(n) FROM (SELECT AgentId, count() AS n FROM (SELECT AgentId FROM audit WHERE AgentId != '') GROUP BY AgentId)
-- name: as CSV
SELECT AgentId, count() FROM audit GROUP BY AgentId ORDER BY AgentId FORMAT CSVWithNames
-- name: as JSON, with a setting
SELECT 1 AS x SETTINGS output_format_json_quote_64bit_integers = 1 FORMAT JSON
-- name: as JSON, with the setting behind
SELECT toUInt64(1) AS x FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1, max_threads = 1
-- name: in another time zone
SELECT toString(Timestamp) IS NOT NULL FROM audit LIMIT 1 SETTINGS session_timezone = 'Europe/Berlin'
-- name: what is kept, and why
SELECT RetentionClass, count(), min(Timestamp) FROM audit GROUP BY RetentionClass ORDER BY RetentionClass
-- name: chain of a trace
SELECT RecordId, AgentId, Completed FROM audit_chain WHERE TraceId = '0af7651916cd43dd8448eb211c80319c' ORDER BY RecordId
-- name: repeated spans
SELECT TraceId, SpanId, Records FROM audit_repeats ORDER BY SpanId
-- name: acts that two libraries tell
SELECT TraceId, RecordId, CountsAs FROM audit_duplicates ORDER BY RecordId
-- name: grants that expire
SELECT GrantId, AgentId, ExpiresAt FROM grants WHERE ExpiresAt < now() + INTERVAL 30 DAY ORDER BY GrantId
-- name: policies in force
SELECT PolicyVersion, "File" FROM policy_versions ORDER BY PolicyVersion
-- name: reviews
SELECT RecordId, ReviewedBy, Verdict FROM reviews ORDER BY RecordId
-- name: who reviewed which record
SELECT RecordId, ReviewedBy FROM audit ORDER BY RecordId
-- name: letters nobody could deliver
SELECT Stage, count() FROM dead_letters GROUP BY Stage ORDER BY Stage
-- name: detections by rule
SELECT Rule, max(Severity) FROM detections GROUP BY Rule ORDER BY Rule
-- name: who looked
-- investigator
SELECT Reader, count() FROM access_log GROUP BY Reader ORDER BY Reader
-- name: a statement in capitals, without spaces, with tabs
SELECT	COUNT(*),MAX(Severity)FROM	audit	WHERE(AgentId='agent:booking')
