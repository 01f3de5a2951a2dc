"""One batch of T-SQL, carried out on SQLite, with a catalogue of its own. Part of the fake server."""

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from tests.caches_sqlserver.tsql_words import (
    DEFAULT_COLLATION,
    NAME,
    TYPE,
    FakeError,
    first,
    plain,
    quoted,
    require,
    split,
    translate,
)

_SET = re.compile(r"(?:SET [A-Z_]+ [\w ]+(?:;\s*)?)+")
CATALOGUE = """
CREATE TABLE IF NOT EXISTS _schema (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS _object (schema TEXT, name TEXT, kind TEXT, PRIMARY KEY (schema, name));
CREATE TABLE IF NOT EXISTS _column (
    object TEXT, place INTEGER, name TEXT, base TEXT, length INTEGER, precision INTEGER, scale INTEGER,
    fraction INTEGER, collation TEXT, nullable TEXT, has_default INTEGER, computed INTEGER
);
CREATE TABLE IF NOT EXISTS _index (
    object TEXT, place INTEGER, name TEXT, is_unique INTEGER, is_primary INTEGER, kind INTEGER, disabled INTEGER,
    filter TEXT
);
CREATE TABLE IF NOT EXISTS _index_column (
    object TEXT, idx TEXT, ordinal INTEGER, descending INTEGER, included INTEGER, name TEXT
);
INSERT OR IGNORE INTO _schema VALUES ('dbo');
"""


