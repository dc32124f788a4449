"""Programs that people use, through every way in that weir offers."""
import hashlib
import os
import subprocess
import sys

import pytest

from kit import clients, servers
from kit.clients import curl
from kit.peers import find
from kit.program import ROOT, weir_path

OPEN = """
{key}: {port}
bind-address: 127.0.0.1
mode: direct
ipv6: true
"""
WITH_USERS = OPEN + """
authentication: ["anna:s3cret", "bob:p:w"]
"""
WAYS = {   # what curl is told, and the key of the configuration that serves it
    "socks4": ("-x", "socks4://127.0.0.1:{}"),
    "socks4a": ("-x", "socks4a://127.0.0.1:{}"),
    "socks5": ("-x", "socks5://127.0.0.1:{}"),
    "socks5h": ("-x", "socks5h://127.0.0.1:{}"),
    "connect": ("-p", "-x", "http://127.0.0.1:{}"),
    "plain": ("-x", "http://127.0.0.1:{}"),
}
SERVES = [("mixed-port", way) for way in WAYS] + [("socks-port", way) for way in WAYS if way.startswith("socks")] \
    + [("port", "connect"), ("port", "plain")]


def via(way, port, user=None):
    return [a.format(port) if not user else a.format(port).replace("://", f"://{user}@") for a in WAYS[way]]


@pytest.fixture
def proxy(weir, port):
    """proxy(template, key) serves it and gives the port."""
    def start(template=OPEN, key="mixed-port"):
        p = port()
        start.weir = weir(template.format(key=key, port=p), listen=[p])
        return p
    return start


@pytest.mark.parametrize("key,way", SERVES)
def test_curl(proxy, origin, key, way):
    host = "127.0.0.1" if way in ("socks4", "socks5") else "localhost"
    got = curl(*via(way, proxy(key=key)), f"http://{host}:{origin}/bytes/300000").stdout
    assert hashlib.sha256(got).digest() == hashlib.sha256(servers.pattern(300000)).digest()


@pytest.mark.parametrize("way", ["socks5", "socks5h", "connect", "plain"])
def test_users(proxy, origin, way):
    p = proxy(WITH_USERS)
    url = f"http://127.0.0.1:{origin}/"
    assert curl(*via(way, p, "anna:s3cret"), url).stdout == b"hello from origin\n"
    assert curl(*via(way, p, "bob:p%3Aw"), url).stdout == b"hello from origin\n"
    for wrong in ("anna:wrong", "nobody:s3cret", None):
        done = curl("-f", *via(way, p, wrong), url, check=False)
        assert done.returncode != 0 and b"hello" not in done.stdout


@pytest.mark.parametrize("way", ["socks5", "socks5h", "connect", "plain"])
def test_ipv6_destination(proxy, origin6, way):
    assert curl("-g", *via(way, proxy()), f"http://[::1]:{origin6}/").stdout == b"hello from origin\n"


def test_ipv6_listener(weir, port, origin, origin6):
    p = port()
    weir(f"mixed-port: {p}\nbind-address: '[::1]'\nallow-lan: true\nmode: direct\nipv6: true\n", listen=[p])
    for scheme in ("socks5h", "http"):
        assert curl("-g", "-x", f"{scheme}://[::1]:{p}", f"http://[::1]:{origin6}/").stdout == b"hello from origin\n"
        assert curl("-g", "-x", f"{scheme}://[::1]:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"


# ---- plain HTTP forwarding -------------------------------------------------------------------------

def test_plain_requests_share_a_connection(proxy, origin):
    url = f"http://127.0.0.1:{origin}/"
    done = curl(*via("plain", proxy()), "-w", "%{num_connects}\n", url, url, url)
    assert done.stdout.split(b"\n")[1::2] == [b"1", b"0", b"0"]


def test_plain_request_reaches_the_origin_in_origin_form(proxy, origin):
    got = curl(*via("plain", proxy()), "-H", "Proxy-Connection: keep-alive", "-H", "Connection: x-hop", "-H", "X-Hop: 1",
               "-H", "X-End: 2", "--proxy-header", "Proxy-Authorization: Basic eDp5", f"http://127.0.0.1:{origin}/head")
    head = got.stdout.decode().lower()
    assert head.startswith("get /head http/1.1\n")
    assert "x-end: 2" in head and f"host: 127.0.0.1:{origin}" in head
    assert "x-hop: 1" not in head and "proxy-" not in head


@pytest.mark.parametrize("extra", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]])
def test_plain_bodies(proxy, origin, tmp_path, extra):
    body = servers.pattern(1500000)
    (tmp_path / "body").write_bytes(body)
    got = curl(*via("plain", proxy()), *extra, "--data-binary", f"@{tmp_path}/body", f"http://127.0.0.1:{origin}/echo")
    assert got.stdout == body


