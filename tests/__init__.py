"""Longshore's tests: one folder per sort (see style in CONTRIBUTING.md), `servers` and `corpus` for all of them."""
