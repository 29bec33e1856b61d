"""Objects in an S3 store: data and XML over aiohttp, signatures of our own. Tested on Ceph RGW."""

from longshore.adapters.s3.settings import S3Settings

__all__ = ["S3Settings"]
