-- Statements that readers must not get through, each refused by the gate
-- (tests/storage/reading/test_attacks.py). In them
--
--   CANARY   is a file of this machine with something secret in it
--   OUTFILE  is a path where no file is
--   PORT     is a port of this machine where a socket listens
--
--   -- name: what it tries         begins a statement
--   -- hole                        the engine itself lets it through on a connection with readonly=1

-- name: reads a file by the scalar function
-- hole
SELECT file('CANARY')
-- name: reads a file by the scalar function, in another query
SELECT x FROM (SELECT file('CANARY') AS x)
-- name: reads a file by the scalar function, in WITH
WITH file('CANARY') AS secret SELECT secret
-- name: reads a file by the scalar function, in a lambda
SELECT arrayMap(x -> file(x), ['CANARY'])
-- name: names the function where a lambda is expected
-- hole
SELECT arrayMap(file, ['CANARY'])
-- name: names the function where a lambda is expected, beside an alias
SELECT arrayMap(file, ['CANARY']) AS x, (SELECT 1 AS file) AS y
-- name: names the function in quotes where a lambda is expected
SELECT arrayMap(`file`, ['CANARY'])
-- name: names the function where a lambda is expected, as a lambda's own argument elsewhere
SELECT arrayMap(file, ['CANARY']), arrayMap(file -> 1, [1])
-- name: names the function where a lambda is expected, over a map
SELECT mapApply(file, map('a', 'CANARY'))
-- name: filters by a function that reads a file
SELECT arrayFilter(x -> file('CANARY') != '', [1])
-- name: sorts by a function that reads a file
SELECT 1 ORDER BY file('CANARY')
-- name: groups by a function that reads a file
SELECT count() FROM audit GROUP BY file('CANARY')
-- name: has a condition that reads a file
SELECT count() FROM audit WHERE file('CANARY') LIKE 's%'
-- name: limits by a function that reads a file
SELECT 1 LIMIT length(file('CANARY'))
-- name: quotes the name of the function
-- hole
SELECT `file`('CANARY')
-- name: quotes the name of the function, doubly
SELECT "file"('CANARY')
-- name: comments between name and bracket
-- hole
SELECT file/**/('CANARY')
-- name: a line comment between name and bracket
SELECT file--
('CANARY')
-- name: a path in another spelling
SELECT file('\x2fetc\x2fpasswd')
-- name: a function that reads a file, in capitals
SELECT FILE('CANARY')
-- name: applies a function to all columns
SELECT * APPLY(file) FROM (SELECT 'CANARY' AS x)
-- name: applies a function to columns of a pattern
-- hole
SELECT COLUMNS('x') APPLY(file) FROM (SELECT 'CANARY' AS x)
-- name: applies a lambda to all columns
SELECT * APPLY(x -> file(x)) FROM (SELECT 'CANARY' AS x)
-- name: replaces a column by a function that reads a file
SELECT * REPLACE (file('CANARY') AS TraceId) FROM audit
-- name: a lambda with a name
WITH (x -> file(x)) AS f SELECT f('CANARY')
-- name: a lambda with the name of an allowed function
WITH (x -> x) AS upper SELECT upper('a')
-- name: a function in a window
SELECT sum(length(file('CANARY'))) OVER () FROM audit
-- name: a function in a join
SELECT 1 FROM agents AS a JOIN tools AS t ON file('CANARY') = '' AND a.AgentId = t.ToolName
-- name: a function in ARRAY JOIN
SELECT x FROM audit ARRAY JOIN [file('CANARY')] AS x
-- name: a function in the list of IN
SELECT 1 FROM audit WHERE AgentId IN (file('CANARY'))
-- name: a function in WITH FILL
SELECT number FROM numbers(1) ORDER BY number WITH FILL TO length(file('CANARY'))
-- name: a function in INTERPOLATE
SELECT number, 'a' AS v FROM numbers(1) ORDER BY number WITH FILL TO 3 INTERPOLATE (v AS file('CANARY'))
-- name: a function in a CASE
SELECT CASE WHEN 1 THEN file('CANARY') END
-- name: a function in the short form of if
SELECT 1 ? file('CANARY') : ''
-- name: a function after another statement's end in a text
SELECT 'it''s', file('CANARY'), '--'
-- name: a function behind a text that ends in a backslash
SELECT 'a\\', file('CANARY')
-- name: a function behind a name that ends in a backslash
SELECT 1 AS `a\\`, file('CANARY')
-- name: a function inside what looks like a comment to some
SELECT 1 --'
, file('CANARY')
-- name: the second select of a union
SELECT 'a' UNION ALL SELECT file('CANARY')
-- name: the second select of an intersection
SELECT 'a' INTERSECT SELECT file('CANARY')
-- name: the second select of a difference
SELECT 'a' EXCEPT SELECT file('CANARY')
-- name: a sub-select as a value
SELECT (SELECT (SELECT file('CANARY')))
-- name: a sub-select in EXISTS
SELECT EXISTS (SELECT file('CANARY'))
-- name: a sub-select in IN
SELECT 1 IN (SELECT length(file('CANARY')))
-- name: a query in a query in WITH
WITH a AS (WITH b AS (SELECT file('CANARY') AS x) SELECT x FROM b) SELECT x FROM a

