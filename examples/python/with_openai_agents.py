"""The OpenAI Agents SDK. Reads OPENAI_API_KEY and OPENAI_BASE_URL.

    python with_openai_agents.py [question]

This program calls the tools, so a local gateway will do. With a public address OpenAI can call them
itself: give the agent `HostedMCPTool` of this package instead of `mcp_servers`.
"""

import os
import sys

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp
from shared.gateway import GatewayAuth, gateway_url, mcp_client_factory
from shared.run import run

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5-mini")


async def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "Who am I, according to sallyport?"
    # Traces would go to OpenAI, with what the tools answered.
    set_tracing_disabled(True)
    url = gateway_url()
    auth = GatewayAuth(url)
    await auth.log_in()
    server = MCPServerStreamableHttp(
        name="sallyport",
        params={
            "url": url,
            "auth": auth,
            "httpx_client_factory": mcp_client_factory,
            "timeout": 30,
        },
        client_session_timeout_seconds=60,
    )
    async with server as sallyport:
        agent = Agent(name="example", model=MODEL, mcp_servers=[sallyport])
        result = await Runner.run(agent, question, max_turns=10)
        print(result.final_output)


run(main)
