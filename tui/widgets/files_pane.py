"""The files of the thread that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from services.records import Attachment
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList


class FilesPane(RowList):
    BORDER_TITLE = "Files"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(empty="None: @ attaches one", id=id)

    def show_files(self, attachments: Sequence[Attachment]) -> None:
        """Show each attached file once, in the order in which they came."""
        files = {attachment.file_id: attachment for attachment in attachments}
        self.show_rows(
            [
                Row(file_id, safe_line(attachment.name or file_id, 200), aside=_tools(attachment))
                for file_id, attachment in files.items()
            ]
        )


def _tools(attachment: Attachment) -> str:
    short = {"file_search": "search", "code_interpreter": "code"}
    return "+".join(short[tool] for tool in attachment.tools if tool in short)
