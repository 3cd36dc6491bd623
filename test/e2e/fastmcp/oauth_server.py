"""A FastMCP server that asks for a login, whose own authorization server lets everybody in.

    python oauth_server.py PORT
"""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

port = int(sys.argv[1])
auth = InMemoryOAuthProvider(
    base_url=f"http://localhost:{port}",
    client_registration_options=ClientRegistrationOptions(enabled=True),
)
server = FastMCP("notes", auth=auth)


@server.tool
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Hello, {name}!"


server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
