"""The Assistants API v2 itself: a Starlette application over a store, tools and models."""
