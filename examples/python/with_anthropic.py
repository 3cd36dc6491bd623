"""The Anthropic SDK, Messages API. Reads ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL.

    python with_anthropic.py [question]

This program calls the tools, so a local gateway will do.
"""

import json
import os
import sys

from anthropic import AsyncAnthropic
from mcp import ClientSession
from shared.run import run
from shared.session import open_session

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5-5")
MAX_ROUNDS = 10


async def ask(mcp: ClientSession, question: str) -> str:
    anthropic = AsyncAnthropic()
    tools = [
        {
            "name": tool.name,
            "description": tool.description or "",
            "input_schema": tool.inputSchema,
        }
        for tool in (await mcp.list_tools()).tools
    ]
    messages = [{"role": "user", "content": question}]
    for _ in range(MAX_ROUNDS):
        answer = await anthropic.messages.create(
            model=MODEL, max_tokens=2048, tools=tools, messages=messages
        )
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = []
        for call in calls:
            result = await mcp.call_tool(call.name, call.input)
            results.append(
                {
                    "type": "tool_result",
                    "tool_use_id": call.id,
                    "content": json.dumps([block.model_dump() for block in result.content]),
                    "is_error": result.isError,
                }
            )
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": results})
    raise RuntimeError(f"The model still wanted tools after {MAX_ROUNDS} rounds.")


async def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "Who am I, according to sallyport?"
    async with open_session() as mcp:
        print(await ask(mcp, question))


run(main)
