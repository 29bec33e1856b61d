"""REST calls about webhooks (contract 2.12). Bodies are forms (pyuploadcare) or JSON (the others)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.responses import Response

from longshore.core.ids import WebhookId
from longshore.core.sizes import parse_int
from longshore.core.time import to_wire
from longshore.core.webhook import BadWebhook, Webhook, WebhookEvent, WebhookExists
from longshore.http.uploadcare.call import RestCall, RestError, Table, answer, no_content
from longshore.http.uploadcare.services import UploadcareServices
from longshore.services.webhooks import NewWebhook

_TRUTHS: Mapping[str, bool] = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
_EXISTS = {"non_field_errors": ["This project is already subscribed on this event"]}
_MAX_FIELDS = 100


class WebhookCalls:
    def __init__(self, services: UploadcareServices) -> None:
        self._webhooks = services.webhooks

    def table(self) -> Table:
        return {
            "/webhooks/": {"GET": self._list, "POST": self._create},
            "/webhooks/unsubscribe/": {"DELETE": self._unsubscribe, "POST": self._unsubscribe_aloud},
            "/webhooks/{id}/": {"PUT": self._change, "DELETE": self._delete},
        }

    async def _list(self, call: RestCall) -> Response:
        return answer([_shown(webhook) for webhook in await self._webhooks.list(call.server.project)])

    async def _create(self, call: RestCall) -> Response:
        fields = _fields(call)
        target, event = _target(fields), _event(fields)
        if event is None:
            raise RestError(400, "`event` is missing.")
        is_active = _is_active(fields)
        new = NewWebhook(
            target_url=target,
            event=event,
            is_active=True if is_active is None else is_active,
            signing_secret=_secret(fields),
        )
        try:
            webhook = await self._webhooks.create(call.server.project, new)
        except (WebhookExists, BadWebhook) as problem:
            raise _refusal(problem) from problem
        return answer(_shown(webhook), 201)

    async def _change(self, call: RestCall) -> Response:
        fields = _fields(call)
        try:
            webhook = await self._webhooks.change(
                call.server.project,
                _id(call),
                target_url=_target(fields) if "target_url" in fields else None,
                event=_event(fields),
                is_active=_is_active(fields),
                signing_secret=_secret(fields),
            )
        except (WebhookExists, BadWebhook) as problem:
            raise _refusal(problem) from problem
        return answer(_shown(webhook))

    async def _delete(self, call: RestCall) -> Response:
        await self._webhooks.delete(call.server.project, _id(call))
        return no_content()

    async def _unsubscribe(self, call: RestCall) -> Response:
        """204 also when nobody was subscribed."""
        await self._webhooks.unsubscribe(call.server.project, _target(_fields(call)))
        return no_content()

    async def _unsubscribe_aloud(self, call: RestCall) -> Response:
        """What old clients send and read."""
        await self._webhooks.unsubscribe(call.server.project, _target(_fields(call)))
        return answer({"detail": "Webhook deleted"})


def _shown(webhook: Webhook) -> object:
    return {
        "id": webhook.id,
        "created": to_wire(webhook.created_at),
        "updated": to_wire(webhook.updated_at),
        "event": webhook.event.value,
        "target_url": webhook.target_url,
        "project": webhook.project_id,
        "is_active": webhook.is_active,
        "signing_secret": webhook.signing_secret,
        "version": webhook.version,
    }


def _refusal(problem: WebhookExists | BadWebhook) -> RestError:
    return RestError(400, _EXISTS if isinstance(problem, WebhookExists) else problem.detail)


def _id(call: RestCall) -> WebhookId:
    number = parse_int(call.path["id"])
    if number is None:
        raise RestError(404, "Not found.")
    return WebhookId(number)


def _fields(call: RestCall) -> Mapping[str, object]:
    if not call.body:
        return {}
    if call.content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError as error:
            raise RestError(400, "The request contains too many fields.") from error
    body = call.json()
    if not isinstance(body, dict):
        raise RestError(400, "Expected JSON object.")
    return body  # pyright: ignore[reportUnknownVariableType] -- a JSON object: its keys are text


def _target(fields: Mapping[str, object]) -> str:
    target = fields.get("target_url")
    if not isinstance(target, str) or not target:
        raise RestError(400, "`target_url` is missing.")
    return target


def _event(fields: Mapping[str, object]) -> WebhookEvent | None:
    event = fields.get("event")
    if event is None:
        return None
    try:
        return WebhookEvent(str(event))
    except ValueError as error:
        known = ", ".join(WebhookEvent)
        raise RestError(400, {"event": [f"Must be one of: {known}."]}) from error


def _is_active(fields: Mapping[str, object]) -> bool | None:
    active = fields.get("is_active")
    if active is None or isinstance(active, bool):
        return active
    try:
        return _TRUTHS[str(active).lower()]
    except KeyError as error:
        raise RestError(400, {"is_active": ["Must be a valid boolean."]}) from error


def _secret(fields: Mapping[str, object]) -> str | None:
    """Empty takes a secret away; None leaves it as it is."""
    if "signing_secret" not in fields:
        return None
    secret = fields["signing_secret"]
    if secret is not None and not isinstance(secret, str):
        raise RestError(400, {"signing_secret": ["Not a valid string."]})
    return secret or ""
