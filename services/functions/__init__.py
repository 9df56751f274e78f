"""The user's own Python functions, and the decisions about them."""
