"""The database itself: private, whole after a kill, one owner, and no password in any message."""

import contextlib
import signal
import socket
import stat
import subprocess
import sys
from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, StatementError

from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.gateway.store import Database, jobs, users
from qiskit_haiqu_provider.gateway.store.tables import Base, User


def run_python(code, *arguments):
    """A process that runs code; its lines of output can be read while it lives."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


# Tables and migrations.


def test_migrations_lead_to_the_tables_of_the_code(db):
    with db.write() as s:
        context = MigrationContext.configure(s.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(db, ada):
    db.migrate()
    with db.read() as s:
        assert s.get(User, ada.id).username == "ada"


def test_processes_that_start_at_once_migrate_once(url):
    code = "import sys; from qiskit_haiqu_provider.gateway.store import Database; Database(sys.argv[1]).migrate()"
    started = [run_python(code, url) for _ in range(4)]
    for process in started:
        process.communicate()
    assert [process.returncode for process in started] == [0] * 4


def test_threads_that_start_at_once_migrate_once(url, in_threads):
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(contextlib.closing(Database(url))) for _ in range(8)]
        in_threads(8, lambda index: opened[index].migrate())


def test_tables_of_a_newer_release_are_left_alone(db):
    with db.write() as s:
        s.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HaiquError, match="newer release"):
        db.migrate()


# Reading and writing.


def test_an_error_takes_the_whole_write_back(db):
    with contextlib.suppress(ZeroDivisionError), db.write() as s:
        users.create_key(s, username="ada")
        _ = 1 / 0
    with db.read() as s:
        assert not users.any_key(s)


def test_a_read_cannot_write(db):
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), db.read() as s:
        users.create_key(s, username="ada")


def test_a_read_sees_what_was_written_before_it(db):
    with db.read() as s:
        assert not users.any_key(s)
    with db.write() as s:
        users.create_key(s, username="ada")
    with db.read() as s:
        assert users.any_key(s)


def test_reading_goes_on_while_somebody_writes(db, ada):
    with db.write() as writing:
        users.create_key(writing, username="bob")
        with db.read() as s:
            assert [user.username for _, user in users.list_keys(s)] == ["ada"]


def test_moments_come_back_in_utc(db, ada):
    with db.read() as s:
        assert s.get(User, ada.id).creation_date == ada.creation_date
    assert ada.creation_date.utcoffset().total_seconds() == 0


def test_a_moment_without_time_zone_is_refused(db, add_job):
    with pytest.raises(StatementError, match="no time zone"):
        add_job(run_date=datetime(2026, 1, 1))


def test_nan_is_no_json_on_any_database(db, add_job):
    with pytest.raises((StatementError, ValueError), match="JSON compliant"):
        add_job(info={"uncertainty": float("nan")})


def test_errors_do_not_show_the_users_data(db, ada, job_fields):
    with pytest.raises(DBAPIError) as caught, db.write() as s:
        jobs.add(s, ada, **{**job_fields, "experiment_id": "none such", "name": "my secret plan"})
    assert "my secret plan" not in str(caught.value)


KILLED = """
import os, signal, sys
from qiskit_haiqu_provider.gateway.store import Database, users
db = Database(sys.argv[1])
with db.write() as s:
    print(users.create_key(s, username="kept"))
sys.stdout.flush()
with db.write() as s:
    users.create_key(s, username="not committed")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_nothing_that_was_committed(db, url):
    process = run_python(KILLED, url)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    with db.read() as s:
        assert users.user_of_key(s, output.strip())[0].username == "kept"
        assert len(users.list_keys(s)) == 1


# One owner.


def test_a_database_has_one_owner(db, url):
    with contextlib.closing(Database(url)) as other:
        with db.own():
            with pytest.raises(HaiquError, match="Another gateway runs the jobs"), other.own():
                pass
            with pytest.raises(HaiquError, match="Another gateway runs the jobs"), db.own():
                pass
        with other.own():
            pass