class Batch:
    """One batch on its way to SQLite."""

    def __init__(self, file: sqlite3.Connection, parameters: tuple[Any, ...]) -> None:
        self._file = file
        self._parameters = parameters
        self._names: list[str] = []

    def names(self, width: int) -> list[str]:
        """The names of the result's columns; a number where there is none to know."""
        return self._names or [str(place) for place in range(width)]

    def run(self, batch: str) -> list[tuple[Any, ...]] | None:
        """The rows of the batch's SELECT; None if it has none."""
        sql = batch.strip()
        if sql.endswith(";\nSELECT @@ROWCOUNT"):
            return [(self._execute(sql.removesuffix(";\nSELECT @@ROWCOUNT")).rowcount,)]
        if _SET.fullmatch(sql):
            return None
        for pattern, special in _SPECIAL:
            if match := re.fullmatch(pattern, sql, re.DOTALL):
                return special(self, *match.groups())
        cursor = self._execute(sql)
        if cursor.description is None:
            return None
        self._names = [column[0] for column in cursor.description]
        return cursor.fetchall()

    def _execute(self, sql: str) -> sqlite3.Cursor:
        return self._file.execute(translate(sql), self._parameters)

    def begin(self) -> None:
        """A transaction. Writers come one after another, as SQLite has it."""
        require(not self._file.in_transaction, "transactions were nested")
        self._file.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """The end of one."""
        self._file.execute("COMMIT")

    def roll_back(self) -> None:
        """The end of one, if it has not ended."""
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")

    def create_schema(self, name: str) -> None:
        """A schema."""
        self._file.execute("INSERT INTO _schema VALUES (?)", (plain(name),))

    def create_table(self, schema: str, name: str, body: str) -> None:
        """A table, with its entries in the catalogue."""
        schema, name = plain(schema), plain(name)
        if self._file.execute("SELECT 1 FROM _object WHERE schema = ? AND name = ?", (schema, name)).fetchone():
            raise FakeError(f"Base table or view already exists: There is already an object named '{name}'")
        lines = []
        for line in split(body):
            if line.upper().startswith("PRIMARY KEY"):
                lines.append(self._primary_key(f"{schema}.{name}", line))
            else:
                lines.append(self._column(f"{schema}.{name}", line))
        self._file.execute(f"CREATE TABLE {quoted(f'{schema}.{name}')} ({', '.join(lines)})")
        self._file.execute("INSERT INTO _object VALUES (?, ?, 'BASE TABLE')", (schema, name))

    def create_view(self, schema: str, name: str, body: str) -> None:
        """A view."""
        self._file.execute(f"CREATE VIEW {quoted(f'{plain(schema)}.{plain(name)}')} AS {translate(body)}")
        self._file.execute("INSERT INTO _object VALUES (?, ?, 'VIEW')", (plain(schema), plain(name)))

    def drop_view(self, schema: str, name: str) -> None:
        """A view."""
        self._file.execute(f"DROP VIEW {quoted(f'{plain(schema)}.{plain(name)}')}")
        self._file.execute("DELETE FROM _object WHERE schema = ? AND name = ?", (plain(schema), plain(name)))

    def add_columns(self, schema: str, name: str, body: str) -> None:
        """All columns or none."""
        table = f"{plain(schema)}.{plain(name)}"
        for line in split(body):
            self._file.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {self._column(table, line)}")

    def drop_table(self, schema: str, name: str) -> None:
        """A table and what belongs to it."""
        table = f"{plain(schema)}.{plain(name)}"
        self._file.execute(f"DROP TABLE {quoted(table)}")
        self._file.execute("DELETE FROM _object WHERE schema = ? AND name = ?", (plain(schema), plain(name)))
        for entry in ("_column", "_index", "_index_column"):
            self._file.execute(f"DELETE FROM {entry} WHERE object = ?", (table,))

    def drop_table_if(self, _name: str, schema: str, name: str) -> None:
        """A table, if it is there."""
        if self._file.execute(
            "SELECT 1 FROM _object WHERE schema = ? AND name = ?", (plain(schema), plain(name))
        ).fetchone():
            self.drop_table(schema, name)

    def truncate(self, schema: str, name: str) -> None:
        """All rows."""
        self._file.execute(f"DELETE FROM {quoted(f'{plain(schema)}.{plain(name)}')}")

    def switch(self, schema: str, name: str, to_schema: str, to_name: str) -> None:
        """Hands the rows over to an empty table of the same definition."""
        source, target = f"{plain(schema)}.{plain(name)}", f"{plain(to_schema)}.{plain(to_name)}"
        columns = "SELECT name, base, length, precision, scale, fraction, collation, nullable, computed FROM _column "
        definitions = [
            self._file.execute(columns + "WHERE object = ? ORDER BY place", (table,)).fetchall()
            for table in (source, target)
        ]
        if definitions[0] != definitions[1]:
            raise FakeError("ALTER TABLE SWITCH statement failed: the columns are not the same")
        indexes = "SELECT COUNT(*) FROM _index WHERE object = ?"
        if len({self._file.execute(indexes, (table,)).fetchone() for table in (source, target)}) > 1:
            raise FakeError("ALTER TABLE SWITCH statement failed: there is no identical index")
        if self._file.execute(f"SELECT 1 FROM {quoted(target)}").fetchone():
            raise FakeError("ALTER TABLE SWITCH statement failed: the target is not empty")
        self._file.execute(f"INSERT INTO {quoted(target)} SELECT * FROM {quoted(source)}")
        self._file.execute(f"DELETE FROM {quoted(source)}")

    def create_index(
        self, unique: str, name: str, _bracketed: str | None, schema: str, table: str, keys: str, rest: str
    ) -> None:
        """An index."""
        owner, index = f"{plain(schema)}.{plain(table)}", plain(name) if name.startswith("[") else name
        place = self._file.execute("SELECT COUNT(*) + 1 FROM _index WHERE object = ?", (owner,)).fetchone()[0]
        include = re.search(r"INCLUDE \((.*?)\)", rest)
        condition = re.search(r"WHERE (.*?)(?: WITH|$)", rest)
        self._file.execute(
            "INSERT INTO _index VALUES (?, ?, ?, ?, 0, 2, 0, ?)",
            (owner, place, index, int(bool(unique)), condition[1] if condition else None),
        )
        columns = [(part, False) for part in split(keys)]
        columns += [(part, True) for part in split(include[1])] if include else []
        for ordinal, (part, included) in enumerate(columns, 1):
            self._file.execute(
                "INSERT INTO _index_column VALUES (?, ?, ?, ?, ?, ?)",
                (owner, index, 0 if included else ordinal, int(part.endswith(" DESC")), int(included), first(part)),
            )
        listed = ", ".join(quoted(first(part)) for part in split(keys))
        self._file.execute(f"CREATE {unique}INDEX {quoted(f'{owner}.{index}')} ON {quoted(owner)} ({listed})")

    def drop_index(self, name: str, schema: str, table: str) -> None:
        """An index."""
        owner, index = f"{plain(schema)}.{plain(table)}", plain(name)
        self._file.execute(f"DROP INDEX {quoted(f'{owner}.{index}')}")
        self._file.execute("DELETE FROM _index WHERE object = ? AND name = ?", (owner, index))
        self._file.execute("DELETE FROM _index_column WHERE object = ? AND idx = ?", (owner, index))

    def alter_index(self, name: str, schema: str, table: str, action: str) -> None:
        """Disables or rebuilds it."""
        changed = self._file.execute(
            "UPDATE _index SET disabled = ? WHERE object = ? AND name = ?",
            (int(action == "DISABLE"), f"{plain(schema)}.{plain(table)}", plain(name)),
        ).rowcount
        if not changed:
            raise FakeError("Index not found")

    def catalogue_columns(self, _rest: str) -> list[tuple[Any, ...]]:
        """INFORMATION_SCHEMA.COLUMNS, joined with sys.columns."""
        _object_id, schema, name = self._parameters
        return self._file.execute(
            "SELECT name, base, length, precision, scale, fraction, collation, nullable, has_default, computed "
            "FROM _column WHERE object = ? ORDER BY place",
            (f"{schema}.{name}",),
        ).fetchall()

    def catalogue_indexes(self, _rest: str) -> list[tuple[Any, ...]]:
        """sys.indexes with their columns."""
        (quoted,) = self._parameters
        owner = ".".join(plain(part) for part in re.findall(r"\[(?:[^\]]|\]\])*\]", quoted))
        return self._file.execute(
            "SELECT i.name, i.is_unique, i.is_primary, 0, i.kind, i.disabled, i.filter, 0, k.ordinal, k.descending, "
            "k.included, k.name FROM _index AS i JOIN _index_column AS k ON k.object = i.object AND k.idx = i.name "
            "WHERE i.object = ? ORDER BY i.place, k.ordinal",
            (owner,),
        ).fetchall()

    def catalogue_key(self, _rest: str) -> list[tuple[Any, ...]]:
        """The primary key by the standard's catalogue."""
        return self._file.execute(
            "SELECT k.name FROM _index AS i JOIN _index_column AS k ON k.object = i.object AND k.idx = i.name "
            "WHERE i.object = ? AND i.is_primary ORDER BY k.ordinal",
            (".".join(self._parameters),),
        ).fetchall()

    def catalogue_tables(self, _rest: str) -> list[tuple[Any, ...]]:
        """INFORMATION_SCHEMA.TABLES of two schemas."""
        return self._file.execute(
            "SELECT schema, name FROM _object WHERE kind = 'BASE TABLE' AND schema IN (?, ?) ORDER BY 1, 2",
            self._parameters,
        ).fetchall()

    def catalogue_exists(self, _rest: str) -> list[tuple[Any, ...]]:
        """Whether there is a table or view."""
        return self._file.execute("SELECT 1 FROM _object WHERE schema = ? AND name = ?", self._parameters).fetchall()

    def catalogue_schema(self, _rest: str) -> list[tuple[Any, ...]]:
        """Whether there is a schema."""
        return self._file.execute("SELECT 1 FROM _schema WHERE name = ?", self._parameters).fetchall()

    def _column(self, table: str, line: str) -> str:
        match = re.fullmatch(r"(\[(?:[^\]]|\]\])*\]) (\w+(?:\([\w,]+\))?)(.*)", line, re.DOTALL)
        assert match is not None, line
        name, declared, rest = plain(match[1]), match[2], match[3]
        base, first, second = TYPE.fullmatch(declared).groups()  # type: ignore[union-attr]  # matched above
        collated = re.search(r"COLLATE (\w+)", rest)
        text = base in ("nvarchar", "varchar", "nchar", "char")
        collation = collated[1] if collated else DEFAULT_COLLATION if text else None
        nullable = "NO" if "NOT NULL" in rest or "PRIMARY KEY" in rest else "YES"
        sized = text or base in ("varbinary", "binary")
        number = base in ("decimal", "numeric")
        place = self._file.execute("SELECT COUNT(*) + 1 FROM _column WHERE object = ?", (table,)).fetchone()[0]
        self._file.execute(
            "INSERT INTO _column VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                table,
                place,
                name,
                base,
                (-1 if first == "max" else int(first or 1)) if sized else None,
                int(first or 0) if number else None,
                int(second or 0) if number else None,
                int(first or 7) if base in ("datetime2", "time") else None,
                collation,
                nullable,
                int("DEFAULT" in rest),
                int("IDENTITY" in rest),
            ),
        )
        if "PRIMARY KEY" in rest:
            self._primary_key(table, f"PRIMARY KEY CLUSTERED ({match[1]})")
        rest = rest.replace("CLUSTERED", "")
        if "IDENTITY" in rest:
            return f"{quoted(name)} INTEGER PRIMARY KEY AUTOINCREMENT"
        kept = f"text_{declared}" if number else declared.replace("(max)", "(-1)")
        collate = f" COLLATE {collation}" if collation and not collated else ""
        return f"{quoted(name)} {kept}{collate}{translate(rest)}"

    def _primary_key(self, table: str, line: str) -> str:
        kind = 2 if "NONCLUSTERED" in line else 1
        names = [plain(part) for part in split(line[line.index("(") + 1 : line.rindex(")")])]
        self._file.execute("INSERT INTO _index VALUES (?, 0, 'PK', 1, 1, ?, 0, NULL)", (table, kind))
        for ordinal, name in enumerate(names, 1):
            self._file.execute("INSERT INTO _index_column VALUES (?, 'PK', ?, 0, 0, ?)", (table, ordinal, name))
        return f"PRIMARY KEY ({', '.join(quoted(name) for name in names)})"


