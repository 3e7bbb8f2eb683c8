"""The file of the embedded store: its tables, its settings, and what makes it ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from otel_openstack.exceptions import SourceError

_APPLICATION_ID = 0x6F54656C  # "oTel", in the place that SQLite has for saying whose file it is
_SCHEMA_VERSION = 1
_MAGIC = b"SQLite format 3\0"
_SCHEMA = """
CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, received_unix_nano INTEGER NOT NULL, payload BLOB NOT NULL);
-- One row: the last batch that the tables below know
CREATE TABLE sorted (through INTEGER NOT NULL);
INSERT INTO sorted VALUES (0);
CREATE TABLE trace (id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL UNIQUE, start_unix_nano INTEGER NOT NULL);
CREATE INDEX trace_by_start ON trace (start_unix_nano);
-- Place: the span's batch, and its position in there
CREATE TABLE span (place INTEGER PRIMARY KEY, trace INTEGER NOT NULL, span_id BLOB NOT NULL, UNIQUE (span_id, trace));
CREATE INDEX span_by_trace ON span (trace);
CREATE TABLE identifier (value TEXT, trace INTEGER, PRIMARY KEY (value, trace)) WITHOUT ROWID;
CREATE TABLE service (name TEXT, trace INTEGER, PRIMARY KEY (name, trace)) WITHOUT ROWID;
"""
PLACES = 2**24  # positions in a batch: more than the 20 MiB of a request can hold
_PAGE_BYTES = 32 * 1024  # bodies are big: fewer, larger pages
WAL_BYTES = 64 * 1024**2
BUSY_SECONDS = 30

Execute = Callable[..., sqlite3.Cursor]


def create_file(file: Path) -> None:
    """Make a file that only its owner can read, and the folders above it; leave one that exists alone.

    :raises SourceError: it cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # What is in it was said in confidence; SQLite gives the write-ahead log the mode of the file
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SourceError(
            f"The store {file} cannot be made: {error.strerror}.", hint="Name a file in a folder that is yours."
        ) from error


def connect(file: Path, *, read_only: bool) -> sqlite3.Connection:
    """Connect to a file that exists; threads may share the connection if they take turns.

    :raises SourceError: it is no database.
    """
    with file.open("rb") as content:
        start = content.read(len(_MAGIC))
    if start not in (b"", _MAGIC):  # SQLite itself takes a short file of anything for an empty one
        raise SourceError(f"{file} is not a store of traces: it begins with {start!r}.", hint="Name another file.")
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # Store._checkpoint does it
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def check_schema(file: Path, connection: sqlite3.Connection, *, create: bool) -> None:
    """Make sure that a file is a store of this version.

    :param create: make the tables when there are none at all.
    :raises SourceError: it is something else.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and create:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection) as write:
            # Somebody else may have been quicker
            if not write("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                for statement in _SCHEMA.split(";\n"):
                    write(statement)
                write(f"PRAGMA application_id = {_APPLICATION_ID}")
                write(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    elif application != _APPLICATION_ID:
        raise SourceError(
            f"{file} is not a store of traces, though SQLite can read it.", hint="Name another file, or none."
        )
    elif version > _SCHEMA_VERSION:
        raise SourceError(
            f"{file} was written by a newer version of otel-openstack (schema {version}, this one knows"
            f" {_SCHEMA_VERSION}).",
            hint="Upgrade: pip install -U 'otel-openstack[reader]'.",
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[Execute]:
    """Begin, yield ``execute``, and commit, or roll back on an error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection.execute
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn what SQLite complains about into one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        raise SourceError(
            f"The store {file} cannot be used: {error}.",
            hint="Is it a store, is its disk full, may you write to its folder?",
        ) from error
