"""The database in SQL: one set of tables, statements and repositories for every dialect; engines beside them."""