-- name: reads a file as a table
SELECT * FROM file('CANARY', 'LineAsString')
-- name: reads a file as a table, joined
SELECT * FROM audit, file('CANARY', 'LineAsString') AS f
-- name: reads a file as a table, in IN
SELECT 1 WHERE 'x' IN (SELECT * FROM file('CANARY', 'LineAsString', 's String'))
-- name: describes a file
DESCRIBE TABLE file('CANARY', 'LineAsString')
-- name: describes a URL
DESCRIBE TABLE url('http://127.0.0.1:PORT/', 'CSV')
-- name: describes a URL, in short
DESC url('http://127.0.0.1:PORT/', 'CSVWithNames')
-- name: describes a select
DESCRIBE (SELECT file('CANARY'))
-- name: describes a select, with TABLE
DESCRIBE TABLE (SELECT * FROM url('http://127.0.0.1:PORT/', 'CSV'))
-- name: reads a URL
SELECT * FROM url('http://127.0.0.1:PORT/x', 'CSV', 'a String')
-- name: reads a URL that holds a record
SELECT * FROM url(concat('http://127.0.0.1:PORT/', (SELECT max(UserId) FROM audit)), 'CSV', 'a String')
-- name: reads a bucket
SELECT * FROM s3('http://127.0.0.1:PORT/b/k', 'CSV', 'a String')
-- name: reads a bucket of another maker
SELECT * FROM gcs('http://127.0.0.1:PORT/b/k', 'CSV')
-- name: reads a cluster's bucket
SELECT * FROM s3Cluster('default', 'http://127.0.0.1:PORT/b/k', 'CSV')
-- name: reads a blob
SELECT * FROM azureBlobStorage('http://127.0.0.1:PORT/a', 'c', 'b')
-- name: reads another server
SELECT * FROM remote('127.0.0.1:PORT', system.one)
-- name: reads another server, with a view
SELECT * FROM remote('127.0.0.1:PORT', view(SELECT 1))
-- name: reads another server, over TLS
SELECT * FROM remoteSecure('127.0.0.1:PORT', system.one)
-- name: reads a cluster
SELECT * FROM cluster('default', system.one)
-- name: reads all replicas of a cluster
SELECT * FROM clusterAllReplicas('default', system.one)
-- name: reads MySQL
SELECT * FROM mysql('127.0.0.1:PORT', 'd', 't', 'u', 'p')
-- name: reads PostgreSQL
SELECT * FROM postgresql('127.0.0.1:PORT', 'd', 't', 'u', 'p')
-- name: reads MongoDB
SELECT * FROM mongodb('127.0.0.1:PORT', 'd', 't', 'u', 'p', 'a String')
-- name: reads Redis
SELECT * FROM redis('127.0.0.1:PORT', 'k', 'k String')
-- name: reads SQLite
SELECT * FROM sqlite('CANARY', 't')
-- name: reads over JDBC
SELECT * FROM jdbc('jdbc:x', 's', 't')
-- name: reads over ODBC
SELECT * FROM odbc('DSN=x', 's', 't')
-- name: reads HDFS
SELECT * FROM hdfs('hdfs://127.0.0.1:PORT/x', 'CSV', 'a String')
-- name: reads a lake on this machine
SELECT * FROM icebergLocal('CANARY')
-- name: reads another lake on this machine
SELECT * FROM deltaLakeLocal('CANARY')
-- name: reads the file system
SELECT * FROM filesystem('/')
-- name: runs a program
SELECT * FROM executable('x.sh', 'CSV', 'a String')
-- name: runs Python
SELECT * FROM python('x')
-- name: reads what a program sends
SELECT * FROM input('a String')
-- name: takes a text for data
SELECT * FROM format(LineAsString, 'x')
-- name: evaluates a text
SELECT * FROM eval('SELECT 1')
-- name: a view in place of a table
SELECT * FROM view(SELECT * FROM auditspan.audit_records)
-- name: a view if permitted
SELECT * FROM viewIfPermitted(SELECT * FROM auditspan.audit_records ELSE null('a String'))
-- name: a view of a plan
SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('CANARY')))
-- name: reads tables by a pattern
-- hole
SELECT * FROM merge('auditspan', '.*')
-- name: reads tables by a pattern, of this database
SELECT * FROM merge('^audit_records$')
-- name: reads the index of a table
SELECT * FROM mergeTreeIndex('auditspan', 'audit_records')
-- name: reads the projection of a table
SELECT * FROM mergeTreeProjection('auditspan', 'audit_records', 'p')
-- name: reads the words of a table
SELECT * FROM mergeTreeTextIndex('auditspan', 'audit_records', 'i')
-- name: reads a table again and again
SELECT * FROM loop('auditspan', 'audit_records')
-- name: reads a dictionary as a table
SELECT * FROM dictionary('d')
-- name: makes rows at random
SELECT * FROM generateRandom('a String', 1, 100000000)
-- name: makes queries at random
SELECT * FROM fuzzQuery('SELECT 1')
-- name: counts with a database before it
SELECT * FROM auditspan.numbers(3)
-- name: counts to what a query says
SELECT * FROM numbers((SELECT length(file('CANARY'))))
-- name: counts further than anybody waits
SELECT count() FROM numbers(1000000000000000)
-- name: values in place of a table
SELECT * FROM values('a AggregateFunction(sum, UInt64)', 'x')
-- name: a table function as a function
SELECT url('http://127.0.0.1:PORT/')

