"""A thread as a file: read whole over the wire, and written as Markdown, JSON or HTML."""
