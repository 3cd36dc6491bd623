"""The MCP SDK by itself, without a model: lists the tools of a profile and calls one.

python with_mcp_sdk.py [tool] [arguments as JSON]
"""

import json
import sys

from shared.run import run
from shared.session import open_session


async def main() -> None:
    tool = sys.argv[1] if len(sys.argv) > 1 else "whoami"
    arguments = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    async with open_session() as mcp:
        tools = (await mcp.list_tools()).tools
        print("Tools:", ", ".join(tool.name for tool in tools))
        result = await mcp.call_tool(tool, arguments)
        for block in result.content:
            print(block.text if block.type == "text" else block)


run(main)