-- name: reads the table of records
SELECT RecordSalt FROM audit_records
-- name: reads the table of records by its full name
SELECT * FROM auditspan.audit_records AS r WHERE r.RecordSalt != ''
-- name: reads the salts of another view
SELECT GroupSalts FROM audit
-- name: reads content as a reader
SELECT ToolArguments FROM audit
-- name: reads content as a reader, qualified
SELECT audit.ToolResult FROM auditspan.audit
-- name: reads a table beside the views
SELECT * FROM schema_migrations
-- name: reads a table beside the views, by its full name
SELECT * FROM auditspan.schema_migrations
-- name: reads what a view is made of
SELECT * FROM auditspan.`.inner.audit`
-- name: reads the access log as a reader
SELECT * FROM access_log
-- name: reads the database of another role
SELECT * FROM auditspan_investigator.audit
-- name: reads the database of another role, in capitals
SELECT * FROM AUDITSPAN_INVESTIGATOR.audit
-- name: a name of three parts
SELECT * FROM a.auditspan_investigator.audit
-- name: a table with a dot in quotes
SELECT * FROM `auditspan_investigator.audit`
-- name: a database in quotes
SELECT * FROM `auditspan_investigator`.`audit`
-- name: a letter that looks like another
SELECT * FROM аudit
-- name: a letter that looks like another, in quotes
SELECT * FROM `аudit_records`
-- name: a column of another database's table
SELECT auditspan_investigator.audit.ToolArguments FROM audit
-- name: virtual columns
SELECT _table, _part FROM audit
-- name: the right side of IN is a table of the system
-- hole
SELECT 0 IN system.one
-- name: the right side of IN is a table
SELECT 1 IN auditspan.audit_records
-- name: the right side of IN is a table of the same database
SELECT 'x' IN schema_migrations
-- name: the right side of IN is a table in brackets
SELECT 'x' IN (schema_migrations)
-- name: the right side of NOT IN is a table
SELECT 'x' NOT IN schema_migrations
-- name: the right side of GLOBAL IN is a table
SELECT 'x' GLOBAL IN schema_migrations
-- name: the right side of IN is a column
SELECT 1 FROM audit WHERE AgentId IN UserId
-- name: IN as a function
SELECT in('x', schema_migrations)
-- name: IN as another function
SELECT nullIn('x', auditspan.audit_records)
-- name: the right side of IN is an alias of a table
WITH schema_migrations AS t SELECT 1 IN t
-- name: the right side of IN is a name of WITH out of sight
SELECT 1 IN c, (WITH c AS (SELECT 1) SELECT 1)
-- name: a name of WITH out of sight
SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c) AS a, c
-- name: a name of WITH that is a table of ours
WITH audit AS (SELECT 1) SELECT * FROM audit
-- name: a name of WITH that is a table of earlier versions
WITH audit_records AS (SELECT 1 AS x) SELECT x FROM audit_records
-- name: a name of WITH that hides a table inside it
WITH schema_migrations AS (SELECT * FROM schema_migrations) SELECT * FROM schema_migrations
-- name: a parameter for a table
SELECT * FROM {t:Identifier}
-- name: a parameter for a database
SELECT * FROM {d:Identifier}.audit
-- name: a parameter for a column
SELECT {c:Identifier} FROM audit
-- name: a parameter for the right side of IN
SELECT 1 IN {t:Identifier}
-- name: a parameter of a state
SELECT finalizeAggregation({s:AggregateFunction(sum, UInt64)})
-- name: a parameter without a type
SELECT {x}
-- name: a placeholder
SELECT ?

