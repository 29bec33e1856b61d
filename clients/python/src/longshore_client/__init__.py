"""The Python client of Longshore."""

__version__ = "0.1.0"
