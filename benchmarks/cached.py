"""Cached delivery of a 30 KB result, beside a bare Starlette route that answers the same bytes from memory.

Both under uvicorn with uvloop and httptools, one process. Target: half of the bare route.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from pathlib import Path

from benchmarks.load import requests_per_second
from longshore_client import Client
from tests.corpus import photo_jpeg
from tests.servers.longshore import running_longshore
from tests.servers.process import free_port, is_listening

TARGET = 0.5
ROUNDS = 3
_OPERATIONS = "-/preview/400x300/-/format/jpeg/"

_BARE = """
    import sys, uvicorn
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route
    body = open(sys.argv[1], "rb").read()
    async def answer(request):
        return Response(body, media_type="image/jpeg")
    app = Starlette(routes=[Route("/image", answer)])
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


def main() -> None:
    with running_longshore() as server, tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(photo_jpeg(1632, 1224, 3))
        with Client(server.url, key=server.demo.secret_key) as client:
            file = client.upload(photo)
        url = f"{server.url}/{file.id}/{_OPERATIONS}"
        result = Path(folder) / "result.jpg"
        with urllib.request.urlopen(url) as answer:
            size = result.write_bytes(answer.read())
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-c", textwrap.dedent(_BARE), str(result), str(port)])
        try:
            while not is_listening(port):
                time.sleep(0.05)
            rates = [
                (requests_per_second(url), requests_per_second(f"http://127.0.0.1:{port}/image")) for _ in range(ROUNDS)
            ]
        finally:
            bare.terminate()
            bare.wait()
    ours, theirs = max(rate for rate, _ in rates), max(rate for _, rate in rates)
    print(f"   {ours:8.0f} requests/s of {size / 1000:.0f} KB, with a log line each")
    print(f"   {theirs:8.0f} requests/s by the bare route")
    print(f"   {ours / theirs:8.2f} x   target {TARGET} x")


if __name__ == "__main__":
    main()
