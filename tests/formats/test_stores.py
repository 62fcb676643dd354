"""Files of vector stores: SQLite schemas against SQLite itself, and footers that lie."""

import sqlite3
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats import sqlite
from aibom.formats.source import FormatError, MemorySource
from aibom.formats.vectors import lance, usearch


def database(path: Path, *made: str, page: int = 4096, encoding: str = "UTF-8") -> bytes:
    connection = sqlite3.connect(path)
    connection.execute(f"pragma page_size={page}")
    connection.execute(f"pragma encoding='{encoding}'")
    for sql in made:
        connection.execute(sql)
    connection.commit()
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("page", [512, 1024, 4096, 65536])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("tables", [1, 3, 80])
def test_what_made_the_tables(tmp_path: Path, page: int, encoding: str, tables: int) -> None:
    made = [f'CREATE TABLE "t{n}" (a TEXT PRIMARY KEY,\n  b{n} TEXT)' for n in range(tables)]
    data = database(tmp_path / "a.db", *made, page=page, encoding=encoding)
    wanted = tuple(f"create table t{n} (a text primary key, b{n} text)" for n in range(tables))
    assert sqlite.statements(MemorySource(data)) == wanted


def test_a_long_statement_is_cut_and_the_next_one_is_found(tmp_path: Path) -> None:
    columns = ", ".join(f"column{n} TEXT" for n in range(900))
    data = database(
        tmp_path / "a.db", f"CREATE TABLE wide ({columns})", "CREATE TABLE b (a)", page=1024
    )
    wide, narrow = sqlite.statements(MemorySource(data))
    assert wide.startswith("create table wide (column0 text, ")
    assert len(wide) <= sqlite.MAX_STATEMENT
    assert narrow == "create table b (a)"


def test_an_empty_database_has_none(tmp_path: Path) -> None:
    data = database(tmp_path / "a.db", "CREATE TABLE a (b)", "DROP TABLE a")
    assert sqlite.statements(MemorySource(data)) == ()


def test_there_is_no_page_0(tmp_path: Path) -> None:
    data = bytearray(database(tmp_path / "d", *(f"CREATE TABLE t{n} (a)" for n in range(500))))
    assert data[100] == 5, "an interior page, whose last child is named at 108"
    data[108:112] = bytes(4)
    with pytest.raises(FormatError, match="page 0"):
        sqlite.statements(MemorySource(bytes(data)))


def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    made = [f"CREATE TABLE t{n} (a)" for n in range(60)]
    data = bytearray(database(tmp_path / "a.db", *made, page=512))
    assert data[100] == 5
    data[108:112] = struct.pack(">I", 1)
    with pytest.raises(FormatError):
        sqlite.statements(MemorySource(bytes(data)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = [f"CREATE TABLE t{n} (a TEXT PRIMARY KEY)" for n in range(30)]
    return database(tmp_path_factory.mktemp("db") / "a.db", *made, page=512)


@settings(max_examples=150)
@given(st.data())
def test_damaged_databases_end_soon(sound: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(16, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    source = MemorySource(bytes(damaged[:cut]), budget=2 * sqlite.MAX_SCHEMA)
    with suppress(FormatError):
        assert len(sqlite.statements(source)) <= sqlite.MAX_CELLS


def index(rows: int, columns: int, form: str = "<II") -> bytes:
    head = struct.pack("<7s3H4BQQQ", b"usearch", 2, 1, 0, 1, 1, 1, 1, rows, 0, columns // 4)
    sides = struct.pack(form, rows, columns) if rows else b""
    return sides + bytes(rows * columns) + head + bytes(40)


@pytest.mark.parametrize("data", [index(3, 16), index(3, 16, "<QQ"), index(0, 16)])
def test_usearch_indexes(data: bytes) -> None:
    assert usearch.recognise(data[:4096], len(data))
    header = usearch.parse(MemorySource(data))
    assert header is not None
    assert (header.format, header.format_version) == ("usearch-index", "2.1.0")
    assert dict(header.properties)["dimensions"] == "4"


@pytest.mark.parametrize("data", [b"", b"\1\0\0\0\1\0\0\0", index(3, 16)[:58], bytes(500)])
def test_other_matrices_are_none(data: bytes) -> None:
    assert not usearch.recognise(data, len(data)) or usearch.parse(MemorySource(data)) is None


def footer(*fields: int, major: int = 2, minor: int = 1) -> bytes:
    return struct.pack("<QQQIIHH4s", *fields, 1, 2, major, minor, b"LANC")


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (bytes(100) + footer(40, 60, 80), "2.1"),
        (bytes(100) + footer(40, 60, 80, major=0, minor=3), "0.3"),
        (bytes(100) + struct.pack("<QHH4s", 50, 0, 2, b"LANC"), "0.2"),
        (bytes(100) + footer(40, 60, 800), None),
        (bytes(100) + footer(60, 40, 80), None),
        (bytes(96) + b"LANC", None),
        (b"LANC", None),
        (bytes(100), None),
    ],
)
def test_lance_files(data: bytes, version: str | None) -> None:
    known = lance.recognise(data, len(data))
    header = lance.parse(MemorySource(data)) if known else None
    assert (header.format_version if header else None) == version


@given(st.binary(max_size=300))
def test_any_bytes_are_read_within_bounds(data: bytes) -> None:
    for parser in (lance, usearch):
        if parser.recognise(data, len(data)):
            parser.parse(MemorySource(data, budget=1000))
