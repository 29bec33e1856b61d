"""The Python client of Longshore: files go up, uuids come back.

async with LongshoreClient("https://files.example.com", key=...) as client:
    file = await client.upload("holiday.jpg", kind="avatar", record="user/42")

`Client` is the same without `await`.
"""

from longshore_client.blocking import Client
from longshore_client.client import LongshoreClient, Outcome, UploadOptions
from longshore_client.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LongshoreError,
    NotFound,
    ProblemError,
    Refused,
    ServerBusy,
    SourceChanged,
    Throttled,
    TimedOut,
    TooLarge,
    TransportError,
    Unauthorized,
    UnexpectedAnswer,
)
from longshore_client.results import (
    Attachments,
    Digests,
    File,
    Image,
    Kind,
    NewUpload,
    Place,
    Position,
    Progress,
    Refusal,
    Send,
    SignedUrl,
    Step,
    StepProgress,
    Upload,
    UploadStatus,
    Urls,
    Version,
)
from longshore_client.retries import Retries
from longshore_client.sources import Source
from longshore_client.tokens import sign_upload_token
from longshore_client.version import __version__

__all__ = [
    "Attachments",
    "Client",
    "Conflict",
    "Digests",
    "File",
    "Forbidden",
    "Image",
    "Invalid",
    "Kind",
    "LongshoreClient",
    "LongshoreError",
    "NewUpload",
    "NotFound",
    "Outcome",
    "Place",
    "Position",
    "ProblemError",
    "Progress",
    "Refusal",
    "Refused",
    "Retries",
    "Send",
    "ServerBusy",
    "SignedUrl",
    "Source",
    "SourceChanged",
    "Step",
    "StepProgress",
    "Throttled",
    "TimedOut",
    "TooLarge",
    "TransportError",
    "Unauthorized",
    "UnexpectedAnswer",
    "Upload",
    "UploadOptions",
    "UploadStatus",
    "Urls",
    "Version",
    "__version__",
    "sign_upload_token",
]
