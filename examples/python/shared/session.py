"""An MCP session with the gateway, for libraries that take one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from .gateway import GatewayAuth, gateway_url, trusting_client


@asynccontextmanager
async def open_session() -> AsyncIterator[ClientSession]:
    url = gateway_url()
    async with (
        trusting_client(auth=GatewayAuth(url)) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session
