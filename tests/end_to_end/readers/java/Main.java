// Reads as DBeaver does: the driver's metadata, then statements.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

class Main {
    public static void main(String[] arguments) throws SQLException {
        Properties login = new Properties();
        login.put("user", "reader");
        login.put("password", arguments[1]);
        String url = "jdbc:ch:http://" + arguments[0] + "/auditspan?compress=0";
        try (Connection connection = DriverManager.getConnection(url, login)) {
            if (!connection.isValid(5)) throw new SQLException("not valid");
            System.out.println("{" + String.join(", ", List.of(
                whole(connection, "SELECT * FROM audit WHERE Operation = 'execute_tool'"),
                "\"unknown\": " + code(connection, "SELECT nothing_here FROM audit"),
                "\"write\": " + code(connection, "INSERT INTO agents VALUES ('x')"),
                "\"tables\": " + tables(connection),
                "\"described\": " + described(connection),
                "\"tools\": " + pairs(connection, "SELECT ToolName, count() FROM audit "
                    + "WHERE Operation = ? GROUP BY ToolName", "execute_tool"),
                "\"bound\": " + pairs(connection, "SELECT ToolName, count() FROM audit "
                    + "WHERE ToolName = ? GROUP BY ToolName", "think"))) + "}");
        }
    }

    private static String whole(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(sql)) {
            int rows = 0, columns = found.getMetaData().getColumnCount();
            for (; found.next(); rows++)
                for (int column = 1; column <= columns; column++) found.getObject(column);
            return "\"rows\": " + rows + ", \"columns\": " + columns;
        }
    }

    private static int code(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
            return 0;
        } catch (SQLException refused) {
            return refused.getErrorCode();
        }
    }

    private static String tables(Connection connection) throws SQLException {
        List<String> names = new ArrayList<>();
        try (ResultSet found = connection.getMetaData().getTables(null, "auditspan", "%", null)) {
            while (found.next()) names.add("\"" + found.getString("TABLE_NAME") + "\": 1");
        }
        return "{" + String.join(", ", names) + "}";
    }

    private static int described(Connection connection) throws SQLException {
        int columns = 0;
        try (ResultSet found = connection.getMetaData().getColumns(null, "auditspan", "audit", "%")) {
            while (found.next()) columns++;
        }
        return columns;
    }

    private static String pairs(Connection connection, String sql, String value) throws SQLException {
        List<String> names = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, value);
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) names.add("\"" + found.getString(1) + "\": " + found.getLong(2));
            }
        }
        return "{" + String.join(", ", names) + "}";
    }
}