OWNING = """
import sys
from qiskit_haiqu_provider.gateway.store import Database
with Database(sys.argv[1]).own():
    print("owned", flush=True)
    sys.stdin.read()
"""


def test_an_owner_that_is_killed_gives_the_database_up(db, url):
    with subprocess.Popen(
        [sys.executable, "-c", OWNING, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "owned\n"
        with pytest.raises(HaiquError, match="Another gateway"), db.own():
            pass
        process.kill()
        process.wait()
        with db.own():  # at once, though PostgreSQL's server takes a moment to see that its client is gone
            pass


def test_an_owner_whose_connection_is_lost_ends_in_peace(db, url):
    with contextlib.closing(Database(url)) as other:
        with db.own():
            if make_url(url).get_backend_name() == "postgresql":
                with other.write() as s:
                    s.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    )
        with other.own():
            pass


def test_an_owner_can_be_released_by_another_thread(db, in_threads):
    owning = db.own()
    owning.__enter__()
    in_threads(1, lambda _: owning.__exit__(None, None, None))
    with db.own():
        pass


# Files and URLs.


def test_the_default_is_a_private_file_in_the_home(tmp_path):
    with contextlib.closing(Database()) as database:
        assert not (tmp_path / "haiqu").exists()
        database.migrate()
        with database.own():
            pass
        assert {path.name for path in (tmp_path / "haiqu").iterdir()} >= {"gateway.db", "gateway.db-wal"}
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "haiqu").iterdir())
        assert stat.S_IMODE((tmp_path / "haiqu").stat().st_mode) == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    with contextlib.closing(Database(f"sqlite:///{folder}/some.db")) as database:
        database.migrate()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "some.db").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        contextlib.closing(Database(f"sqlite:///{tmp_path}/file/some.db")) as database,
        pytest.raises(HaiquError, match=r"file/some\.db cannot be made"),
    ):
        database.migrate()


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing but text, and enough of it to be seen as such" * 100)
    with (
        contextlib.closing(Database(f"sqlite:///{tmp_path}/notes.txt")) as database,
        pytest.raises(HaiquError, match=r"notes\.txt cannot be opened: file is not a database"),
    ):
        database.migrate()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_that_does_not_answer_is_named_without_the_password(scheme, free_port):
    database = Database(f"{scheme}://ada:s3cret@127.0.0.1:{free_port}/haiqu?password=s3cret")
    with contextlib.closing(database):
        assert "s3cret" not in repr(database)
        with pytest.raises(HaiquError, match=rf"127\.0\.0\.1:{free_port}/haiqu cannot be opened") as caught:
            database.migrate()
        with pytest.raises(HaiquError, match="cannot be opened"), database.read() as s:
            users.any_key(s)
        with pytest.raises(HaiquError, match="cannot be opened"), database.own():
            pass
    assert "s3cret" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(HaiquDependencyError, match="pip install"):
        Database("postgresql://ada:s3cret@localhost/haiqu")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "cannot be read"),
        ("no url, s3cret", "cannot be read"),
        ("postgresql://ada:s3cret@host:port/name", "cannot be read"),
        ("mysql://ada:s3cret@host/name", "'mysql://', which is not known"),
        ("postgresql+psycopg2://ada:s3cret@host/name", "not known"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file:some.db?uri=true", "must name a file"),
    ],
)
def test_other_urls_are_refused_without_showing_them(url, reason):
    with pytest.raises(HaiquInputError, match=reason) as caught:
        Database(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_not_shown(url):
    parsed = make_url(url).set(password="s3cret")
    refused = pytest.raises(HaiquError, match="password authentication failed")
    if parsed.get_backend_name() == "sqlite":  # has no password; one in the URL means nothing
        refused = contextlib.nullcontext()
    with contextlib.closing(Database(parsed.render_as_string(hide_password=False))) as database, refused as caught:
        database.migrate()
    assert "s3cret" not in f"{caught} {database}"


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]  # bound, but nobody listens
