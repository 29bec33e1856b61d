"""Webhooks and the log of their deliveries as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, true, update

from longshore.adapters.sql.statement import (
    Row,
    Session,
    Statement,
    Violated,
    at_most,
    delete_first,
    first,
    insert_for,
    limit_value,
    set_from_values,
)
from longshore.adapters.sql.tables import deliveries, webhooks
from longshore.core.ids import EventId, ProjectId, WebhookId
from longshore.core.time import from_micros, to_micros
from longshore.core.webhook import Delivery, Webhook, WebhookEvent, WebhookExists

_ALL = select(*webhooks.columns)
_INSERT = Statement(
    lambda dialect: (
        insert_for(dialect, webhooks)
        .values({c.name: bindparam(c.name, type_=c.type) for c in webhooks.columns if c.name != "id"})
        .on_conflict_do_nothing()
        .returning(webhooks.c.id)
    )
)
_GET = Statement(_ALL.where(webhooks.c.id == bindparam("id")))
_OF_PROJECT = Statement(
    _ALL.where(webhooks.c.project_id == bindparam("project_id")).order_by(webhooks.c.id.desc()).limit(1000)
)
_FOR_EVENT = Statement(
    _ALL.where(
        webhooks.c.project_id == bindparam("project_id"),
        webhooks.c.event == bindparam("event"),
        webhooks.c.is_active == true(),
    )
    .order_by(webhooks.c.id)
    .limit(1000)
)
_SAVE = Statement(
    update(webhooks)
    .where(webhooks.c.id == bindparam("by_id"), webhooks.c.project_id == bindparam("by_project_id"))
    .values(set_from_values(webhooks, without=("id", "project_id", "created_at")))
)
_DELETE = Statement(
    delete(webhooks).where(webhooks.c.id == bindparam("id"), webhooks.c.project_id == bindparam("project_id"))
)
_LOGGED = tuple(c for c in deliveries.columns if c.name not in ("id", "webhook_id"))
# From the webhook's own row, so that the last attempt for a webhook just deleted is dropped rather than refused.
_LOG = Statement(
    insert(deliveries).from_select(
        ["webhook_id", *(c.name for c in _LOGGED)],
        select(webhooks.c.id, *(bindparam(f"new_{c.name}", type_=c.type) for c in _LOGGED)).where(
            webhooks.c.id == bindparam("by_id")
        ),
    )
)
_DELIVERIES = Statement(
    select(*(c for c in deliveries.columns if c.name != "id"))
    .where(deliveries.c.webhook_id == bindparam("webhook_id"))
    .order_by(deliveries.c.id.desc())
    .limit(limit_value())
)
_PRUNE = delete_first(deliveries, deliveries.c.at < bindparam("before"))


def _webhook(row: Row) -> Webhook:
    (ident, project_id, event, target_url, is_active, signing_secret, version, created_at, updated_at) = row
    return Webhook(
        id=WebhookId(ident),
        project_id=ProjectId(project_id),
        event=WebhookEvent(event),
        target_url=target_url,
        is_active=bool(is_active),
        signing_secret=signing_secret,
        version=version,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
    )


def _values(webhook: Webhook) -> dict[str, object]:
    return {
        "project_id": webhook.project_id,
        "event": webhook.event.value,
        "target_url": webhook.target_url,
        "is_active": webhook.is_active,
        "signing_secret": webhook.signing_secret,
        "version": webhook.version,
        "created_at": to_micros(webhook.created_at),
        "updated_at": to_micros(webhook.updated_at),
    }


class SqlWebhooks:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, webhook: Webhook) -> Webhook:
        row = await first(self._session, _INSERT, _values(webhook))
        if row is None:
            raise WebhookExists
        return replace(webhook, id=WebhookId(row[0]))

    async def get(self, webhook_id: WebhookId) -> Webhook | None:
        row = await first(self._session, _GET, {"id": webhook_id})
        return _webhook(row) if row else None

    async def of(self, project_id: ProjectId) -> Sequence[Webhook]:
        return [_webhook(row) for row in await self._session.rows(_OF_PROJECT, {"project_id": project_id})]

    async def for_event(self, project_id: ProjectId, event: WebhookEvent) -> Sequence[Webhook]:
        rows = await self._session.rows(_FOR_EVENT, {"project_id": project_id, "event": event.value})
        return [_webhook(row) for row in rows]

    async def save(self, webhook: Webhook) -> bool:
        values = {f"new_{name}": value for name, value in _values(webhook).items()}
        place = {"by_id": webhook.id, "by_project_id": webhook.project_id}
        try:
            return await self._session.run(_SAVE, values | place) == 1
        except Violated as e:
            raise WebhookExists from e

    async def delete(self, project_id: ProjectId, webhook_id: WebhookId) -> bool:
        return await self._session.run(_DELETE, {"id": webhook_id, "project_id": project_id}) == 1

    async def log(self, delivery: Delivery) -> None:
        await self._session.run(
            _LOG,
            {
                "by_id": delivery.webhook_id,
                "new_event_id": str(delivery.event_id),
                "new_attempt": delivery.attempt,
                "new_at": to_micros(delivery.at),
                "new_status": delivery.status,
                "new_error": delivery.error,
            },
        )

    async def deliveries(self, webhook_id: WebhookId, limit: int) -> Sequence[Delivery]:
        rows = await self._session.rows(_DELIVERIES, {"webhook_id": webhook_id, "limit": at_most(limit)})
        return [
            Delivery(
                webhook_id=WebhookId(hook),
                event_id=EventId(UUID(event_id)),
                attempt=attempt,
                at=from_micros(at),
                status=status,
                error=error,
            )
            for (hook, event_id, attempt, at, status, error) in rows
        ]

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"before": to_micros(before), "limit": at_most(limit)})
