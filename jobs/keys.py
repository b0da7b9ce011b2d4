"""API keys: who may use the service, kept as hashes."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from jobs.database import API_KEYS, now
from jobs.errors import BadKeyName, KeyExists, KeyNotFound, KeyRevoked, KeyUnknown
from jobs.values import Key

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"rotograph_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class KeyRing:
    """API keys, `rotograph_ID_SECRET`: for 256 random bits one round of SHA-256 is enough."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._now = now(engine)

    def create(
        self, name: str, *, max_jobs: int | None = None, requests_per_minute: int | None = None
    ) -> str:
        """Make a key, shown only now; raises BadKeyName, or KeyExists: its name was used."""
        if not _NAME.fullmatch(name):
            raise BadKeyName(
                f"The name must be up to 64 letters, digits, '.', '_' and '-', got {name[:100]!r}."
            )
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    API_KEYS.insert().values(
                        id=key_id,
                        name=name,
                        secret_hash=_hash(secret),
                        max_jobs=max_jobs,
                        requests_per_minute=requests_per_minute,
                        created_at=self._now,
                    )
                )
        except sa.exc.IntegrityError as error:
            raise KeyExists(
                f"A key has or had the name {name!r}: the jobs of the old one would become visible "
                "to the new one."
            ) from error
        return f"rotograph_{key_id}_{secret}"

    def revoke(self, name: str) -> None:
        """Make a key worthless, at once and for good; its jobs stay. Raises KeyNotFound."""
        with self._engine.begin() as connection:
            revoked = connection.execute(
                API_KEYS.update()
                .where(API_KEYS.c.name == name)
                .values(revoked_at=sa.func.coalesce(API_KEYS.c.revoked_at, self._now))
            )
        if not revoked.rowcount:
            raise KeyNotFound(f"No key has the name {name!r}.")

    def list(self) -> Sequence[Key]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(API_KEYS).order_by(API_KEYS.c.name)).mappings()
            return [_key(row) for row in rows]

    def in_force(self) -> bool:
        """Say whether requests need a key: once one was made, revoked or not."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(API_KEYS.c.id).limit(1)).first() is not None

    def find(self, presented: str) -> Key:
        """Return the key that a client presents; raises KeyUnknown or KeyRevoked."""
        parts = _KEY.fullmatch(presented)
        key_id, secret = parts.groups() if parts else ("", "")
        with self._engine.connect() as connection:
            query = sa.select(API_KEYS).where(API_KEYS.c.id == key_id)
            row = connection.execute(query).mappings().first()
        # Compared in constant time, and also where there is nothing to compare with.
        if not hmac.compare_digest(row["secret_hash"] if row else _hash(""), _hash(secret)) or (
            row is None
        ):
            raise KeyUnknown("The API key is not one of ours.")
        if row["revoked_at"] is not None:
            raise KeyRevoked(f"The API key of {row['name']!r} was revoked.")
        return _key(row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: sa.RowMapping) -> Key:
    revoked_at = row["revoked_at"]
    return Key(
        name=row["name"],
        max_jobs=row["max_jobs"],
        requests_per_minute=row["requests_per_minute"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        revoked_at=None if revoked_at is None else datetime.fromtimestamp(revoked_at, UTC),
    )
