"""Webhooks: who wants to hear of events, and the record of telling them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from longshore.core.errors import Conflict, Invalid, NotFound
from longshore.core.event import EventKind
from longshore.core.ids import EventId, ProjectId, WebhookId


class WebhookNotFound(NotFound):
    code = "webhook-not-found"
    title = "There is no such webhook"


class WebhookExists(Conflict):
    code = "webhook-exists"
    title = "This project is already subscribed on this event"


class BadWebhook(Invalid):
    code = "bad-webhook"
    title = "The webhook is not valid"


class WebhookEvent(StrEnum):
    """The names on the wire (contract 2.12)."""

    FILE_UPLOADED = "file.uploaded"
    FILE_INFECTED = "file.infected"
    FILE_DELETED = "file.deleted"


#: Which of our events people hear of, and under what name.
PUBLIC_EVENTS = {
    EventKind.FILE_READY: WebhookEvent.FILE_UPLOADED,
    EventKind.FILE_INFECTED: WebhookEvent.FILE_INFECTED,
    EventKind.FILE_DELETED: WebhookEvent.FILE_DELETED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    id: WebhookId
    project_id: ProjectId
    event: WebhookEvent
    target_url: str
    is_active: bool
    signing_secret: str | None
    version: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to tell one webhook of one event. `status` is the HTTP status, None when there was no answer."""

    webhook_id: WebhookId
    event_id: EventId
    attempt: int
    at: datetime
    status: int | None
    error: str | None


def check_target(url: str) -> str:
    """An absolute http or https URL, at most 255 characters; its address is judged when calling. Raises BadWebhook."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as e:
        raise BadWebhook("`target_url` is not a URL") from e
    if len(url) > 255 or parts.scheme not in ("http", "https") or not host or any(c <= " " for c in url):
        raise BadWebhook("`target_url` must be an http or https URL of at most 255 characters")
    return url
