"""Clients that send garbage, half of something, or nothing: they cost a descriptor until the deadline, and no more."""
import contextlib
import os
import socket
import time

import pytest

from kit import clients
from kit.clients import curl

DEADLINE = 25   # seconds within which an unfinished handshake must have been given up
CONFIG = "{key}: {port}\nbind-address: 127.0.0.1\nmode: direct\nlog-level: warning\n"
SERVERS = """
mode: rule
log-level: warning
listeners:
  - {{name: ss, type: shadowsocks, listen: 127.0.0.1, port: {port}, cipher: aes-128-gcm, password: pw, udp: true}}
rules: ['MATCH,DIRECT']
"""
GARBAGE = {
    "zeros": bytes(4000), "ones": b"\xff" * 4000, "random": os.urandom(5000), "one byte": b"\x05", "tls": b"\x16\x03\x01\x02\x00\x01",
    "http without end": b"GET / HTTP/1.1\r\nHost: " + b"a" * 200000, "no version": b"GET /\r\n\r\n", "crlf": b"\r\n" * 500,
    "socks5 no method": b"\5\0", "socks5 255 methods": b"\5\xff" + bytes(range(255)), "socks5 bad command": b"\5\1\0\5\x09\0\1\0\0\0\0\0\0",
    "socks5 bad address": b"\5\1\0\5\1\0\7abc", "socks5 empty name": b"\5\1\0\5\1\0\3\0\0\x50", "socks4 endless user": b"\4\1\0\x50\1\2\3\4" + b"u" * 9000,
    "socks4a no name": b"\4\1\0\x50\0\0\0\1u\0\0", "connect no port": b"CONNECT example.org HTTP/1.1\r\n\r\n",
    "connect port 99999": b"CONNECT example.org:99999 HTTP/1.1\r\n\r\n", "two lengths": b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "length and chunked": b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "many headers": b"GET http://a/ HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
    "folded": b"GET http://a/ HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "null in header": b"GET http://a/ HTTP/1.1\r\nHost: a\0b\r\n\r\n",
}


@pytest.fixture(params=["mixed-port", "socks-port", "port"])
def served(request, weir, port):
    p = port()
    return weir(CONFIG.format(key=request.param, port=p), listen=[p]), p, request.param


def test_garbage_disturbs_nobody(served, origin):
    w, p, key = served
    for name, data in GARBAGE.items():
        with clients.connect(p) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(10)
                while s.recv(65536):
                    pass
            except TimeoutError:
                raise AssertionError(f"{name}: neither answered nor closed") from None
            except OSError:
                pass
        assert w.process.poll() is None, f"{name}: {w.log()}"
    scheme = "socks5h" if key == "socks-port" else "http"
    assert curl("-x", f"{scheme}://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"


def test_unfinished_handshakes_meet_a_deadline(weir, port):
    """Nothing at all, half a request, and one byte a second: one deadline for the whole, not for each byte."""
    p = port()
    w = weir(CONFIG.format(key="mixed-port", port=p), listen=[p])
    fds = w.fds()
    starts = [b"", b"\5", b"\5\1\0", b"\5\1\0\5\1\0\3\x0bexample", b"\4\1\0", b"GET http://example", b"CONNECT a:1 HTTP/1.1\r\n"]
    held = []
    for data in starts:
        s = clients.connect(p)
        s.sendall(data)
        held.append(s)
    slow = clients.connect(p)
    drops = iter(b"GET http://example.org/some/long/path/that/never/ends/because/it/is/slow")
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and (clients.is_open(slow) or w.fds() > fds + 1):
        try:
            slow.sendall(bytes([next(drops)]))
        except OSError:
            break
        time.sleep(0.5)
    for s, data in zip(held, starts):
        took = clients.closes_within(s, max(1, end - time.monotonic()))
        assert took is not None, f"{data!r} was held for more than {DEADLINE} s"
    assert clients.closes_within(slow, 2) is not None, "one byte a second was held"
    for s in (*held, slow):
        s.close()


def test_resets_in_every_phase(weir, port, echo):
    p = port()
    w = weir(CONFIG.format(key="mixed-port", port=p), listen=[p])
    request = b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1" + echo.to_bytes(2, "big") + b"payload"
    fds = w.fds()
    for cut in range(len(request) + 1):
        s = clients.connect(p)
        s.sendall(request[:cut])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()
    s, _ = clients.socks5(p, "127.0.0.1", echo)
    s.close()
    from kit.wait import until
    until(lambda: w.fds() <= fds + 4, 10, "descriptors to be given back")


@pytest.mark.parametrize("size", [0, 1, 16, 31, 32, 33, 49, 50, 51, 100, 1500, 20000])
def test_shadowsocks_garbage(weir, port, size):
    p = port()
    w = weir(SERVERS.format(port=p), listen=[p], listen_udp=[p])
    for _ in range(5):
        with clients.connect(p) as s:
            with contextlib.suppress(OSError):   # it may reset the connection
                s.sendall(os.urandom(size))
                s.shutdown(socket.SHUT_WR)
            clients.closes_within(s, 0.1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.sendto(os.urandom(min(size, 1500)), ("127.0.0.1", p))
    assert w.process.poll() is None


def test_udp_garbage(weir, port, udp_echo):
    p = port()
    weir(CONFIG.format(key="socks-port", port=p), listen=[p])
    with clients.Associate(p) as a:
        for data in (b"", b"\0", b"\0\0\0", b"\0\0\1\1\x7f\0\0\1\0\1fragment", b"\0\0\0\7", b"\0\0\0\3\xffshort", os.urandom(300)):
            a.udp.sendto(data, a.relay)
        assert a.ask("127.0.0.1", udp_echo, b"after all that") == b"after all that"


def test_a_stranger_cannot_use_an_association(weir, port, udp_echo):
    p = port()
    weir(CONFIG.format(key="socks-port", port=p), listen=[p])
    with clients.Associate(p) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        a.ask("127.0.0.1", udp_echo, b"mine")
        stranger.bind(("127.0.0.2", 0))   # another host, RFC 1928 section 7
        stranger.settimeout(1)
        stranger.sendto(b"\0\0\0" + clients.address("127.0.0.1", udp_echo) + b"theirs", a.relay)
        with pytest.raises(TimeoutError):
            stranger.recv(100)
        assert a.ask("127.0.0.1", udp_echo, b"still mine") == b"still mine"


def test_a_flood_of_connections(weir, port, origin):
    """More than the backlog takes, all silent: later ones are served all the same."""
    p = port()
    weir(CONFIG.format(key="mixed-port", port=p), listen=[p])
    crowd = [clients.connect(p) for _ in range(500)]
    assert curl("-x", f"http://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"
    for s in crowd:
        s.close()