-- name: processes
SELECT * FROM system.processes
-- name: errors
SELECT * FROM system.errors
-- name: settings of the server
SELECT * FROM system.server_settings
-- name: mutations, which remember whom they were about
SELECT command FROM system.mutations
-- name: parts
SELECT * FROM system.parts_columns
-- name: disks
SELECT * FROM system.disks
-- name: users
SELECT * FROM system.users
-- name: collections with passwords
SELECT * FROM system.named_collections
-- name: text logs
SELECT * FROM system.text_log
-- name: numbers without end
SELECT count() FROM system.numbers
-- name: a system table in quotes
SELECT * FROM `system`.`processes`
-- name: the schema of the standard
SELECT * FROM information_schema.tables
-- name: the schema of the standard, in capitals
SELECT * FROM INFORMATION_SCHEMA.COLUMNS
-- name: tables of the server, unfiltered
SELECT * FROM system.tables, system.merges

-- name: a setting of the server
SELECT getServerSetting('max_connections')
-- name: a setting of the session
SELECT getSetting('max_threads')
-- name: a macro of the server
SELECT getMacro('shard')
-- name: the name of the machine
SELECT hostName()
-- name: the name of the machine in full
SELECT FQDN()
-- name: the user
SELECT currentUser()
-- name: the user, as a word
SELECT current_user
-- name: a port
SELECT tcpPort()
-- name: the age of the server
SELECT uptime()
-- name: the id of the server
SELECT serverUUID()
-- name: the room on disk
SELECT filesystemAvailable()
-- name: headers of the request
SELECT getClientHTTPHeader('X-ClickHouse-Key')
-- name: a certificate
SELECT showCertificate()
-- name: waits
SELECT sleep(3)
-- name: waits with every row
SELECT sleepEachRow(3) FROM audit
-- name: compares all with all, which no clock ends
SELECT hasAll(range(3000000), range(3000000))
-- name: compares all with all of the records
SELECT hasAny(groupArray(RecordId), groupArray(TraceId)) FROM audit
-- name: distances of long texts, which no clock ends
SELECT editDistance(repeat('ab', 30000), repeat('ba', 30000)) FROM numbers(6000)
-- name: throws
SELECT throwIf(1, 'x')
-- name: a dictionary
SELECT dictGet('d', 'a', 1)
-- name: a dictionary, with a default
SELECT dictGetOrDefault('d', 'a', 1, 2)
-- name: whether a dictionary has
SELECT dictHas('d', 1)
-- name: a dictionary of regions
SELECT regionToName(1)
-- name: a join
SELECT joinGet('auditspan.j', 'v', 'k')
-- name: whether a table has a column
SELECT hasColumnInTable('auditspan', 'audit_records', 'RecordSalt')
-- name: a model
SELECT catboostEvaluate('CANARY', 1)
-- name: a model of names
SELECT naiveBayesClassifier('x', 'y')
-- name: a model over the network
SELECT aiGenerate('x')
-- name: introspection
SELECT demangle(addressToSymbol(1))
-- name: an aggregate by name
SELECT initializeAggregation('sum', 1)
-- name: an aggregate of an array by name
SELECT arrayReduce('sumState', [1])
-- name: bytes as a state
SELECT finalizeAggregation(CAST('x' AS AggregateFunction(uniq, String)))
-- name: bytes as a state, by a text
SELECT CAST(unhex('00'), 'AggregateFunction(groupBitmap, UInt64)')
-- name: bytes as a state, by two colons
SELECT unhex('00')::AggregateFunction(quantileTDigest, Float64)
-- name: bytes as a state, in JSON
SELECT JSONExtract('{}', 'a', 'AggregateFunction(sum, UInt8)')
-- name: a type that the statement computes
SELECT CAST(1, concat('U', 'Int8'))
-- name: states of aggregates
SELECT uniqState(AgentId) FROM audit
-- name: a type of unknown name
SELECT CAST(1 AS Object('json'))
-- name: the engine's own functions
SELECT __getScalar('x')
-- name: a function of somebody
SELECT my_function(1)
-- name: a function that formats rows by a schema file
SELECT formatRow('Template', 1)

