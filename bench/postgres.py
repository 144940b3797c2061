"""A database of the bench's own on the PostgreSQL server that `PULSE_TEST_DATABASE_URL` names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from rich.console import Console

VARIABLE = "PULSE_TEST_DATABASE_URL"


@contextmanager
def database(purpose: str) -> Iterator[str | None]:
    """Its URL within the block, and then it is dropped. None without a server, and a line says so."""
    server = os.environ.get(VARIABLE)
    if not server:
        Console(stderr=True).print(f"{VARIABLE} is not set: {purpose} on PostgreSQL is left out.")
        yield None
        return
    name = f"pulse_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
