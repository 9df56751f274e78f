"""The SDK's assistants and threads, without the rest of its ``client.beta``.

``client.beta`` also imports realtime and agents, which nobody here needs and everybody would wait
for: 75 ms of the 750 that stand between the first paint and the first answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.resources.beta.assistants import AsyncAssistants
    from openai.resources.beta.threads.threads import AsyncThreads


def assistants_of(client: AsyncOpenAI) -> AsyncAssistants:
    """What ``client.beta.assistants`` is."""
    from openai.resources.beta.assistants import AsyncAssistants

    return AsyncAssistants(client)


def threads_of(client: AsyncOpenAI) -> AsyncThreads:
    """What ``client.beta.threads`` is."""
    from openai.resources.beta.threads.threads import AsyncThreads

    return AsyncThreads(client)