-- name: writes a file
-- hole
SELECT 1 INTO OUTFILE 'OUTFILE'
-- name: writes a file, truncating
SELECT 1 INTO OUTFILE 'OUTFILE' TRUNCATE FORMAT CSV
-- name: writes a file with a comment between
SELECT 1 INTO/**/OUTFILE 'OUTFILE'
-- name: writes a file with the format first
SELECT 1 FORMAT CSV INTO OUTFILE 'OUTFILE'
-- name: writes a file from a union
SELECT 1 UNION ALL SELECT 2 INTO OUTFILE 'OUTFILE'
-- name: writes a file from a sub-select
SELECT * FROM (SELECT 1 INTO OUTFILE 'OUTFILE')
-- name: writes a table
INSERT INTO auditspan.audit_records SELECT * FROM auditspan.audit_records
-- name: writes a file as a table
INSERT INTO FUNCTION file('OUTFILE', 'CSV', 'a String') VALUES ('x')
-- name: writes a URL
INSERT INTO FUNCTION url('http://127.0.0.1:PORT/', 'CSV', 'a String') SELECT 'x'
-- name: writes from a file
INSERT INTO auditspan.audit_records FROM INFILE 'CANARY' FORMAT CSV
-- name: writes behind WITH
WITH 1 AS x INSERT INTO auditspan.audit_records SELECT x
-- name: two statements
-- hole
SELECT 1; SELECT file('CANARY')
-- name: two statements, the second of which writes
SELECT 1; SELECT 2 INTO OUTFILE 'OUTFILE'
-- name: two statements with a comment between
SELECT 1; -- x
DROP TABLE auditspan.audit_records
-- name: two statements, the first empty
; DROP TABLE auditspan.audit_records
-- name: statements side by side
SELECT 1 PARALLEL WITH SELECT 2
-- name: drops a table
DROP TABLE auditspan.audit_records
-- name: empties a table
TRUNCATE TABLE auditspan.audit_records
-- name: changes rows
ALTER TABLE auditspan.audit_records UPDATE UserId = 'x' WHERE 1
-- name: deletes rows
DELETE FROM auditspan.audit_records WHERE 1
-- name: makes a table of a file
CREATE TABLE auditspan.x ENGINE = File(CSV, 'CANARY')
-- name: makes a view
CREATE VIEW auditspan_reader.x AS SELECT * FROM auditspan.audit_records
-- name: makes a table for a while
CREATE TEMPORARY TABLE x AS SELECT 1
-- name: makes a function
CREATE FUNCTION f AS x -> file(x)
-- name: makes a database
CREATE DATABASE x
-- name: makes a user
CREATE USER x
-- name: attaches a table
ATTACH TABLE x
-- name: detaches a table
DETACH TABLE auditspan.audit_records
-- name: renames a table
RENAME TABLE auditspan.audit_records TO auditspan.x
-- name: exchanges tables
EXCHANGE TABLES auditspan.agents AND auditspan.tools
-- name: merges parts
OPTIMIZE TABLE auditspan.audit_records FINAL
-- name: gives itself rights
GRANT ALL ON *.* TO default
-- name: stops merges
SYSTEM STOP MERGES
-- name: stops the removal of what is old
SYSTEM STOP TTL MERGES
-- name: stops the server
SYSTEM SHUTDOWN
-- name: flushes logs
SYSTEM FLUSH LOGS
-- name: ends other statements
KILL QUERY WHERE 1
-- name: ends mutations
KILL MUTATION WHERE 1
-- name: sets a setting
-- hole
SET limit = 1
-- name: takes the lock off
SET readonly = 0
-- name: sets a role
SET ROLE ALL
-- name: sets a parameter
SET param_x = 1
-- name: goes to another database
-- hole
USE system
-- name: copies the store out
BACKUP DATABASE auditspan TO File('OUTFILE')
-- name: copies a store in
RESTORE DATABASE auditspan FROM File('CANARY')
-- name: copies in the way of PostgreSQL
COPY auditspan.audit_records TO STDOUT
-- name: runs as another
EXECUTE AS default SELECT 1
-- name: begins a transaction
BEGIN TRANSACTION
-- name: checks a table
CHECK TABLE auditspan.audit_records
-- name: watches a table
WATCH auditspan.audit_records

