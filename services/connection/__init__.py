"""Where assistants live and which model answers."""
