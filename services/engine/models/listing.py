"""The answer to ``GET /models``, in whatever shape it came."""

from __future__ import annotations

from collections.abc import Mapping

from services.engine.models.base import ModelEntry


def entries_in(body: object, host: str) -> list[ModelEntry]:
    """The models listed, each once. ``created`` is 0 where unknown, ``owned_by`` the host.

    Raises ``ValueError`` when ``body`` is no list of models at all.
    """
    if isinstance(body, Mapping):
        found = next((body[key] for key in ("data", "models") if key in body), None)
        body = [] if found is None and "data" in body else found
    if isinstance(body, Mapping):
        body = [{"id": name} for name in body]
    if not isinstance(body, list):
        raise ValueError("not a list of models")
    entries: dict[str, ModelEntry] = {}
    for each in body:
        fields = each if isinstance(each, Mapping) else {"id": each}
        names = (fields.get(key) for key in ("id", "name", "model"))
        name = next((name for name in names if isinstance(name, str) and name.strip()), None)
        if name is None:
            continue
        created = fields.get("created")
        owner = fields.get("owned_by")
        entries.setdefault(
            name,
            ModelEntry(
                id=name,
                created=_time(created),
                owned_by=owner if isinstance(owner, str) and owner else host,
            ),
        )
    return list(entries.values())


def _time(value: object) -> int:
    """Seconds since 1970, 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value < 1e11 else 0
