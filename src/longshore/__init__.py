"""Longshore: self-hosted file infrastructure."""

__version__ = "0.1.0"
