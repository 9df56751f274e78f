"""Drivers of language models behind one small interface."""