-- name: a plan
EXPLAIN SELECT 1
-- name: a plan of a tree, which runs sub-queries
-- hole
EXPLAIN QUERY TREE SELECT (SELECT file('CANARY'))
-- name: a tree
EXPLAIN AST SELECT file('CANARY')
-- name: the syntax of a tree
EXPLAIN SYNTAX SELECT * FROM auditspan.audit_records
-- name: the pipeline
EXPLAIN PIPELINE SELECT * FROM auditspan.audit_records
-- name: the estimate
EXPLAIN ESTIMATE SELECT * FROM auditspan.audit_records
-- name: the indexes
EXPLAIN indexes = 1 SELECT * FROM auditspan.audit_records
-- name: a plan of a table function
EXPLAIN TABLE OVERRIDE url('http://127.0.0.1:PORT/') COLUMNS (a String)
-- name: a plan in place of a table
SELECT * FROM (EXPLAIN SELECT file('CANARY'))
-- name: how a view is made
SHOW CREATE TABLE audit
-- name: how a view is made, in short
SHOW CREATE audit
-- name: processes, by SHOW
SHOW PROCESSLIST
-- name: rights, by SHOW
SHOW GRANTS
-- name: settings, by SHOW
SHOW SETTINGS LIKE '%'
-- name: functions, by SHOW
SHOW FUNCTIONS
-- name: users, by SHOW
SHOW USERS
-- name: tables of a table, by SHOW
SHOW TABLES FROM auditspan_investigator
-- name: tables with a condition, by SHOW
SHOW TABLES WHERE file('CANARY') != ''
-- name: tables into a file, by SHOW
SHOW TABLES INTO OUTFILE 'OUTFILE'
-- name: columns, by SHOW
SHOW COLUMNS FROM auditspan.audit_records
-- name: describes a table that is none of ours
DESCRIBE TABLE auditspan.schema_migrations
-- name: describes a table of the system
DESCRIBE TABLE system.processes
-- name: describes with settings
DESCRIBE TABLE audit SETTINGS readonly = 0
-- name: whether a database is there
EXISTS DATABASE auditspan
-- name: whether a dictionary is there
EXISTS DICTIONARY d
-- name: whether a table for a while is there
EXISTS TEMPORARY TABLE x

