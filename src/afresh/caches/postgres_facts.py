"""What is known of a table before its shadow may take its place: what would be lost by it, and what is made again."""

from dataclasses import dataclass

from afresh.caches.postgres_connection import Connection

_OBSTACLES = """
SELECT 'it is partitioned, inherited, unlogged or of a type' FROM pg_class AS c WHERE oid = $1 AND (
    relkind <> 'r' OR relpersistence <> 'p' OR relispartition OR reloftype <> 0
    OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid))
UNION ALL
SELECT 'somebody else owns it' FROM pg_class WHERE oid = $1 AND relowner <> current_user::regrole
UNION ALL
SELECT 'it has settings of its own' FROM pg_class AS c WHERE oid = $1 AND (
    reloptions IS NOT NULL OR reltablespace <> 0 OR relreplident <> 'd'
    OR relam <> (SELECT oid FROM pg_am WHERE amname = current_setting('default_table_access_method'))
    OR EXISTS (SELECT FROM pg_class WHERE oid = c.reltoastrelid AND reloptions IS NOT NULL)
    OR EXISTS (SELECT FROM pg_seclabel WHERE objoid = c.oid AND classoid = 'pg_class'::regclass))
UNION ALL
SELECT 'it has row security' FROM pg_class WHERE oid = $1 AND (relrowsecurity OR relforcerowsecurity)
UNION ALL
SELECT 'it has triggers or foreign keys' FROM pg_trigger WHERE tgrelid = $1
    AND tgconstraint NOT IN (SELECT oid FROM pg_constraint WHERE conrelid = $1 AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'it is published' FROM pg_class AS c, LATERAL (
    SELECT FROM pg_publication_tables AS p
    WHERE p.schemaname = c.relnamespace::regnamespace::name AND p.tablename = c.relname) AS published
WHERE oid = $1
UNION ALL
SELECT format('column %I has an identity, grants or settings of its own', attname) FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND (
    attidentity <> '' OR attacl IS NOT NULL OR attoptions IS NOT NULL OR coalesce(attstattarget, -1) >= 0)
UNION ALL
SELECT format('index %s has settings of its own', indexrelid::regclass) FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE indrelid = $1 AND (
    indisclustered OR indisreplident OR NOT indisvalid OR c.reltablespace <> 0 OR EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = i.indexrelid AND coalesce(attstattarget, -1) >= 0))
UNION ALL
SELECT format('constraint %I is not enforced on all rows', conname) FROM pg_constraint
WHERE conrelid = $1 AND NOT convalidated
UNION ALL
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it' FROM pg_depend AS d
LEFT JOIN pg_class AS r ON d.classid = 'pg_class'::regclass AND r.oid = d.objid
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND NOT (
    d.classid IN ('pg_type'::regclass, 'pg_attrdef'::regclass, 'pg_trigger'::regclass)
    OR coalesce(r.relkind IN ('i', 't'), false)
    OR coalesce(k.conrelid = $1 AND k.contype IN ('c', 'n', 'p', 'u', 'x'), false)
    OR (d.classid = 'pg_class'::regclass AND d.objid = $1))
UNION ALL
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on its row type' FROM pg_depend AS d
JOIN pg_type AS t ON t.typrelid = $1
WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.classid <> 'pg_type'::regclass
UNION ALL
SELECT 'an extension owns it' FROM pg_depend
WHERE classid = 'pg_class'::regclass AND objid = $1 AND deptype = 'e'
"""
_DEFINITION = """
SELECT string_agg(format('%s %s %s %s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attcollation, a.attgenerated, a.attstorage, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
    || coalesce((SELECT string_agg(format('%s %s', conname, pg_get_constraintdef(oid)), ', ' ORDER BY conname)
        FROM pg_constraint WHERE conrelid = $1 AND contype = 'c'), '')
FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
"""
_INDEXES = """
SELECT c.relname, i.indisprimary, pg_get_indexdef(c.oid),
    format('CREATE %sINDEX %I ON %s ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, c.relname,
        format('%I.%I', t.relnamespace::regnamespace::name, t.relname)),
    pg_get_constraintdef(k.oid), obj_description(c.oid, 'pg_class'), obj_description(k.oid, 'pg_constraint')
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_constraint AS k ON k.conindid = c.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = $1 ORDER BY c.relname
"""
_GRANTS = """
SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, g.privilege_type,
    g.is_grantable, g.grantor = c.relowner
FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS g WHERE c.oid = $1
"""
_NOT_NULLS = """
SELECT a.attname, k.conname FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.conrelid = $1 AND k.contype = 'n'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index: what follows table and name in its CREATE INDEX, or its definition as a constraint."""

    name: str
    primary: bool
    unique: bool
    method: str
    constraint: str | None
    comment: str | None
    constraint_comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A table as it is. With `obstacles`, nothing may take its place."""

    obstacles: tuple[str, ...]
    definition: str
    indexes: tuple[Index, ...]
    comment: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on a table; `grantee` is an identifier or PUBLIC."""

    grantee: str
    privilege: str
    grantable: bool


def facts(connection: Connection, oid: int) -> Facts:
    """What the catalogue says now."""
    obstacles = [row[0] for row in connection.execute(_OBSTACLES, (oid,))]
    if not all(by_owner for *_grant, by_owner in connection.execute(_GRANTS, (oid,))):
        obstacles.append("others than its owner granted rights on it")
    indexes = []
    for name, primary, definition, prefix, constraint, comment, constraint_comment in connection.execute(
        _INDEXES, (oid,)
    ):
        if not definition.startswith(prefix):
            obstacles.append(f"index {name} is defined in an unknown way")
        indexes.append(
            Index(
                name=name,
                primary=primary,
                unique=prefix.startswith("CREATE UNIQUE"),
                method=definition.removeprefix(prefix),
                constraint=constraint,
                comment=comment,
                constraint_comment=constraint_comment,
            )
        )
    found = connection.execute("SELECT obj_description($1, 'pg_class')", (oid,)).fetchone()
    definition_row = connection.execute(_DEFINITION, (oid,)).fetchone()
    return Facts(
        obstacles=tuple(obstacles),
        definition=str(definition_row and definition_row[0]),
        indexes=tuple(indexes),
        comment=found[0] if found else None,
    )


def grants(connection: Connection, oid: int) -> set[Grant]:
    """The rights on the table, those of its owner included."""
    return {Grant(*row[:3]) for row in connection.execute(_GRANTS, (oid,))}


def not_nulls(connection: Connection, oid: int) -> dict[str, str]:
    """The names of NOT NULL constraints by column, where the server has such (18 and later)."""
    return dict(connection.execute(_NOT_NULLS, (oid,)).fetchall())
