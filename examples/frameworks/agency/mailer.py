"""An MCP server over standard input and output, with one tool."""

from mcp.server import MCPServer

server = MCPServer("mailer")


@server.tool()
def notify_customer(customer_id: str, text: str) -> str:
    """Write to a customer."""
    return f"sent to {customer_id}"


server.run()
