"""Which assistant is meant by what somebody typed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.records import Assistant, ServiceError


class WrongName(ServiceError):
    """The command line named an assistant that cannot be told."""


def choose(assistants: Sequence[Assistant], wanted: str) -> Assistant:
    """By id, by name, or by the unique beginning of a name, whatever the case.

    Raises ``ServiceError`` with the names there are.
    """
    for assistant in assistants:
        if assistant.id == wanted:
            return assistant
    name = wanted.casefold()
    exact = [each for each in assistants if each.name == wanted] or [
        each for each in assistants if each.name.casefold() == name
    ]
    found = exact or [each for each in assistants if each.name.casefold().startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongName(
            f"{wanted} could be any of: {_names(found, ids=True)}. Say it with -a and more of "
            "the name, or the id."
        )
    there = _names(assistants) if assistants else "none yet"
    raise WrongName(f"There is no assistant {wanted}. There is: {there}.")


def _names(assistants: Collection[Assistant], ids: bool = False) -> str:
    return ", ".join(
        f"{each.name} ({each.id})" if ids and each.name else each.name or each.id
        for each in assistants
    )
