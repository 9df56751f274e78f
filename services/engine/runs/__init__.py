"""Runs: the loop that answers, what it sees, and what it announces."""
