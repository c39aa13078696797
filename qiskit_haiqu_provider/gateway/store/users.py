"""Users, their keys, and their logins to the dashboard. Keys and tokens are stored as digests only."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.gateway.store.tables import ApiKey, User, WebSession, now
from qiskit_haiqu_provider.gateway.store.upsert import insert_into

SESSION_LIFETIME = timedelta(hours=12)
"""How long a login to the dashboard lasts."""

_TOUCH_EVERY = timedelta(minutes=1)
_KEY_PREFIX = 8

_OWNER = (
    select(User, ApiKey)
    .join(ApiKey, ApiKey.user_id == User.id)
    .where(ApiKey.digest == bindparam("digest"), ApiKey.revoked_date.is_(None))
)
"""Built once: it is asked for with every request."""


def create_key(session: Session, *, username: str, email: str = "", label: str = "") -> str:
    """A new key for a user, who is made if need be. This is the only time that the key can be seen."""
    users = insert_into(session, User).values(username=username, email=email)
    session.execute(users.on_conflict_do_nothing(index_elements=["username"]))
    user = session.scalars(select(User).where(User.username == username)).one()
    if email:
        user.email = email
    key = "hq_" + secrets.token_urlsafe(32)
    session.add(ApiKey(user_id=user.id, digest=_digest(key), prefix=key[:_KEY_PREFIX], label=label))
    session.flush()
    return key


def list_keys(session: Session) -> list[tuple[ApiKey, User]]:
    """All keys with their users, the revoked ones too, in the order in which they were made."""
    rows = session.execute(select(ApiKey, User).join(User, ApiKey.user_id == User.id).order_by(ApiKey.id))
    return [(key, user) for key, user in rows]


def revoke_key(session: Session, key_id: int) -> bool:
    """End a key and all logins made with it. False if there is no such key, or it was revoked before."""
    session.execute(delete(WebSession).where(WebSession.key_id == key_id))
    valid = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_date.is_(None))
    return session.scalar(valid.values(revoked_date=now()).returning(ApiKey.id)) is not None


def user_of_key(session: Session, key: str) -> tuple[User, ApiKey] | None:
    """Whose key this is; None if it is no key or a revoked one."""
    digest = _digest(key)
    row = session.execute(_OWNER, {"digest": digest}).first()
    if row is None or not hmac.compare_digest(row[1].digest, digest):
        return None
    return row[0], row[1]


def touch_is_due(key: ApiKey) -> bool:
    """Whether :func:`touch_key` has something to write; at most once a minute."""
    return key.last_used is None or key.last_used < now() - _TOUCH_EVERY


def touch_key(session: Session, key: ApiKey) -> None:
    """Note that a key was used."""
    moment = now()
    old = or_(ApiKey.last_used.is_(None), ApiKey.last_used < moment - _TOUCH_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key.id, old).values(last_used=moment))


def any_key(session: Session) -> bool:
    """Whether somebody can log in at all."""
    return bool(session.scalar(select(exists().where(ApiKey.revoked_date.is_(None)))))


def open_session(session: Session, key: ApiKey, *, lifetime: timedelta = SESSION_LIFETIME) -> str:
    """Log in to the dashboard: the token for the cookie. Forgets logins that have expired."""
    moment = now()
    session.execute(delete(WebSession).where(WebSession.expires <= moment))
    token = secrets.token_urlsafe(32)
    csrf = secrets.token_urlsafe(32)
    session.add(WebSession(digest=_digest(token), key_id=key.id, csrf=csrf, expires=moment + lifetime))
    session.flush()
    return token


def session_of(session: Session, token: str) -> tuple[WebSession, User] | None:
    """The login of a cookie's token; None if it is unknown, has expired, or its key was revoked."""
    digest = _digest(token)
    row = session.execute(
        select(WebSession, User)
        .join(ApiKey, WebSession.key_id == ApiKey.id)
        .join(User, ApiKey.user_id == User.id)
        .where(WebSession.digest == digest, WebSession.expires > now(), ApiKey.revoked_date.is_(None))
    ).first()
    if row is None or not hmac.compare_digest(row[0].digest, digest):
        return None
    return row[0], row[1]


def close_session(session: Session, token: str) -> None:
    """Log out."""
    session.execute(delete(WebSession).where(WebSession.digest == _digest(token)))


def _digest(secret: str) -> str:
    """SHA-256 is enough: keys and tokens are 256 random bits, which no search finds."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
