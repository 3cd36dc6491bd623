"""LangChain with a model of OpenAI's. Reads OPENAI_API_KEY and OPENAI_BASE_URL.

python with_langchain.py [question]
"""

import os
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.tools import load_mcp_tools
from langchain_openai import ChatOpenAI
from shared.run import run
from shared.session import open_session

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5-mini")


async def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "Who am I, according to sallyport?"
    async with open_session() as mcp:
        agent = create_agent(ChatOpenAI(model=MODEL), await load_mcp_tools(mcp))
        result = await agent.ainvoke(
            {"messages": [{"role": "user", "content": question}]}, {"recursion_limit": 20}
        )
        print(result["messages"][-1].text)


run(main)
