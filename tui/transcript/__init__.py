"""Transcript: one virtualised widget."""
