"""The Uploadcare contract over HTTP: its Upload API (`upload_api`) and its REST API v0.7 (`rest_api`).

Each answers for everything below its own paths: unknown paths, wrong methods, preflights and every error in its own
dialect (decision 29). They translate and nothing else.
"""

from longshore.http.app import Mounted
from longshore.http.uploadcare.paths import REST_PREFIXES, UPLOAD_PREFIXES
from longshore.http.uploadcare.rest import RestApi
from longshore.http.uploadcare.services import UploadcareServices
from longshore.http.uploadcare.upload import UploadApi

__all__ = ["UploadcareServices", "rest_api", "upload_api"]


def upload_api(services: UploadcareServices) -> Mounted:
    return Mounted("upload", UPLOAD_PREFIXES, UploadApi(services))


def rest_api(services: UploadcareServices) -> Mounted:
    return Mounted("rest", REST_PREFIXES, RestApi(services))
