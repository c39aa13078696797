"""Keys are shown once, stored as digests, and end when they are revoked."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.tables import now


@pytest.fixture
def key(db):
    with db.write() as s:
        return users.create_key(s, username="ada", email="ada@example.org", label="laptop")


def owner(db, key):
    with db.read() as s:
        return users.user_of_key(s, key)


def test_a_key_tells_its_user(db, key):
    user, row = owner(db, key)
    assert (user.username, user.email, row.label) == ("ada", "ada@example.org", "laptop")
    assert key.startswith("hq_")
    assert len(key) == 46
    assert row.prefix == key[:8]


@pytest.mark.parametrize("wrong", ["", "hq_", "hq_" + "x" * 43, "\ud800", "x" * 100_000, "' OR 1=1 --", "%"])
def test_what_is_no_key_tells_nobody(db, key, wrong):
    assert owner(db, wrong) is None


def test_the_key_itself_is_not_stored(db, key):
    with db.read() as s:
        stored = [str(row) for row in s.execute(text("SELECT * FROM api_keys"))]
    assert len(stored) == 1
    assert key[8:] not in stored[0]
    assert key[:8] in stored[0]


def test_a_user_can_have_several_keys(db, key):
    with db.write() as s:
        other = users.create_key(s, username="ada")
    assert owner(db, other)[0].id == owner(db, key)[0].id
    assert owner(db, key)[0].email == "ada@example.org"
    with db.read() as s:
        assert [(row.label, user.username) for row, user in users.list_keys(s)] == [("laptop", "ada"), ("", "ada")]


def test_a_revoked_key_is_none(db, key):
    row = owner(db, key)[1]
    with db.write() as s:
        assert users.any_key(s)
        assert users.revoke_key(s, row.id)
        assert not users.revoke_key(s, row.id)
        assert not users.revoke_key(s, 12345)
        assert not users.any_key(s)
        assert users.list_keys(s)[0][0].revoked_date is not None
    assert owner(db, key) is None


def test_use_is_noted_once_a_minute(db, key):
    row = owner(db, key)[1]
    assert row.last_used is None
    assert users.touch_is_due(row)
    with db.write() as s:
        users.touch_key(s, row)
    first = owner(db, key)[1]
    assert not users.touch_is_due(first)
    with db.write() as s:
        users.touch_key(s, row)
    assert owner(db, key)[1].last_used == first.last_used
    first.last_used = now() - timedelta(seconds=61)
    assert users.touch_is_due(first)


def test_a_login_lasts_until_logout(db, key):
    with db.write() as s:
        token = users.open_session(s, users.user_of_key(s, key)[1])
    with db.read() as s:
        login, user = users.session_of(s, token)
        assert users.session_of(s, "other") is None
        assert token not in str(s.execute(text("SELECT * FROM web_sessions")).all())
    assert user.username == "ada"
    assert len(login.csrf) == 43
    with db.write() as s:
        users.close_session(s, token)
        assert users.session_of(s, token) is None


def test_a_login_expires_and_is_forgotten(db, key):
    with db.write() as s:
        row = users.user_of_key(s, key)[1]
        token = users.open_session(s, row, lifetime=timedelta(0))
        assert users.session_of(s, token) is None
        users.open_session(s, row)
        assert s.scalar(text("SELECT count(*) FROM web_sessions")) == 1


def test_a_login_ends_with_its_key(db, key):
    with db.write() as s:
        row = users.user_of_key(s, key)[1]
        token = users.open_session(s, row)
        users.revoke_key(s, row.id)
        assert users.session_of(s, token) is None


def test_a_user_is_made_once(db, in_threads):
    def create(_):
        with db.write() as s:
            users.create_key(s, username="ada")

    in_threads(16, create)
    with db.read() as s:
        keys = users.list_keys(s)
    assert len(keys) == 16
    assert len({user.id for _, user in keys}) == 1
