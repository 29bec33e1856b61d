"""Real servers, started privately for tests: loopback only, own ports, own short folders, gone with the test run.

One module per server (`clamd`, `nginx`, `chromium`), each usable without pytest; `process` starts and ends them;
`plugin` makes fixtures of them. A server that cannot start fails the test: nothing here ever skips.
Another server (PostgreSQL, Redis, Ceph RGW) is one more module with a class over `ServerProcess`, and its fixture in
`plugin`.
"""
