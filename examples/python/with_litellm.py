"""LiteLLM, here with a model of OpenAI's. Reads OPENAI_API_KEY and OPENAI_BASE_URL.

python with_litellm.py [question]
"""

import json
import os
import sys

import litellm
from mcp import ClientSession
from shared.run import run
from shared.session import open_session

MODEL = os.environ.get("LITELLM_MODEL", "openai/gpt-5-mini")
MAX_ROUNDS = 10


async def ask(mcp: ClientSession, question: str) -> str:
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.inputSchema,
            },
        }
        for tool in (await mcp.list_tools()).tools
    ]
    messages = [{"role": "user", "content": question}]
    for _ in range(MAX_ROUNDS):
        answer = await litellm.acompletion(model=MODEL, messages=messages, tools=tools)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            result = await mcp.call_tool(
                call.function.name, json.loads(call.function.arguments or "{}")
            )
            content = json.dumps([block.model_dump() for block in result.content])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    raise RuntimeError(f"The model still wanted tools after {MAX_ROUNDS} rounds.")


async def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "Who am I, according to sallyport?"
    async with open_session() as mcp:
        print(await ask(mcp, question))


run(main)
