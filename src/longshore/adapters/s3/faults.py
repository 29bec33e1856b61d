"""The store's refusals and failures in the product's words: translated here, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from longshore.core.errors import Problem, StorageFull, Upstream
from longshore.core.sizes import parse_int
from longshore.ports.multipart import MultipartGone, PartsOutOfOrder, PartTooSmall, PartUnknown
from longshore.ports.storage import LinkUsed, ObjectMissing

_RETRY = timedelta(seconds=5)
_LONG_RETRY = timedelta(minutes=1)

#: Statuses after which the same request may well succeed.
PASSING = frozenset({429, 500, 502, 503, 504})
#: The same, told by the code of a document that comes with another status.
PASSING_CODES = frozenset({"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "OperationAborted"})


class StoreKeysWrong(Upstream):
    code = "store-keys-wrong"
    title = (
        "The object store does not accept our access key and secret key (LONGSHORE_STORAGE__ACCESS_KEY, __SECRET_KEY)"
    )


class StoreForbids(Upstream):
    code = "store-forbids"
    title = "The object store does not allow our access key what is needed; `longshore doctor --storage` lists it"


class StoreRegionWrong(Upstream):
    code = "store-region-wrong"
    title = "The object store is in another region than LONGSHORE_STORAGE__REGION says"


class StoreClockSkewed(Upstream):
    code = "store-clock-skewed"
    title = "This machine's clock and the object store's differ by more than 15 minutes"


class BucketMissing(Upstream):
    code = "bucket-missing"
    title = "A bucket of LONGSHORE_STORAGE does not exist; `longshore storage setup` makes it"


_BY_CODE: Mapping[str, type[Problem]] = {
    "NoSuchKey": ObjectMissing,
    "NoSuchCORSConfiguration": ObjectMissing,
    "NoSuchLifecycleConfiguration": ObjectMissing,
    "NoSuchUpload": MultipartGone,
    "NoSuchBucket": BucketMissing,
    "PreconditionFailed": LinkUsed,
    "InvalidPart": PartUnknown,
    "InvalidPartOrder": PartsOutOfOrder,
    "EntityTooSmall": PartTooSmall,
    "InvalidAccessKeyId": StoreKeysWrong,
    "SignatureDoesNotMatch": StoreKeysWrong,
    "InvalidToken": StoreKeysWrong,
    "AccessDenied": StoreForbids,
    "RequestTimeTooSkewed": StoreClockSkewed,
    "AuthorizationHeaderMalformed": StoreRegionWrong,
    "PermanentRedirect": StoreRegionWrong,
    "IllegalLocationConstraintException": StoreRegionWrong,
}
_FULL = frozenset({"QuotaExceeded", "InsufficientCapacity", "NotEnoughSpace", "XMinioStorageFull"})


def silent() -> Upstream:
    return Upstream("The object store does not answer", retry_after=_RETRY)


def unreadable() -> Upstream:
    return Upstream("The object store answers in a way that cannot be read", retry_after=_RETRY)


def refused(status: int, code: str, headers: Mapping[str, str]) -> Problem:
    """What an answer with an error `status` means. `code` is that of its document; a HEAD has none."""
    if code in _FULL or status == 507:
        return StorageFull(retry_after=_LONG_RETRY)
    kind = _BY_CODE.get(code)
    if kind is None and not code:
        kind = {404: ObjectMissing, 403: StoreForbids, 412: LinkUsed, 301: StoreRegionWrong}.get(status)
    if kind is not None:
        return kind(retry_after=_LONG_RETRY) if issubclass(kind, Upstream) else kind()
    wait = parse_int(headers.get("Retry-After", ""))
    # Store's codes are fixed words, but they come from outside.
    shown = code if code.isalnum() and len(code) < 60 else "no code"
    return Upstream(
        f"The object store answers with an error ({status}, {shown})",
        retry_after=timedelta(seconds=min(wait, 3600)) if wait else _RETRY,
    )
