# SPDX-License-Identifier: Apache-2.0
"""Three drivers of Python at the door: psycopg (libpq, SCRAM), pg8000 (its own protocol), SQLAlchemy (reflection)."""

import datetime
import os
import threading
import time

import pg8000.dbapi
import psycopg
import sqlalchemy
from sqlalchemy import inspect, text

PORT, WHOLE, MASKED = int(os.environ["PORT"]), os.environ["WHOLE"], os.environ["MASKED"]
WHERE = f"host=127.0.0.1 port={PORT} dbname=wardroom"


def psycopg3():
    for binary in (False, True):
        with psycopg.connect(f"{WHERE} user=desk password={WHOLE}") as connection:
            cursor = connection.cursor(binary=binary)
            cursor.execute(
                "SELECT seq, time, account, ok, score, peers, age, failures, NULL AS none FROM login"
                " WHERE seq = %s AND account = %s AND time >= %s AND ok = %s",
                (1, "alice", datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc), True),
            )
            print("binary" if binary else "text", [d.name for d in cursor.description])
            print(cursor.fetchall())
            cursor.execute("SELECT count(*) FROM login WHERE account = ANY(%s)", (["alice", "bob"],))
            print(cursor.fetchone())
            cursor.execute("SELECT count(*) FROM login WHERE score < %s AND age > %b", (2.5, 10))
            print(cursor.fetchone())
            cursor.execute("SELECT count(*) FROM login WHERE time > %s - %s", (datetime.datetime(2026, 1, 5, 13, tzinfo=datetime.timezone.utc), datetime.timedelta(hours=1)))
            print(cursor.fetchone())
            for _ in range(8):  # prepared after five times
                cursor.execute("SELECT %s::bigint + 1", (41,))
            print(cursor.fetchone(), connection.info.server_version, connection.info.encoding)
            connection.rollback()
            try:
                cursor.execute("SELECT acount FROM login")
            except psycopg.errors.UndefinedColumn as error:
                print(error.diag.sqlstate, error.diag.message_primary, error.diag.message_hint, error.diag.statement_position)
            try:
                cursor.execute("SELECT 1")
            except psycopg.errors.InFailedSqlTransaction as error:
                print(error.diag.sqlstate)
            connection.rollback()
            try:
                cursor.execute("DELETE FROM login")
            except psycopg.errors.ReadOnlySqlTransaction as error:
                print(error.diag.sqlstate, error.diag.message_primary)
    with psycopg.connect(f"{WHERE} user=desk password={WHOLE}", autocommit=True) as connection:
        started = time.monotonic()
        threading.Timer(0.5, connection.cancel).start()
        try:
            connection.execute("SELECT count(*) FROM generate_series(1, 100000000000) g")
        except psycopg.errors.QueryCanceled as error:
            print("ended:", error.diag.message_primary, time.monotonic() - started < 5)
        connection.execute("SET statement_timeout = 300")
        try:
            connection.execute("SELECT count(*) FROM generate_series(1, 100000000000) g")
        except psycopg.errors.QueryCanceled as error:
            print("late:", error.diag.message_primary)
        print(connection.execute("SELECT 'still here'").fetchone())
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int", (n,)) for n in range(3)]
            print([cursor.fetchone() for cursor in cursors])
        print(sum(1 for _ in connection.cursor().stream("SELECT seq FROM login")))


def masked():
    with psycopg.connect(f"{WHERE} user=trainee password={MASKED}") as connection:
        rows = connection.execute("SELECT account, count(*) FROM login GROUP BY 1 ORDER BY 2").fetchall()
        print(sorted((name[:3], "·" in name, n) for name, n in rows))
        print(connection.execute("SELECT count(*) FROM login WHERE account = %s", ("alice",)).fetchone())


def pg8000_dbapi():
    connection = pg8000.dbapi.connect(user="desk", password=WHOLE, host="127.0.0.1", port=PORT, database="wardroom")
    cursor = connection.cursor()
    cursor.execute("SELECT seq, time, account, ok, score, peers FROM login WHERE seq = %s", (2,))
    print(cursor.fetchall())
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
    print(cursor.fetchall())
    connection.rollback()
    connection.close()


def sqlalchemy_reflects():
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://desk:{WHOLE}@127.0.0.1:{PORT}/wardroom")
    inspector = inspect(engine)
    print(inspector.get_schema_names(), inspector.get_table_names(), inspector.get_view_names())
    for column in inspector.get_columns("signup"):
        print(" ", column["name"], column["type"], column["nullable"], column["comment"])
    print(inspector.get_pk_constraint("signup"), inspector.get_foreign_keys("signup"), inspector.get_indexes("signup"))
    print(inspector.has_table("login"), inspector.has_table("nothing"), inspector.get_table_comment("labels"))
    table = sqlalchemy.Table("login", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        asked = sqlalchemy.select(table.c.account, sqlalchemy.func.count()).where(table.c.ok).group_by(table.c.account)
        print(sorted(connection.execute(asked).all()))
        print(connection.execute(text("SELECT count(*) FROM login WHERE seq > :seq"), {"seq": 5}).scalar())


for part in (psycopg3, masked, pg8000_dbapi, sqlalchemy_reflects):
    print("==", part.__name__)
    part()
print("all is well")
