"""The wire's routes, one file a noun."""
