"""Widgets of the workspace screen, one file each."""