_TABLE = rf"{NAME}\.{NAME}"
_SPECIAL: list[tuple[str, Callable[..., list[tuple[Any, ...]] | None]]] = [
    (r"BEGIN TRANSACTION", Batch.begin),
    (r"COMMIT TRANSACTION", Batch.commit),
    (r"IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", Batch.roll_back),
    (rf"CREATE SCHEMA {NAME}", Batch.create_schema),
    (rf"CREATE TABLE {_TABLE} \((.*)\)", Batch.create_table),
    (rf"CREATE VIEW {_TABLE} AS\s+(.*)", Batch.create_view),
    (rf"DROP VIEW {_TABLE}", Batch.drop_view),
    (rf"CREATE (UNIQUE |)(?:NONCLUSTERED )?INDEX ({NAME}|\w+) ON {_TABLE} \(([^)]*)\)(.*)", Batch.create_index),
    (rf"DROP INDEX {NAME} ON {_TABLE}", Batch.drop_index),
    (rf"ALTER INDEX {NAME} ON {_TABLE} (DISABLE|REBUILD)", Batch.alter_index),
    (rf"ALTER TABLE {_TABLE} ADD (.*)", Batch.add_columns),
    (rf"ALTER TABLE {_TABLE} SWITCH TO {_TABLE}", Batch.switch),
    (rf"DROP TABLE {_TABLE}", Batch.drop_table),
    (rf"IF OBJECT_ID\(N'(.*)'\) IS NOT NULL DROP TABLE {_TABLE}", Batch.drop_table_if),
    (rf"TRUNCATE TABLE {_TABLE}", Batch.truncate),
    (r"(SELECT i\.COLUMN_NAME.*FROM INFORMATION_SCHEMA\.COLUMNS.*)", Batch.catalogue_columns),
    (r"(SELECT i\.name.*FROM sys\.indexes.*)", Batch.catalogue_indexes),
    (r"(SELECT k\.COLUMN_NAME.*KEY_COLUMN_USAGE.*)", Batch.catalogue_key),
    (r"(SELECT TABLE_SCHEMA.*FROM INFORMATION_SCHEMA\.TABLES.*)", Batch.catalogue_tables),
    (r"(SELECT 1 FROM INFORMATION_SCHEMA\.TABLES.*)", Batch.catalogue_exists),
    (r"(SELECT 1 FROM INFORMATION_SCHEMA\.SCHEMATA.*)", Batch.catalogue_schema),
]
