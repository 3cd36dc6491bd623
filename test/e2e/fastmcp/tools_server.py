"""A FastMCP server with something of everything, over stdio or HTTP.

    python tools_server.py [PORT]
"""

import asyncio
import sys

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError

server = FastMCP("everything", instructions="Call echo.", version="1.2.3")


@server.tool
def echo(text: str) -> str:
    """Returns the text it is given."""
    return text


@server.tool
def add(a: int, b: int) -> dict[str, int]:
    """Adds two numbers."""
    return {"sum": a + b}


@server.tool
def fail() -> str:
    """Always fails."""
    raise ToolError("this tool always fails")


@server.tool
async def log(message: str, ctx: Context) -> str:
    """Says something before it answers."""
    await ctx.info(message)
    await ctx.warning(message)
    return "logged"


@server.tool
async def slow(steps: int, intervalMs: int, ctx: Context) -> str:
    """Tells how far it is."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps)
        await asyncio.sleep(intervalMs / 1000)
    return "done"


@server.tool
async def ask_user(ctx: Context) -> str:
    """Asks for a name."""
    answer = await ctx.elicit("Name?", response_type=str)
    return str(answer)


@server.tool
async def ask_model(ctx: Context) -> str:
    """Asks for a completion."""
    return str(await ctx.sample("Hi"))


@server.tool
async def ask_roots(ctx: Context) -> str:
    """Asks for the folders of the client."""
    return str(await ctx.list_roots())


@server.resource("memo://hello")
def hello() -> str:
    """A greeting."""
    return "hello"


@server.resource("memo://notes/{topic}")
def note(topic: str) -> str:
    """A note."""
    return f"about {topic}"


@server.prompt
def plain() -> str:
    """Without arguments."""
    return "Say hello."


@server.prompt
def greet(person: str) -> str:
    """Greets somebody."""
    return f"Greet {person}."


if len(sys.argv) > 1:
    port = int(sys.argv[1])
    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
else:
    server.run(show_banner=False)
