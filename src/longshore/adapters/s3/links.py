"""Signed links straight to the store. Everything that a link does not allow, the store refuses.

What is signed: method, key, expiry, type, length, and `If-None-Match: *`, which makes a PUT write-once: while anything
lies under the key, also the mark that `S3ObjectStore.retire` leaves, the store answers 412. A PUT cannot be bound to
a range of lengths; a form's policy can.
"""

from __future__ import annotations

from longshore.adapters.s3.layout import Layout
from longshore.adapters.s3.settings import S3Settings
from longshore.adapters.s3.sigv4 import Credentials, Signing, place_of, presign, seconds_between, sign_policy
from longshore.core.time import Clock
from longshore.ports.storage import Bucket, Constraints, LinkAbilities, ObjectKey, SignedForm, SignedRequest


class S3LinkSigner:
    """`ports.storage.LinkSigner`."""

    def __init__(self, settings: S3Settings, clock: Clock, *, post: bool = True, conditional: bool = True) -> None:
        """`post` and `conditional`: whether the store takes forms with a policy, and knows `If-None-Match: *`."""
        self._layout = Layout(settings)
        self._signing = Signing(Credentials(settings.access_key, settings.secret_key), settings.region)
        self._clock = clock
        self._abilities = LinkAbilities(ranged_put=False, post=post)
        self._conditional = {"if-none-match": "*"} if conditional else {}
        self._conditional_sent = {"If-None-Match": "*"} if conditional else {}
        endpoint = settings.public_endpoint or settings.endpoint
        self._places = {
            real: place_of(endpoint, real, settings.addressing)
            for real in (self._layout.range(bucket)[0] for bucket in Bucket)
        }

    @property
    def abilities(self) -> LinkAbilities:
        return self._abilities

    def put(self, key: ObjectKey, constraints: Constraints) -> SignedRequest:
        """Raises ValueError when the size is not exact."""
        if constraints.size_min != constraints.size_max:
            raise ValueError("S3 cannot bind a PUT to a range of sizes")
        bucket, name = self._layout.place(key)
        now = self._clock.now()
        url = presign(
            "PUT",
            self._places[bucket],
            name,
            signing=self._signing,
            now=now,
            expires=seconds_between(now, constraints.expires_at),
            headers={
                "content-type": constraints.content_type,
                "content-length": str(constraints.size_max),
                **self._conditional,
            },
        )
        return SignedRequest(
            method="PUT",
            url=url,
            # Content-Length is signed too; every client sends it by itself, and browsers allow nobody else to
            headers={"Content-Type": constraints.content_type, **self._conditional_sent},
            expires_at=constraints.expires_at.replace(microsecond=0),
        )

    def post(self, key: ObjectKey, constraints: Constraints) -> SignedForm:
        bucket, name = self._layout.place(key)
        fields = sign_policy(
            bucket,
            {"key": name, "Content-Type": constraints.content_type},
            [("content-length-range", constraints.size_min, constraints.size_max)],
            signing=self._signing,
            now=self._clock.now(),
            expires_at=constraints.expires_at,
        )
        place = self._places[bucket]
        return SignedForm(
            url=f"{place.origin}{place.path('')}",
            fields=fields,
            expires_at=constraints.expires_at.replace(microsecond=0),
        )
