"""clamd: the malware scanner, spoken to over its own protocol."""

from longshore.adapters.clamd.scanner import ClamdScanner
from longshore.adapters.clamd.settings import ClamdSettings

__all__ = ["ClamdScanner", "ClamdSettings"]
