"""What every SecretBox promises, and how the master key comes into being."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from longshore.adapters.secrets import BadMasterKey, MasterKeyBox, load_master_key, parse_master_key
from longshore.ports.secrets import SecretBox, SecretUnreadable

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))


@pytest.fixture
def box() -> SecretBox:
    return MasterKeyBox(KEY)


@pytest.mark.parametrize("secret", ["", "a", "demosecretkey", "grüße \0 世界", "x" * 100_000])
def test_what_was_sealed_can_be_read(box: SecretBox, secret: str) -> None:
    assert box.decrypt(box.encrypt(secret)) == secret


def test_the_same_secret_never_looks_the_same(box: SecretBox) -> None:
    assert len({box.encrypt("same") for _ in range(100)}) == 100


def test_it_can_be_read_after_a_restart() -> None:
    assert MasterKeyBox(KEY).decrypt(MasterKeyBox(KEY).encrypt("kept")) == "kept"


def test_a_blob_of_the_first_release_stays_readable() -> None:
    """Written once and never to be changed: installations hold such blobs."""
    sealed = bytes.fromhex("01281d7fc94ef810972a142a10dab759530dfc58f8ff9ce26504911dd4cb1ea5f787c1202e6c82eda078")

    assert MasterKeyBox(KEY).decrypt(sealed) == "demosecretkey"


def test_another_master_key_does_not_read_it(box: SecretBox) -> None:
    with pytest.raises(SecretUnreadable):
        MasterKeyBox(OTHER).decrypt(box.encrypt("secret"))


def test_every_changed_bit_is_noticed(box: SecretBox) -> None:
    sealed = box.encrypt("secret")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecretUnreadable):
            box.decrypt(bytes(changed))


@pytest.mark.parametrize("keep", [0, 1, 12, 13, 28, 34])
def test_a_cut_blob_is_noticed(box: SecretBox, keep: int) -> None:
    with pytest.raises(SecretUnreadable):
        box.decrypt(box.encrypt("secret")[:keep])


def test_problems_do_not_tell_secrets(box: SecretBox) -> None:
    with pytest.raises(SecretUnreadable) as failure:
        box.decrypt(b"\x01demosecretkey" + bytes(30))
    assert "demosecretkey" not in str(failure.value)


def test_keys_differ_by_purpose_and_stay(box: SecretBox) -> None:
    keys = {box.key_for(purpose) for purpose in ("links", "tokens", "", "seal/1", "purpose/links")}

    assert len(keys) == 5
    assert all(len(key) == 32 for key in keys)
    assert MasterKeyBox(KEY).key_for("links") == box.key_for("links")
    assert MasterKeyBox(OTHER).key_for("links") != box.key_for("links")
    assert KEY not in keys


def test_a_derived_key_never_changes(box: SecretBox) -> None:
    assert box.key_for("links").hex() == "fba63199e82072a54c7454ded14d82181f8f2f5bccada1886c276d7603a85de9"


# ---------------------------------------------------------------------------------------------------- the key given


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
        base64.urlsafe_b64encode(KEY).decode(),
        f"  {KEY.hex()}\n",
    ],
)
def test_a_key_as_hex_or_base64(text: str) -> None:
    assert parse_master_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2hunter2hunter2",
        KEY.hex()[:-2],
        KEY.hex() + "00",
        "g" * 64,
        "ключ",
        base64.b64encode(KEY[:31]).decode(),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadMasterKey, match="64 hexadecimal digits or as base64") as failure:
        parse_master_key(text)
    assert not text or text not in str(failure.value)


@pytest.mark.parametrize("text", ["0" * 64, base64.b64encode(b"\xff" * 32).decode()])
def test_a_placeholder_is_refused(text: str) -> None:
    with pytest.raises(BadMasterKey, match="random"):
        parse_master_key(text)


def test_a_given_key_needs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "master.key"

    assert load_master_key(path, given=KEY.hex()) == KEY
    assert not path.exists()


# ----------------------------------------------------------------------------------------------------- the key file


def test_the_file_is_made_once_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    key = load_master_key(path)

    assert load_master_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["master.key"]


def test_an_open_umask_does_not_open_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_master_key(tmp_path / "data" / "master.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data" / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_processes_racing_for_the_file_get_the_same_key(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from longshore.adapters.secrets import load_master_key\n"
        "sys.stdin.readline()\n"
        "print(load_master_key(pathlib.Path(sys.argv[1])).hex())\n"
    )
    path = tmp_path / "data" / "master.key"
    command = [sys.executable, "-c", program, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    keys = {racer.communicate(timeout=30)[0].strip() for racer in racers}

    assert keys == {load_master_key(path).hex()}
    assert [p.name for p in path.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_master_key(path)
    path.chmod(mode)

    with pytest.raises(BadMasterKey, match=f"chmod 600 {path}"):
        load_master_key(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"short", b"A" * 5000])
def test_a_damaged_file_is_kept_and_refused(tmp_path: Path, content: bytes) -> None:
    """A new key in its place would make every stored secret unreadable for good."""
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(BadMasterKey, match="damaged"):
        load_master_key(path)
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMasterKey, match=str(tmp_path)):
        load_master_key(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(BadMasterKey, match="cannot be read or made"):
        load_master_key(tmp_path / "file" / "master.key")
