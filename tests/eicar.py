"""The public EICAR test string, which every virus scanner reports, in the shapes that tests send.

It is put together at run time: whole in a source file (or, folded by the compiler, in a .pyc), it would make users'
scanners quarantine the checkout.
"""

import io
import zipfile


def eicar() -> bytes:
    """The 68 bytes themselves."""
    # join() of a tuple, not `+`: the compiler would fold the sum into one constant
    return b"".join((b"X5O!P%@AP[4", b"\\PZX54(P^)7CC)7}", b"$EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!", b"$H+H*"))


def eicar_zip() -> bytes:
    """A zip archive with the test file in it."""
    return _zipped("eicar.com", eicar())


def eicar_zip_twice() -> bytes:
    """A zip archive with a zip archive with the test file in it."""
    return _zipped("inner.zip", eicar_zip())


def _zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        # a fixed date, so that the same bytes come out every time
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
