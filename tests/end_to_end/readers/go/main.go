// Reads as Grafana's plugin does: database/sql over HTTP, gzip, settings with each statement.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// strings and counts of a statement of one or two columns
func pairs(db *sql.DB, text string, args ...any) map[string]uint64 {
	rows, err := db.Query(text, args...)
	must(err)
	defer rows.Close()
	found := map[string]uint64{}
	for rows.Next() {
		var name string
		var count uint64
		must(rows.Scan(&name, &count))
		found[name] = count
	}
	must(rows.Err())
	return found
}

// how many rows and columns, each value read into its own type
func whole(db *sql.DB, text string) (int, int) {
	rows, err := db.Query(text)
	must(err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	must(err)
	count := 0
	for ; rows.Next(); count++ {
		values := make([]any, len(types))
		for place, column := range types {
			values[place] = reflect.New(column.ScanType()).Interface()
		}
		must(rows.Scan(values...))
	}
	must(rows.Err())
	return count, len(types)
}

func code(err error) int {
	var refused *clickhouse.Exception
	if errors.As(err, &refused) {
		return int(refused.Code)
	}
	return 0
}

func main() {
	db := clickhouse.OpenDB(&clickhouse.Options{
		Addr:        []string{os.Args[1]},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: "auditspan", Username: "reader", Password: os.Args[2]},
		Settings:    clickhouse.Settings{"max_execution_time": 60},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionGZIP},
	})
	must(db.PingContext(context.Background()))
	rows, columns := whole(db, "SELECT * FROM audit WHERE Operation = 'execute_tool'")
	_, unknown := db.Query("SELECT nothing_here FROM audit")
	_, written := db.Exec("INSERT INTO agents VALUES ('x')")
	said, err := json.Marshal(map[string]any{
		"rows": rows, "columns": columns, "unknown": code(unknown), "write": code(written),
		"tables": pairs(db, "SELECT name, toUInt64(1) FROM system.tables WHERE database = 'auditspan'"),
		"tools":  pairs(db, "SELECT ToolName, count() FROM audit WHERE Operation = 'execute_tool' GROUP BY ToolName"),
		"bound":  pairs(db, "SELECT ToolName, count() FROM audit WHERE ToolName = ? GROUP BY ToolName", "think"),
	})
	must(err)
	_, err = os.Stdout.Write(append(said, '\n'))
	must(err)
}
