"""The thread list of the services: pages, filter, what was put away, what was deleted."""

from __future__ import annotations

import pytest

from services.records import ServiceError
from services.thread_listing import PAGE
from services.threads import Threads
from tests.wire.conftest import Wire


@pytest.fixture
def threads(wire: Wire) -> Threads:
    return Threads(wire.client)


async def test_a_long_list_is_read_a_page_at_a_time(wire: Wire, threads: Threads) -> None:
    for number in range(PAGE + 5):
        await wire.thread(f"Subject {number}")
    listing = threads.listing()
    await listing.refresh()
    assert len(listing.threads) == PAGE
    assert listing.more
    await listing.extend()
    assert [each.title for each in listing.threads[-2:]] == ["Subject 1", "Subject 0"]
    assert not listing.more
    assert len({each.id for each in listing.threads}) == PAGE + 5


async def test_the_filter_looks_at_all_threads_and_not_only_at_those_read(
    wire: Wire, threads: Threads
) -> None:
    await wire.thread("The needle")
    for number in range(PAGE + 1):
        await wire.thread(f"Hay {number}")
    found = threads.listing(query="NEEDLE")
    await found.refresh()
    assert [each.title for each in found.threads] == ["The needle"]


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Über den Fluss", "über"),
        ("100 % sure", "100 %"),
        ("a_b", "A_B"),
        ("back\\slash", "k\\s"),
        ("Привет мир", "привет"),
        ("日本語", "本"),
    ],
)
async def test_the_filter_takes_what_is_typed_literally_in_any_case(
    wire: Wire, threads: Threads, title: str, query: str
) -> None:
    await wire.thread("axb", "100 x sure")
    thread = await wire.thread("first")
    await threads.rename(thread.id, title)
    found = threads.listing(query=query)
    await found.refresh()
    assert [each.title for each in found.threads] == [title]


async def test_a_renamed_thread_is_not_found_by_its_first_message(
    wire: Wire, threads: Threads
) -> None:
    thread = await wire.thread("Old words")
    await threads.rename(thread.id, "New name")
    for query, number in (("old", 0), ("new", 1)):
        found = threads.listing(query=query)
        await found.refresh()
        assert len(found.threads) == number


async def test_a_thread_put_away_is_in_the_other_list_until_it_is_put_back(
    wire: Wire, threads: Threads
) -> None:
    thread = await wire.thread("Quiet")
    await wire.thread("Loud")
    put_away = await threads.archive(thread.id)
    assert put_away.archived
    assert [each.title for each in await threads.list()] == ["Loud"]
    archived = threads.listing(archived=True)
    await archived.refresh()
    assert [each.title for each in archived.threads] == ["Quiet"]
    await threads.archive(thread.id, False)
    assert [each.title for each in await threads.list()] == ["Loud", "Quiet"]


async def test_scripts_go_on_listing_every_thread(wire: Wire, threads: Threads) -> None:
    thread = await wire.thread("Quiet")
    await threads.archive(thread.id)
    listed = (await wire.raw("GET", "/threads")).json()["data"]
    assert [each["id"] for each in listed] == [thread.id]
    refused = await wire.raw("GET", "/threads", params={"state": "lost"})
    assert refused.status_code == 400
    assert "'current', 'archived', and 'deleted'" in refused.json()["error"]["message"]


async def test_what_moved_up_meanwhile_is_not_listed_twice(wire: Wire, threads: Threads) -> None:
    made = [await wire.thread(f"Subject {number}") for number in range(PAGE + 3)]
    listing = threads.listing()
    await listing.refresh()
    # The last one read moves to the top: the next page begins behind where it is now.
    await wire.client.beta.threads.messages.create(
        listing.threads[-1].id, role="user", content="more"
    )
    while listing.more:
        await listing.extend()
    assert {each.id for each in listing.threads} == {each.id for each in made}
    assert len(listing.threads) == len(made)


async def test_new_threads_come_first_and_the_rest_stays_while_somebody_reads(
    wire: Wire, threads: Threads
) -> None:
    first, second = await wire.thread("one"), await wire.thread("two")
    listing = threads.listing()
    await listing.refresh()
    await wire.client.beta.threads.messages.create(first.id, role="user", content="more")
    third = await wire.thread("three")
    await listing.refresh(keep_order=lambda: True)
    assert [each.id for each in listing.threads] == [third.id, second.id, first.id]
    await listing.refresh()
    assert [each.id for each in listing.threads] == [third.id, first.id, second.id]


async def test_what_another_program_deleted_leaves_the_list(wire: Wire, threads: Threads) -> None:
    thread = await wire.thread("one")
    kept = await wire.thread("two")
    listing = threads.listing()
    await listing.refresh()
    await wire.client.beta.threads.delete(thread.id)
    await listing.refresh(keep_order=lambda: True)
    assert [each.id for each in listing.threads] == [kept.id]


async def test_a_search_hit_says_where_it_is(wire: Wire, threads: Threads) -> None:
    thread = await wire.thread("The cats were sleeping on the sofa.")
    await threads.rename(thread.id, "Pets")
    (hit,) = await threads.search("sleep cat")
    assert (hit.thread_id, hit.thread_title, hit.role) == (thread.id, "Pets", "user")
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["cats", "sleeping"]
    assert not hit.archived
    await threads.archive(thread.id)
    (hit,) = await threads.search("cats")
    assert hit.archived


async def test_a_server_without_a_search_is_told_in_a_sentence(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(path: str, query: object) -> dict[str, object]:
        raise ServiceError("Invalid 'thread_id': 'search'.", status=400, code="invalid_value")

    monkeypatch.setattr(threads, "_get", unknown)
    with pytest.raises(ServiceError, match="cannot search what was said"):
        await threads.search("cats")


async def test_a_thread_opens_through_an_old_message(wire: Wire, threads: Threads) -> None:
    thread = await wire.thread(*(f"message {number}" for number in range(250)))
    whole = await threads.open(thread.id, limit=20)
    assert len(whole.items) == 20
    listed = await wire.client.beta.threads.messages.list(thread.id, order="asc", limit=40)
    wanted = listed.data[30].id
    opened = await threads.open(thread.id, limit=20, through=wanted)
    assert wanted in [item.id for item in opened.items]
    assert len(opened.items) < 251
    assert [item.created_at for item in opened.items] == sorted(
        item.created_at for item in opened.items
    )
