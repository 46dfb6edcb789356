"""Literals in statements of databases."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import assert_found, marked, spans

from errorplane.detectors import find, redact
from errorplane.detectors.secrets._sql_tokens import _PLAIN, _read, literals

PIECES = (
    r"""select from where = <> ( ) , ; . ' " $1 $2 $$ $a$ ? ?5 %s %(a)s :x :5 @v @@a.b {x} 5 1.5 .5 5e3 0x1F 0b1 a a5 _x5 5a"""
    r""" `q` [ab] -- /* */ # a#5 $ \ é ٣ x$5 e5 E N n'"""
)


@given(st.lists(st.sampled_from([*PIECES.split(), " ", "\n"]), max_size=9).map("".join))
@settings(max_examples=1500)
def test_a_statement_is_not_read_where_nothing_can_be_a_literal(text: str) -> None:
    """That takes nothing from what reading it finds, wherever tokens touch."""
    if "\\'" not in text:
        assert literals(text) == list(_read(text, 0, len(text), _PLAIN))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM users WHERE id = «42» AND name='«O''Brien»' LIMIT «10»",
        "INSERT INTO t (a,b) VALUES («1»,'«x»'),(«2»,'«it\\'s secret»', '«q»')",
        "SELECT '«C:\\»', '«secret»' FROM t",
        'SELECT `a` FROM `t` WHERE b = "«bob»" AND c IN ("«x»","«y z»")',
        "SELECT $$«he'llo»$$, $tag$«x$$y»$tag$ FROM t1",
        "SELECT a FROM t WHERE h=«0xFF» and f=«1.5e-3» and g=«.5» and x'«AB»' = e'«a\\'b»'",
        "EXEC sp @p1=«5», @n=N'«bob»'",
        "SELECT a FROM t /*traceparent='00-ab',user='«bob»'*/ WHERE x = :name",
        "SELECT a -- 'old'\nFROM t WHERE x='«y»'".replace("'old'", "'«old»'"),
        "INSERT INTO users VALUES ('«bob»', '«hunter2»",
        "UPDATE t2 SET a=DATE '«2020-01-01»', c=_utf8'«x»', d = -«5»",
        'SELECT "a"."b", "c" FROM "t" WHERE "x" = "«y»"',
        '{"find":"users","filter":{"name":"«bob»","age":{"$gt":«3»}}}',
        "SET user:1 «hunter2 EX 10»",
        "AUTH «hunter2»",
    ],
)
@pytest.mark.parametrize("key", ["db.query.text", "db.statement"])
def test_statements(text: str, key: str) -> None:
    """Of every dialect the literals go, and names, operators, placeholders and quotes stay."""
    plain, expected = marked(text)
    assert [plain[each.start : each.end] for each in find(plain, key)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE id = ? AND a = $1 AND b = :name AND c = @p1 AND d = %s AND e = %(e)s",
        'SELECT "id", "t1"."name" FROM "app"."t1" AS "x" ORDER BY "id"',
        "SELECT `id` FROM `t1` WHERE `a` = ?",
        "INSERT INTO t2 (a1, b2) VALUES (?, ?)",
        "SELECT [Id] FROM [dbo].[Orders] WHERE [Id] = @p0",
        "SELECT a::text, $1::int4 FROM t WHERE x IS NULL AND y = TRUE",
        "SELECT * FROM t WHERE a = '<EMAIL_ADDRESS>' AND b = <SQL_LITERAL>",
        '{"find":"orders","$db":"shop"}',
        "GET user:1",
        "BEGIN",
        "",
    ],
)
def test_statements_without_literals(text: str) -> None:
    """Where there are only names and placeholders nothing changes."""
    assert spans(text, "db.query.text") == []


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
@settings(max_examples=300)
def test_what_a_database_quotes(values: list[str]) -> None:
    """Whatever SQLite writes as literals, exactly these are literals."""
    values = [value.replace("\0", "").replace("\\", "") or "x" for value in values]
    with sqlite3.connect(":memory:") as database:
        quoted = [database.execute("SELECT quote(?)", (value,)).fetchone()[0] for value in values]
    statement = f"INSERT INTO t VALUES ({', '.join(quoted)})"
    assert [f"'{statement[each.start : each.end]}'" for each in literals(statement)] == quoted


@given(st.text(alphabet="'\\\"$`-/* \na1(),=", max_size=60))
@settings(max_examples=600)
def test_any_statement_comes_to_rest(text: str) -> None:
    """Quotes may be open, or none may be where they should: hidden once, nothing is left to hide."""
    once, _ = redact(f"INSERT INTO t VALUES ({text}", "db.query.text")
    assert redact(once, "db.query.text") == (once, [])


@pytest.mark.parametrize(
    "text",
    [
        "ERROR near: INSERT INTO users VALUES (1, '«bob»', '«hunter2»') took 12 ms for 'x'",
        "[SQL: UPDATE users SET nick='«x1»' WHERE id=3]\n[parameters: ('«a»', 3)]",
        "DETAIL:  parameters: $1 = '«bob»', $2 = NULL",
    ],
)
def test_quoted_in_other_texts(text: str) -> None:
    """Where a text quotes a statement that writes, its quoted values go, and the numbers stay."""
    assert_found("SQL_LITERAL", text)


def test_quoted_in_an_exception() -> None:
    """In an exception's message statements that read count too."""
    text = "no rows: SELECT * FROM t WHERE nick = '«bob»' AND at > '2026-11-24 10:00:00'"
    assert_found("SQL_LITERAL", text, "exception.message")
    assert spans(marked(text)[0]) == []


@pytest.mark.parametrize(
    "text",
    [
        "please select the user from the list 'foo' where 'bar' is set",
        "insert into the slot 'a' the card",
        "update the set of 'rules'",
        "parameters: none",
        "SELECT * FROM orders WHERE status = 'active' took 12 ms",
        "INSERT INTO orders (id, at) VALUES (1, '2026-11-24')",
    ],
)
def test_other_texts(text: str) -> None:
    """Prose, statements in logs that only read, dates and numbers stay."""
    assert spans(text) == []


def test_parameters() -> None:
    """The value of a parameter is hidden as a whole."""
    assert spans("bob", "db.query.parameter.name") == [("SQL_LITERAL", "bob")]
    assert spans("<SQL_LITERAL>", "db.query.parameter.0") == []
