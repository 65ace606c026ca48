"""An agent that works while a test looks on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from compline_edge.agent import Agent, open_agent
from compline_edge.settings import EdgeSettings


@asynccontextmanager
async def running_agent(
    settings: EdgeSettings, *, just_before: Callable[[], object] = lambda: None
) -> AsyncIterator[Agent]:
    """Open the agent and let it run; ``just_before`` is called when it is about to begin."""
    async with open_agent(settings) as agent:
        just_before()
        running = asyncio.create_task(agent.run())
        try:
            yield agent
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
