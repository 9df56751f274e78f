"""``file_search``: the model's questions put to the vector stores of the assistant and the thread.

What the model reads of a passage begins with its marker (``【4:0†source】``, as the hosted API
wrote them); where the answer repeats a marker, ``runs/citations.py`` makes it a citation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from services.engine.errors import ApiError
from services.engine.models.base import ToolDefinition
from services.engine.models.estimates import text_tokens
from services.engine.retrieval.blocks import described
from services.engine.retrieval.indexer import Indexer
from services.engine.retrieval.search import Passage, search
from services.engine.store import vector_stores
from services.engine.store.database import Database
from services.engine.tools.base import Announce, CallResult, Kind, ToolUnusable

log = logging.getLogger(__name__)

INDEXING_SECONDS = 60.0
RESULTS = 20
OUTPUT_TOKENS = 16_000
MOST_QUERIES = 5
QUERY_CHARACTERS = 1_000
RANKER = "default_2024_08_21"

_DESCRIPTION = """\
Searches the files that were given to you or to this conversation, and returns the passages that \
fit best. Use it whenever the answer may stand in those files. Each passage begins with a marker \
such as 【4:0†source】: repeat the marker, exactly as it is, right after every statement that you \
take from the passage."""
_PARAMETERS = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MOST_QUERIES,
            "description": "What to look for: the user's question, and other ways to put it.",
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}


class FileSearch:
    """``settings`` is the tool's own ``file_search`` object; ``tokens`` bounds what it returns.

    Files of the stores in ``fresh`` that are still being indexed are waited for, for a while.
    """

    kind: Kind = "file_search"
    opening: Mapping[str, Any] = {}

    def __init__(
        self,
        database: Database,
        indexer: Indexer,
        store_ids: Sequence[str],
        settings: Mapping[str, Any],
        *,
        fresh: Sequence[str] = (),
        name: str = "file_search",
        tokens: int = OUTPUT_TOKENS,
    ):
        self.definition = ToolDefinition(name, _DESCRIPTION, _PARAMETERS)
        self._store_ids = tuple(store_ids)
        self._fresh = tuple(fresh)
        self._database = database
        self._indexer = indexer
        ranking = settings.get("ranking_options") or {}
        self._most = settings.get("max_num_results") or RESULTS
        self._threshold = ranking.get("score_threshold") or 0.0
        ranker = ranking.get("ranker")
        self._ranker = RANKER if ranker in (None, "auto") else ranker
        self._tokens = tokens

    async def prepare(self) -> None:
        """The stores are there and in use, and what was just attached can be found."""
        async with self._database.write(durable=False) as connection:
            for store_id in self._store_ids:
                try:
                    await vector_stores.living(connection, store_id)
                except ApiError as error:
                    raise ToolUnusable(error.message) from None
            await vector_stores.use(connection, self._store_ids)
        if self._fresh and not await self._indexer.settled(self._fresh, INDEXING_SECONDS):
            log.info("searching while files of %s are still being indexed", ", ".join(self._fresh))

    async def carry_out(
        self, arguments: str, ordinal: int, announce: Announce, *, sharing: int = 1
    ) -> CallResult:
        """See ``BuiltInTool.carry_out``."""
        queries = _queries(arguments)
        if not queries:
            return self._result([], "Nothing was searched: the call holds no query.", {})
        async with self._database.read() as connection:
            found = await search(
                connection,
                self._store_ids,
                queries,
                most=self._most,
                threshold=self._threshold,
            )
        passages: list[Passage] = []
        blocks: list[str] = []
        left = self._tokens // sharing
        for passage in found:
            where = ", ".join(filter(None, (passage.file_name, described(passage.place))))
            block = f"{marker(ordinal, len(passages))} {where}\n{passage.text}"
            left -= text_tokens(block)
            # The best passage goes in whatever its size.
            if left < 0 and passages:
                break
            passages.append(passage)
            blocks.append(block)
        if not passages:
            return self._result([], "No passage of the files fits these queries.", {})
        citations = {
            marker(ordinal, number): passage.file_id for number, passage in enumerate(passages)
        }
        return self._result(passages, "\n\n".join(blocks), citations)

    def _result(
        self, passages: Sequence[Passage], output: str, citations: Mapping[str, str]
    ) -> CallResult:
        found = [
            {
                "file_id": passage.file_id,
                "file_name": passage.file_name,
                "score": passage.score,
                "content": [{"type": "text", "text": passage.text}],
            }
            for passage in passages
        ]
        ranking = {"ranker": self._ranker, "score_threshold": self._threshold}
        return CallResult({"ranking_options": ranking, "results": found}, output, citations)


def marker(ordinal: int, number: int) -> str:
    return f"【{ordinal}:{number}†source】"


def _queries(arguments: str) -> list[str]:
    """What a model meant, in whichever of the usual forms it said it."""
    try:
        value: Any = json.loads(arguments)
    except (ValueError, RecursionError):
        value = arguments
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("queries", "query", "q") if value.get(name)), [])
    given = value if isinstance(value, list) else [value]
    texts = (each.strip()[:QUERY_CHARACTERS] for each in given if isinstance(each, str))
    return [text for text in texts if text][:MOST_QUERIES]
