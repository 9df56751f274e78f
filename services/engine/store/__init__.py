"""The store: tables, the database, and one file of queries a noun."""
