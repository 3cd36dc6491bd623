"""DSPy with a model of OpenAI's. Reads OPENAI_API_KEY and OPENAI_BASE_URL.

python with_dspy.py [question]
"""

import os
import sys

import dspy
from shared.run import run
from shared.session import open_session

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5-mini")


async def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "Who am I, according to sallyport?"
    dspy.configure(lm=dspy.LM(f"openai/{MODEL}"))
    async with open_session() as mcp:
        tools = [dspy.Tool.from_mcp_tool(mcp, tool) for tool in (await mcp.list_tools()).tools]
        agent = dspy.ReAct("question -> answer", tools=tools, max_iters=10)
        result = await agent.acall(question=question)
        print(result.answer)


run(main)
