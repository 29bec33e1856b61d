"""PostgreSQL through psycopg 3: the second dialect of the same statements."""

from longshore.adapters.sql.postgres.database import PostgresDatabase
from longshore.adapters.sql.postgres.settings import BadDatabaseUrl, PostgresSettings

__all__ = ["BadDatabaseUrl", "PostgresDatabase", "PostgresSettings"]
