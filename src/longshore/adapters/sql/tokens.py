"""How often a limited upload token was used, as rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam

from longshore.adapters.sql.statement import Session, Statement, at_most, delete_oldest, insert_for
from longshore.adapters.sql.tables import token_uses
from longshore.core.time import to_micros

_TAKE = Statement(
    lambda dialect: (put := insert_for(dialect, token_uses)).on_conflict_do_update(
        index_elements=[token_uses.c.token_id],
        set_={"used": token_uses.c.used + put.excluded.used, "expires_at": put.excluded.expires_at},
        where=token_uses.c.used + put.excluded.used <= bindparam("limit", type_=token_uses.c.used.type),
    )
)
_PRUNE = delete_oldest(token_uses, token_uses.c.expires_at < bindparam("now"), token_uses.c.expires_at)


class SqlTokenUses:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(self, token_id: str, count: int, *, limit: int, expires_at: datetime) -> bool:
        if count > limit:
            return False
        values = {"token_id": token_id, "used": count, "limit": limit, "expires_at": to_micros(expires_at)}
        return await self._session.run(_TAKE, values) == 1

    async def prune(self, now: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"now": to_micros(now), "limit": at_most(limit)})
