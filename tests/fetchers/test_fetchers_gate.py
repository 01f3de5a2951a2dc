"""The gate: one statement that only reads, or no."""

import pytest

from afresh.core.errors import ConfigurationError
from afresh.fetchers.gate import read_only_condition, read_only_query, uses_minimum

ASKS = ":minimum_dt IS NULL OR"


@pytest.mark.parametrize(
    ("sql", "passed"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  SELECT 1 ;\n", "SELECT 1"),
        ("SELECT ';' AS a; -- the end", "SELECT ';' AS a"),
        ("-- first\nSELECT 1", "-- first\nSELECT 1"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", None),
        ("(SELECT 1)", None),
        ("SELECT 1 UNION ALL SELECT 2", None),
        ('SELECT "drop table", [insert] FROM t', None),
        ("SELECT 'DELETE FROM t' FROM t", None),
        (f"SELECT * FROM t WHERE ({ASKS} a >= :minimum_dt) AND ({ASKS} b >= :minimum_dt)", None),
        ("SELECT * FROM t WHERE a >= COALESCE(:minimum_dt, '')", None),
        ("SELECT * FROM t WHERE a >= ifnull((:minimum_dt), '')", None),
        ("SELECT ':other' FROM t -- :other", None),
    ],
)
def test_queries_that_pass(sql: str, passed: str | None) -> None:
    """One SELECT passes as it is, without its closing semicolon; words in texts and names do not count."""
    assert read_only_query(sql, "sqlite") == (passed or sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "it is empty"),
        ("-- nothing", "it is empty"),
        (";", "it is not a SELECT"),
        ("SELECT 1; SELECT 2", "it has 2 statements"),
        ("SELECT 1; DROP TABLE t", "it has 2 statements"),
        ("INSERT INTO t VALUES (1)", "begins with INSERT"),
        ("UPDATE t SET a = 1", "begins with UPDATE"),
        ("DELETE FROM t", "begins with DELETE"),
        ("REPLACE INTO t VALUES (1)", "begins with REPLACE"),
        ("CREATE TABLE t (a)", "begins with CREATE"),
        ("PRAGMA writable_schema = 1", "begins with PRAGMA"),
        ("ATTACH 'x' AS y", "begins with ATTACH"),
        ("CALL p()", "begins with CALL"),
        ("EXPLAIN SELECT 1", "begins with EXPLAIN"),
        ("VACUUM INTO 'x'", "begins with VACUUM"),
        ("BEGIN", "begins with BEGIN"),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "it has DELETE in it"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "it is not a SELECT but INSERT"),
        ("WITH a AS (SELECT 1) DELETE FROM t", "it is not a SELECT but DELETE"),
        ("SELECT * INTO x FROM t", "it has INTO in it"),
        ("SELECT * FROM t FOR UPDATE", "it has FOR UPDATE in it"),
        ("SELECT load_extension('evil')", "it calls load_extension"),
        ("SELECT * FROM t WHERE (", "it cannot be understood in line 1"),
        ("SELECT 'abc", "a text, name or comment has no end"),
        ("SELECT /* abc", "a text, name or comment has no end"),
        ("(" * 2000 + "SELECT 1" + ")" * 2000, "it is nested too deeply"),
        ("SELECT * FROM t WHERE a = ?", "a parameter other than :minimum_dt"),
        ("SELECT * FROM t WHERE a = :since", "a parameter other than :minimum_dt"),
        ("SELECT * FROM t WHERE a = @minimum_dt", "a parameter other than :minimum_dt"),
        ("SELECT * FROM t WHERE a = $minimum_dt", "a parameter other than :minimum_dt"),
        ("SELECT * FROM t WHERE a >= :minimum_dt", "it does not say what to read when :minimum_dt is null"),
    ],
)
def test_queries_that_are_refused(sql: str, reason: str) -> None:
    """Everything else is a mistake of the configuration, with its reason."""
    with pytest.raises(ConfigurationError) as raised:
        read_only_query(sql, "sqlite")
    assert raised.value.message.startswith("the query is refused: ")
    assert reason in raised.value.message


def test_the_use_of_minimum_dt_is_seen() -> None:
    """A query that does not ask for `:minimum_dt` reads everything each time."""
    assert uses_minimum(f"SELECT * FROM t WHERE {ASKS} a > :minimum_dt", "sqlite")
    assert not uses_minimum("SELECT ':minimum_dt' FROM t", "sqlite")


@pytest.mark.parametrize(
    "sql",
    [
        "a = 1",
        "a = 1 OR b = 2 AND NOT c",
        "a IN (SELECT b FROM c)",
        "a = ';--' AND \"x;y\" = '/*'",
        "[a;b] = 1",
        "a LIKE 'x%' ESCAPE '\\'",
        "(a = 1) OR (b = 2)",
        "CASE WHEN a THEN 1 END",
        "\n a = 1 \n",
    ],
)
def test_conditions_that_pass(sql: str) -> None:
    """One condition passes unchanged."""
    assert read_only_condition(sql, "sqlite") == sql


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "it is empty"),
        ("a = 1; DROP TABLE t", "it has a semicolon in it"),
        ("a = 1 -- and b = 2", "it has a comment in it"),
        ("a = 1 /* x */", "it has a comment in it"),
        ("a = 1) OR (1 = 1", "it closes a parenthesis that it did not open"),
        ("a = (1", "it does not close a parenthesis"),
        ("1 = 1 UNION SELECT password FROM users", "it cannot be understood in line 1"),
        ("a = 1 ORDER BY a", "it cannot be understood"),
        ("a = 1\nLIMIT 1", "it cannot be understood in line 2"),
        ("a = 1 GROUP BY a", "it cannot be understood"),
        ("a, b", "it is not one condition"),
        ("a AS b", "it is not one condition"),
        ("*", "it is not one condition"),
        ("DROP TABLE t", "it cannot be understood"),
        ("a = :x", "it has a parameter"),
        ("a = ?", "it has a parameter"),
        ("load_extension('evil') = 1", "it calls load_extension"),
        ("a = 'x", "a text, name or comment has no end"),
    ],
)
def test_conditions_that_are_refused(sql: str, reason: str) -> None:
    """Whatever is not one condition, or could reach beyond its parentheses, is refused with its reason."""
    with pytest.raises(ConfigurationError) as raised:
        read_only_condition(sql, "sqlite")
    assert raised.value.message.startswith("the condition in `where` is refused: ")
    assert reason in raised.value.message
