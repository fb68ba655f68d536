// Reads as a web service does: JSON, gzip, bound parameters.
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";

const [, , address, password] = process.argv;
const client = createClient({
  url: `http://${address}`, username: "reader", password, database: "auditspan",
  compression: { response: true, request: true },
  clickhouse_settings: { max_execution_time: 60 },
  log: { level: ClickHouseLogLevel.OFF },
});

async function pairs(query, query_params = {}) {
  const answer = await client.query({ query, query_params, format: "JSONCompactEachRow" });
  return Object.fromEntries((await answer.json()).map(([name, count]) => [name, Number(count)]));
}

async function whole(query) {
  const answer = await client.query({ query, format: "JSONCompactEachRow" });
  let rows = 0, columns = 0;
  for await (const part of answer.stream())
    for (const row of part) [rows, columns] = [rows + 1, row.json().length];
  return { rows, columns };
}

const code = (doing) => doing.then(() => 0, (error) => Number(error.code ?? -1));

const reached = await client.ping();
if (!reached.success) throw reached.error;
console.log(JSON.stringify({
  ...(await whole("SELECT * FROM audit WHERE Operation = 'execute_tool'")),
  unknown: await code(client.query({ query: "SELECT nothing_here FROM audit" })),
  write: await code(client.command({ query: "INSERT INTO agents VALUES ('x')" })),
  tables: await pairs("SELECT name, 1 FROM system.tables WHERE database = 'auditspan'"),
  tools: await pairs(
    "SELECT ToolName, count() FROM audit WHERE Operation = 'execute_tool' GROUP BY ToolName"),
  bound: await pairs(
    "SELECT ToolName, count() FROM audit WHERE ToolName = {tool:String} GROUP BY ToolName",
    { tool: "think" }),
}));
await client.close();
