"""What a thread has not sent: nothing of it is lost, nothing is sent twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outbox import NOT_SENT_BEFORE, Outbox
from services.outgoing import (
    Draft,
    Fold,
    Outgoing,
    PendingFile,
    draft_as_json,
    draft_from_json,
    expand,
    message_body,
    readable_size,
)

REPORT = PendingFile(
    "report.pdf", 1_200_000, "file_search", ("file_search", "both"), path="/tmp/report.pdf"
)
PHOTO = PendingFile("photo.png", 10, "image", ("image", "code_interpreter"), path="/tmp/photo.png")


def an_outbox(*queue: str, paused: str = "") -> Outbox:
    outbox = Outbox("thread_1", Draft(), lambda _: None)
    for text in queue:
        outbox.enqueue(Outgoing(text))
    outbox.paused = paused
    return outbox


def texts(outbox: Outbox) -> list[str]:
    return [each.text for each in outbox.queue]


def test_queued_messages_leave_one_by_one_in_their_order() -> None:
    outbox = an_outbox("one", "two")
    first = outbox.next()
    assert first is not None
    assert (first.message.text, first.queued) == ("one", True)
    assert texts(outbox) == ["two"]


def test_a_paused_queue_gives_nothing_out_until_it_goes_on() -> None:
    outbox = an_outbox("one")
    outbox.pause("you stopped the answer")
    assert outbox.next() is None
    outbox.resume()
    assert outbox.next() is not None


def test_a_queue_read_from_disk_waits_to_be_told() -> None:
    outbox = Outbox("t", Draft(queue=(Outgoing("one"),)), lambda _: None)
    assert outbox.paused == NOT_SENT_BEFORE
    assert outbox.next() is None


def test_a_message_that_is_being_edited_is_not_sent_and_comes_back_to_its_place() -> None:
    outbox = an_outbox("one", "two")
    shown = outbox.begin_editing(0, Outgoing("my draft"))
    assert shown.text == "one"
    assert outbox.next() is None
    assert outbox.end_editing(Outgoing("one, better")).text == "my draft"
    assert texts(outbox) == ["one, better", "two"]


def test_editing_that_is_left_changes_nothing_and_editing_to_nothing_drops() -> None:
    outbox = an_outbox("one", "two")
    outbox.begin_editing(1, Outgoing())
    outbox.end_editing(None)
    assert texts(outbox) == ["one", "two"]
    outbox.begin_editing(1, Outgoing())
    outbox.end_editing(Outgoing())
    assert texts(outbox) == ["one"]


@given(st.data())
def test_the_lock_follows_its_message_through_every_move_and_drop(data: st.DataObject) -> None:
    names = ["a", "b", "c", "d"]
    outbox = an_outbox(*names)
    outbox.begin_editing(data.draw(st.integers(0, 3)), Outgoing())
    edited = outbox.queue[outbox.editing or 0].text
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(outbox.queue) - 1))
        if data.draw(st.booleans()):
            outbox.move(at, data.draw(st.sampled_from([-1, 1])))
        elif outbox.queue[at].text != edited:
            outbox.drop(at)
    assert outbox.editing is not None
    assert outbox.queue[outbox.editing].text == edited


def test_what_is_on_its_way_is_kept_until_it_arrived() -> None:
    outbox = an_outbox()
    outbox.message = Outgoing("typed since")
    delivery = outbox.take(Outgoing("on its way", files=(REPORT,)))
    kept = outbox.draft().message
    assert kept.text == "on its way\n\ntyped since"
    assert kept.files == (REPORT,)
    outbox.over(delivery)
    assert outbox.draft().message.text == "typed since"


def test_what_is_edited_in_the_box_is_kept_in_its_place_of_the_queue() -> None:
    outbox = an_outbox("one", "two")
    outbox.begin_editing(1, Outgoing("my draft"))
    outbox.ask = lambda: Outgoing("two, better")
    kept = outbox.draft()
    assert kept.message.text == "my draft"
    assert [each.text for each in kept.queue] == ["one", "two, better"]


def test_a_draft_is_the_same_after_a_stay_on_disk() -> None:
    message = Outgoing(
        "see [Pasted 84 lines #1]", (REPORT, PHOTO), (Fold("[Pasted 84 lines #1]", "x"),)
    )
    draft = Draft(message, (Outgoing("next", assistant_id="asst_1"),), "the run failed")
    assert draft_from_json(draft_as_json(draft)) == draft


@pytest.mark.parametrize(
    "broken",
    [None, [], "x", {"message": 3, "queue": "no"},
     {"message": {"text": 1, "files": [{"use": "?"}]}},
     {"queue": [{}, 5, {"text": "kept", "folds": [["a"], 3]}]}],
)  # fmt: skip
def test_a_draft_that_makes_no_sense_is_read_as_far_as_it_does(broken: object) -> None:
    draft = draft_from_json(broken)
    assert draft.message == Outgoing()
    assert [each.text for each in draft.queue] in ([], ["kept"])


def test_a_token_is_opened_once_and_a_token_inside_a_paste_stays() -> None:
    folds = (Fold("[#1]", "first [#2]"), Fold("[#2]", "second"))
    assert expand("a [#1] b [#2]", folds) == "a first [#2] b second"


def test_two_messages_become_one_without_mixing_up_their_pastes() -> None:
    one = Outgoing("[Pasted 11 lines #1]", folds=(Fold("[Pasted 11 lines #1]", "ONE"),))
    two = Outgoing("[Pasted 11 lines #1]", folds=(Fold("[Pasted 11 lines #1]", "TWO"),))
    assert one.joined(two).expanded == "ONE\n\nTWO"


def test_files_go_as_attachments_and_pictures_as_parts() -> None:
    files = (
        PendingFile("a.pdf", 1, "both", file_id="file_a"),
        PendingFile("b.png", 1, "image", file_id="file_b"),
    )
    assert message_body("look", files) == {
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image_file", "image_file": {"file_id": "file_b"}},
        ],
        "attachments": [
            {
                "file_id": "file_a",
                "tools": [{"type": "file_search"}, {"type": "code_interpreter"}],
            }
        ],
    }
    assert message_body("plain", ()) == {"content": "plain"}


def test_a_message_of_files_alone_names_them() -> None:
    assert Outgoing(files=(REPORT,)).wording == "Attached: report.pdf"
    assert Outgoing(files=(PHOTO,)).wording == ""


def test_switching_a_picture_to_code_uploads_it_again_for_that_purpose() -> None:
    uploaded = PendingFile("p.png", 1, "image", ("image", "code_interpreter"), "/p.png", "file_1")
    switched = uploaded.switched()
    assert (switched.use, switched.file_id) == ("code_interpreter", "")
    assert REPORT.switched().switched() == REPORT


def test_sizes_are_written_for_people() -> None:
    sizes = (0, 999, 1_000, 1_234_567, 9_960_000, 512 * 1024 * 1024, 3 * 10**12)
    assert [readable_size(each) for each in sizes] == [
        "0 B", "999 B", "1.0 kB", "1.2 MB", "10 MB", "537 MB", "3000 GB",
    ]  # fmt: skip
