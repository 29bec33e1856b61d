"""Requests to the outside, all through one guard."""

from longshore.adapters.outbound.caller import GuardedCaller
from longshore.adapters.outbound.settings import OutboundSettings

__all__ = ["GuardedCaller", "OutboundSettings"]