-- name: a format that reads a schema
SELECT 1 FORMAT Template
-- name: a format that reads another schema
SELECT 1 FORMAT Protobuf
-- name: a format of a wire
SELECT 1 FORMAT MySQLWire
-- name: a format of chDB
SELECT 1 FORMAT DataFrame
-- name: a format nobody knows
SELECT 1 FORMAT Nothing
-- name: a format as a text
SELECT 1 FORMAT 'JSON'
-- name: two formats
SELECT 1 FORMAT JSON FORMAT CSV
-- name: a format in a sub-select
SELECT * FROM (SELECT 1 FORMAT JSON)
-- name: a setting that takes the lock off
SELECT 1 SETTINGS readonly = 0
-- name: a setting that lets functions look inside
SELECT 1 SETTINGS allow_introspection_functions = 1
-- name: a setting that changes the language
SELECT 1 SETTINGS dialect = 'kusto'
-- name: a setting that reads a file
SELECT 1 SETTINGS format_schema = 'CANARY'
-- name: a setting that logs elsewhere
SELECT 1 SETTINGS log_queries = 0
-- name: a setting that filters by a text
SELECT 1 SETTINGS additional_result_filter = 'file(''CANARY'') = 1'
-- name: a filter that reads a file
SELECT count() FROM audit SETTINGS additional_table_filters = {'audit': 'file(''CANARY'') != '''''}
-- name: a filter that is more than one condition
SELECT count() FROM audit SETTINGS additional_table_filters = {'audit': '1) UNION ALL SELECT file(''CANARY'') WHERE (1'}
-- name: a filter with a clause behind it
SELECT count() FROM audit SETTINGS additional_table_filters = {'audit': '1 ORDER BY file(''CANARY'')'}
-- name: a filter of a table that is not read
SELECT count() FROM audit SETTINGS additional_table_filters = {'schema_migrations': '1'}
-- name: a filter of a column with content
SELECT count() FROM audit SETTINGS additional_table_filters = {'audit': 'ToolArguments LIKE ''%a%'''}
-- name: a filter as a text
SELECT count() FROM audit SETTINGS additional_table_filters = 'x'
-- name: a setting without bounds
SELECT 1 SETTINGS max_execution_time = -1
-- name: a setting beyond its bounds
SELECT 1 SETTINGS max_block_size = 100000000000
-- name: a setting twice
SELECT 1 SETTINGS max_threads = 1, max_threads = 2
-- name: a setting in a sub-select
SELECT * FROM (SELECT 1 SETTINGS readonly = 0)
-- name: a setting in the first of a union
SELECT 1 SETTINGS readonly = 0 UNION ALL SELECT 2
-- name: a setting to its default
SELECT 1 SETTINGS readonly = DEFAULT
-- name: a parameter as a setting
SELECT 1 SETTINGS param_x = 'file'

-- name: FINAL
SELECT * FROM audit FINAL
-- name: SAMPLE
SELECT * FROM audit SAMPLE 0.1
-- name: PREWHERE
SELECT count() FROM audit PREWHERE file('CANARY') = ''
-- name: a paste join
SELECT * FROM (SELECT 1) AS a PASTE JOIN (SELECT 2) AS b
-- name: columns behind an alias
SELECT * FROM audit AS a(x, y)
-- name: VALUES in place of a table
SELECT * FROM VALUES('a String', file('CANARY'))
-- name: FROM first
FROM audit SELECT file('CANARY')
-- name: a heredoc
SELECT $x$ file('CANARY') $x$
-- name: a heredoc that hides a quote
SELECT $$ ' $$, file('CANARY'), $$ ' $$
-- name: a variable of MySQL
SELECT @@version
-- name: quotes of a word processor
SELECT ‘a’, file('CANARY')
-- name: a space that is none
SELECT file('CANARY')
-- name: a minus that is none
SELECT 3 − 1
-- name: a text that never ends
SELECT 'a
-- name: a comment that never ends
SELECT 1 /* file('CANARY')
-- name: a bracket that never ends
SELECT (1
-- name: a bracket too many
SELECT 1)
-- name: a name with a backtick
SELECT 1 AS `a``b`
-- name: a name with a new line
SELECT 1 AS `a
TableIdentifier x`
-- name: a text in place of a name
SELECT 1 AS 'x'
-- name: texts side by side
SELECT 'a' 'b'
-- name: a byte that is no letter
SELECT '\xff'
-- name: an operator of bits
SELECT 1 & 2
-- name: a method of a column
SELECT AgentId.file('CANARY') FROM audit
-- name: nothing
-- name: nothing but a comment
/* SELECT 1 */
-- name: something else
hello
-- name: a number
1
