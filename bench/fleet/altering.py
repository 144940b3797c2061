"""The limit of a fleet migration: raw sqlite3 alters each file in a transaction, in a pool of processes.

Imports nothing of Pulse's or Django's, so that the processes start as quickly as they can.
"""

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context

STATEMENT = "ALTER TABLE rbac_role ADD COLUMN colour varchar(7) NULL"
BATCH = 50


def alter_all(files: Sequence[str]) -> None:
    for file in files:
        with closing(sqlite3.connect(file, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute(STATEMENT)
            raw.execute("COMMIT")


def in_two_processes(files: Sequence[str]) -> None:
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(alter_all, batches))
