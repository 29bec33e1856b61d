"""Peers for the benchmarks: installed from PyPI, npm and Debian into a private folder, run on loopback, ended with us.

None of them is a part of the product or of its locks.
"""
