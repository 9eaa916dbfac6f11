"""Whether two regions hold the same data: rows of every table by number and digest, objects by listing.

A row's digest is PostgreSQL's own hash of its text, and a table's the sum of its rows', so nothing is sorted and the
order does not matter. Hashes are the same on every side: a physical copy has the primary's version and settings.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hakit.drill.markers import TABLE
from hakit.drill.sql import Session, SqlError, ask

EQUAL, DIFFERENT, MOVING, UNKNOWN = "equal", "different", "moving", "unknown"

_DATABASES = """\
select coalesce(json_agg(datname order by datname), '[]') from pg_database where not datistemplate and datallowconn;"""
#: Leaves of partitioned tables too. Unlogged tables are in no copy:
#: https://www.postgresql.org/docs/current/sql-createtable.html
_TABLES = """\
select coalesce(json_agg(json_build_array(n.nspname, c.relname, c.relpersistence = 'u') order by 1), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence <> 't'
and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%';"""


@dataclass(frozen=True)
class Table:
    """One table of one copy beside the primary's.

    Attributes:
        name: `database schema.table`.
        outcome: equal; different; moving: the primary's own rows changed while they were compared; unknown.
        rows: of the primary and of the copy, where they were counted.
        said: why it is unknown.
    """

    name: str
    region: str
    outcome: str
    rows: tuple[int | None, int | None] = (None, None)
    said: str = ""


@dataclass(frozen=True)
class _Digest:
    rows: int
    sum: str


def compare(primary: Session, copy: Session, *, seconds: float = 60, tries: int = 3) -> Iterator[Table]:
    """Every table of every database. The copy must have replayed what the primary had written when this was called:
    look for a marker first.

    Args:
        primary: the copy that takes writes.
        copy: another region's.
        seconds: for one table on one side; a larger table is unknown.
        tries: of a table that is written while it is compared.

    Raises:
        SqlError: one of them cannot be asked at all.
    """
    names = ask(primary, _DATABASES)
    for database in sorted({*names, *ask(copy, _DATABASES)}):
        if database not in names:
            yield Table(database, copy.region, DIFFERENT, said="the primary does not have this database")
            continue
        yield from _database(primary, copy, database, seconds, tries)


def _database(primary: Session, copy: Session, database: str, seconds: float, tries: int) -> Iterator[Table]:
    try:
        here, there = (_tables(each, database) for each in (primary, copy))
    except SqlError as error:
        yield Table(database, copy.region, UNKNOWN, said=str(error))
        return
    for schema, table in sorted({*here, *there}):
        name = f"{database} {schema}.{table}"
        if f"{schema}.{table}" == TABLE:
            continue  # this drill's own
        if (schema, table) not in here or (schema, table) not in there:
            lacks = primary.region if (schema, table) not in here else copy.region
            yield Table(name, copy.region, DIFFERENT, said=f"{lacks} does not have this table")
        elif here[schema, table]:
            yield Table(name, copy.region, UNKNOWN, said="unlogged: no copy has its rows")
        else:
            yield _table(primary, copy, database, (schema, table), seconds, tries)


def _tables(session: Session, database: str) -> Mapping[tuple[str, str], bool]:
    return {(schema, table): unlogged for schema, table, unlogged in ask(session, _TABLES, database=database)}


def _table(  # noqa: PLR0913, PLR0917  each is a fact of the comparison
    primary: Session, copy: Session, database: str, table: tuple[str, str], seconds: float, tries: int
) -> Table:
    name = f"{database} {'.'.join(table)}"
    there = None
    try:
        before = _digest(primary, database, table, seconds)
        for _ in range(tries):
            there = _digest(copy, database, table, seconds)
            if there == before:
                return Table(name, copy.region, EQUAL, (before.rows, there.rows))
            after = _digest(primary, database, table, seconds)
            if after == before:
                return Table(name, copy.region, DIFFERENT, (before.rows, there.rows), "the primary's did not change")
            before = after
            time.sleep(0.2)
    except SqlError as error:
        return Table(name, copy.region, UNKNOWN, said=str(error))
    return Table(name, copy.region, MOVING, (before.rows, there.rows if there else None), "written all the time")


def _digest(session: Session, database: str, table: tuple[str, str], seconds: float) -> _Digest:
    named = ".".join('"' + part.replace('"', '""') + '"' for part in table)
    text = (
        "select json_build_array(count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)::text) "
        f"from {named} as r;"
    )
    rows, total = ask(session, text, database=database, seconds=seconds)
    return _Digest(rows, total)


def sequences(primary: Session, copy: Session) -> list[str]:
    """Sequences of the copy that are behind the primary's, which would give a number out again. Raises SqlError."""
    behind = []
    for database in ask(primary, _DATABASES):
        query = (
            "select coalesce(json_object_agg(schemaname || '.' || sequencename, last_value), '{}') from pg_sequences;"
        )
        here, there = (ask(each, query, database=database) for each in (primary, copy))
        behind += [
            f"{database} {name}" for name, value in here.items() if value is not None and (there.get(name) or 0) < value
        ]
    return behind


def worst(tables: Sequence[Table]) -> str:
    """By the worst of them: different, then unknown, then moving, then equal."""
    outcomes = {each.outcome for each in tables}
    return next((each for each in (DIFFERENT, UNKNOWN, MOVING) if each in outcomes), EQUAL)
