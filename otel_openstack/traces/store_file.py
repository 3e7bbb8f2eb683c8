"""The file of the embedded store: its tables, its settings, and what makes it ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from otel_openstack.exceptions import SourceError

_APPLICATION_ID = 0x6F54656C  # "oTel", in the place that SQLite has for saying whose file it is
_SCHEMA_VERSION = 1
_SMALLEST_DATABASE = 512  # bytes
_TABLES = """
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
WAL_BYTES = 128 * 1024**2  # of write-ahead log, before it is moved into the file
BUSY_SECONDS = 30

Execute = Callable[..., sqlite3.Cursor]


def create_file(file: Path) -> None:
    """Make an empty store that only its owner can read, and the folders above it; leave a file that exists alone.

    It is made beside its place and moved there when it is whole: nobody ever sees half a store.

    :raises SourceError: it cannot be made.
    """
    import tempfile  # Here: most stores are there already, and it loads much

    try:
        if file.exists() and file.stat().st_size:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".otel-openstack-") as folder:
            made = Path(folder, file.name)
            made.touch(mode=0o600)  # SQLite gives its write-ahead log the same
            with closing(sqlite3.connect(made)) as connection:
                connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
                connection.executescript(_TABLES)
            _put_in_place(made, file)
    except OSError as error:
        raise SourceError(
            f"The store {file} cannot be made: {error.strerror}.", hint="Name a file in a folder that is yours."
        ) from error


def _put_in_place(made: Path, file: Path) -> None:
    try:
        file.hardlink_to(made)  # which, unlike a rename, takes nobody's place
    except FileExistsError:
        if not file.stat().st_size:
            made.replace(file)
        # else somebody was quicker, and theirs it is


def connect(file: Path, *, read_only: bool) -> sqlite3.Connection:
    """Connect to a file that exists; threads may share the connection if they take turns.

    :raises SourceError: it is no database.
    """
    # Never by reading it: closing a file drops the locks that SQLite holds on it elsewhere in this process
    # (https://www.sqlite.org/howtocorrupt.html, 2.2), and SQLite itself only takes a short file for an empty one
    if 0 < file.stat().st_size < _SMALLEST_DATABASE:
        raise SourceError(f"{file} is not a store of traces: it is too short for one.", hint="Name another file.")
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # Store._checkpoint does it
    connection.execute("PRAGMA journal_size_limit = 0")  # so that the log's size tells how long it is
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def check_schema(file: Path, connection: sqlite3.Connection) -> None:
    """Make sure that a file is a store of a version that is known here.

    :raises SourceError: it is something else.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise SourceError(
            f"{file} is not a store of traces, though SQLite can read it.", hint="Name another file, or none."
        )
    if version > _SCHEMA_VERSION:
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
