"""An agent that works while a test looks on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from compline_edge.agent import Agent, open_agent
from compline_edge.settings import EdgeSettings
from tests.in_background import in_background


@asynccontextmanager
async def running_agent(
    settings: EdgeSettings, *, just_before: Callable[[], object] = lambda: None
) -> AsyncIterator[Agent]:
    """Open the agent and let it run; ``just_before`` is called when it is about to begin."""
    async with open_agent(settings) as agent:
        just_before()
        async with in_background(agent.run()):
            yield agent
