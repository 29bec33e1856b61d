"""What is public and what is not, in every notation."""

import ipaddress

import msgspec
import pytest

from longshore.adapters.outbound.addresses import forbidden
from longshore.adapters.outbound.guard import Guard
from longshore.adapters.outbound.settings import Exempt, OutboundSettings
from longshore.ports.outbound import AddressForbidden, BadUrl

PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.167.255.255 192.169.0.0
    198.17.255.255 198.20.0.0 223.255.255.255
    2600:1901:0:38d7:: 2606:4700:4700::1111 2a00:1450:4001:830::200e 2003::1 3ffe::1 2001:200::1
    64:ff9b::808:808 64:ff9b::8.8.8.8
""".split()  # noqa: SIM905

FORBIDDEN = {
    "unspecified": "0.0.0.0 0.1.2.3 0.255.255.255 ::",
    "private": "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 fc00::1 fd12:3456::1",
    "carrier-grade NAT": "100.64.0.0 100.100.100.200 100.127.255.255",
    "loopback": "127.0.0.1 127.1.2.3 127.255.255.255 ::1",
    "link-local": "169.254.0.1 169.254.169.254 fe80::1 febf::1 fe80::1%eth0 2600::1%eth0",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff::1 3fff:fff::1",
    "benchmarking": "198.18.0.1 198.19.255.255",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1 ff0e::1",
    "reserved": "192.0.0.1 192.0.0.170 240.0.0.1 255.255.255.255 2001:2::1 2001:10::1 2001:20::1 5f00::1 100::",
    "6to4 relay": "192.88.99.1",
    "6to4": "2002:7f00:1:: 2002:a00:1::1 2002:808:808::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2 2001::1",
    "IPv4-mapped": "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:a9fe:a9fe",
    "IPv4-translated": "::ffff:0:127.0.0.1",
    "IPv4-compatible": "::127.0.0.1 ::10.0.0.1 ::8.8.8.8",
    "site-local": "fec0::1",
    "local NAT64": "64:ff9b:1::1 64:ff9b:1::7f00:1",
    "ISATAP": "2600::5efe:127.0.0.1 2600::200:5efe:10.0.0.1 2600:1:2:3:0:5efe:808:808",
}
NAT64 = {"loopback": "64:ff9b::7f00:1", "private": "64:ff9b::10.0.0.1", "link-local": "64:ff9b::169.254.169.254"}
TABLE = [
    (address, word)
    for table in (FORBIDDEN, NAT64)
    for word, addresses in table.items()
    for address in addresses.split()
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert forbidden(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize(("address", "word"), TABLE)
def test_other_addresses(address: str, word: str) -> None:
    assert forbidden(ipaddress.ip_address(address)) == word


async def never(host: str) -> list[str]:
    raise AssertionError(f"{host} was looked up")


def target(url: str, *allow: str) -> str:
    return str(Guard(Exempt(allow), never).target(url))


@pytest.mark.parametrize("address", [address for address, _ in TABLE if "%" not in address])
def test_urls_with_such_addresses(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressForbidden):
        target(f"https://{host}/hook")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7F.1",
        "0177.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0",
        "010.0.0.1",
        "3232235521",
        "10.1",
        "%31%32%37.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:169.254.169.254]",
    ],
)
def test_loopback_and_private_in_disguise(host: str) -> None:
    with pytest.raises((AddressForbidden, BadUrl)):
        target(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "/path",
        "http://",
        "http:///path",
        "https:example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "unix:///run/docker.sock",
        "http+unix://%2frun%2fdocker.sock/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://:secret@example.com/",
        "http://@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://example.com:80x/",
        "http://exa mple.com/",
        "http://example.com/a b",
        " http://example.com/",
        "http://example.com/\r\nX: y",
        "http://example.com/\x00",
        "http:\\\\example.com\\",
        "http://example.com\\@127.0.0.1/",
        "http://exa$mple.com/",
        "http://example..com/",
        "http://.example.com/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 130 + "com/",
        "http://1.2.3.4.5/",
        "http://1.2.3.256/",
        "http://1.2.3.0x/",
        "http://134744072/",
        "http://8.8.2056/",
        "http://[::1/",
        "http://[::g]/",
        "http://[v1.a]/",
        "http://example.com/" + "a" * 9000,
    ],
)
def test_urls_that_are_not(url: str) -> None:
    with pytest.raises((BadUrl, AddressForbidden)):
        target(url)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://EXAMPLE.com/A?b=c%20d#frag", "https://example.com/A?b=c%20d"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("http://example.com./", "http://example.com./"),
        ("http://a_b.example.com/", "http://a_b.example.com/"),
        ("http://hook/", "http://hook/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]:444/x", "https://[2606:4700:4700::1111]:444/x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.com/%2e%2e/x%2Fy", "https://example.com/%2e%2e/x%2Fy"),
        ("https://example.com/?url=http://127.0.0.1/", "https://example.com/?url=http://127.0.0.1/"),
    ],
)
def test_urls_that_are_fine(url: str, same: str) -> None:
    from yarl import URL

    assert URL(target(url)) == URL(same)


def test_the_operator_may_allow_addresses_and_networks() -> None:
    assert target("http://127.0.0.1:9/", "127.0.0.1")
    assert target("http://10.2.3.4/", "10.0.0.0/8")
    assert target("http://[fd00::5]/", "fd00::/8")
    with pytest.raises(AddressForbidden):
        target("http://127.0.0.2/", "127.0.0.1")
    with pytest.raises(AddressForbidden):
        target("http://[::ffff:127.0.0.1]/", "127.0.0.1")
    with pytest.raises(AddressForbidden):
        target("http://127.0.0.1/", "localhost")


async def test_every_address_of_a_name_must_be_public() -> None:
    async def resolve(host: str) -> list[str]:
        return ["93.184.216.34", "2606:4700::1", "10.0.0.1"]

    with pytest.raises(AddressForbidden) as failure:
        await Guard(Exempt([]), resolve).addresses("mixed.example")
    assert failure.value.fields == {"host": "mixed.example"}
    assert "10.0.0.1" not in str(failure.value)
    assert len(await Guard(Exempt(["10.0.0.0/24"]), resolve).addresses("mixed.example")) == 3
    assert len(await Guard(Exempt(["Mixed.Example."]), resolve).addresses("mixed.example")) == 3
    with pytest.raises(AddressForbidden):
        await Guard(Exempt(["example"]), resolve).addresses("mixed.example")


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.1/8", "10.0.0", "*.example.com", "http://x/", "a b", "x:80", "1.2.3.4/33"]
)
def test_a_wrong_entry_of_the_allow_list_is_named(entry: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="allow"):
        msgspec.convert({"allow": [entry]}, OutboundSettings)