@pytest.mark.parametrize("path,body", [("/chunked", b"hello chunks"), ("/close", b"until the end")])
def test_plain_answers_of_every_framing(proxy, origin, path, body):
    p = proxy()
    assert curl(*via("plain", p), f"http://127.0.0.1:{origin}{path}").stdout == body
    assert curl(*via("plain", p), "-I", f"http://127.0.0.1:{origin}/").stdout.startswith(b"HTTP/1.1 200")


def test_unreachable_targets_are_told_apart(proxy, port):
    p, closed = proxy(), port()
    assert curl(*via("plain", p), "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{closed}/").stdout in (b"502", b"503")
    with pytest.raises(clients.Refused) as refused:
        clients.socks5(p, "127.0.0.1", closed)
    assert refused.value.code == 5   # connection refused, RFC 1928 section 6


# ---- half-close and order ----------------------------------------------------------------------------

def test_half_close_is_carried(proxy, echo):
    s, _ = clients.socks5(proxy(), "127.0.0.1", echo)
    with s:
        s.sendall(b"first ")
        s.sendall(b"last")
        s.shutdown(1)
        assert clients.read_all(s) == b"first last"


@pytest.mark.parametrize("scheme", ["socks5", "http"])
def test_bytes_stay_intact(proxy, load, bulk, scheme):
    load.check(f"{scheme}:127.0.0.1:{proxy()}", bulk)


# ---- UDP ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [2, 512, 1400, 9000, 60000])
def test_udp_associate(proxy, udp_echo, size):
    with clients.Associate(proxy()) as a:
        data = servers.pattern(size)
        assert a.ask("127.0.0.1", udp_echo, data) == data


def test_udp_associate_with_user_and_many_targets(proxy, udp_echo, dns):
    with clients.Associate(proxy(WITH_USERS), user=("anna", "s3cret")) as a:
        for i in range(20):
            assert a.ask("127.0.0.1", udp_echo, b"%02d-datagram" % i) == b"%02d-datagram" % i
        question = clients.dns_question("example.org")
        answer = a.ask("127.0.0.1", dns, question)
        assert answer[:2] == question[:2] and answer.endswith(b"\xc0\0\2\7")


def test_udp_to_a_name(proxy, udp_echo):
    with clients.Associate(proxy()) as a:
        assert a.ask("localhost", udp_echo, b"by name") == b"by name"


def test_udp_ends_with_its_connection(proxy, udp_echo):
    p = proxy()
    a = clients.Associate(p)
    a.ask("127.0.0.1", udp_echo, b"xx")
    a.control.close()
    from kit.wait import until

    def is_gone():
        try:
            a.ask("127.0.0.1", udp_echo, b"yy", tries=1)
        except (AssertionError, OSError):
            return True
    until(is_gone, 10, "the association to end")
    a.udp.close()


# ---- other programs ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["socks4", "socks5", "http"])
def test_proxychains(proxy, origin, tmp_path, kind):
    conf = tmp_path / "chain.conf"
    conf.write_text(f"strict_chain\nquiet_mode\n[ProxyList]\n{kind} 127.0.0.1 {proxy()}\n")
    done = subprocess.run([find("proxychains"), "-q", "-f", conf, find("curl"), "-qsS", "--max-time", "15", "--noproxy", "*",
                           f"http://127.0.0.1:{origin}/"], capture_output=True, timeout=30)
    assert done.stdout == b"hello from origin\n", done.stderr


@pytest.mark.root
@pytest.mark.parametrize("scheme", ["socks5", "http"])
def test_chromium(tmp_path, scheme):
    """In a network namespace of its own, because the browser talks to its maker."""
    inside = ROOT / "tests/e2e/kit/chromium_inside.py"
    done = subprocess.run(["unshare", "-n", sys.executable, inside, find("chromium"), scheme, tmp_path], capture_output=True,
                          text=True, timeout=90, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert "hello from origin" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
