"""Shadowsocks against the programs that others wrote, in both directions, TCP and UDP."""
import json
import secrets
import socket
import threading
import time
from base64 import b64encode

import pytest

from kit import clients, servers
from kit.peers import find
from kit.wait import until

AEAD = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305", "xchacha20-ietf-poly1305"]
AEAD_2022 = ["2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm", "2022-blake3-chacha20-poly1305"]
PASSWORD = "correct-horse-battery"

CLIENT = """
mixed-port: {port}
bind-address: 127.0.0.1
mode: rule
log-level: info
proxies:
  - {{name: up, type: ss, server: 127.0.0.1, port: {server}, cipher: {method}, password: "{key}", udp: true{more}}}
rules:
  - MATCH,up
"""
SERVER = """
mode: rule
log-level: info
listeners:
  - {{name: down, type: shadowsocks, listen: 127.0.0.1, port: {port}, cipher: {method}, password: "{key}", udp: true}}
rules:
  - MATCH,DIRECT
"""


def key_of(method):
    if not method.startswith("2022"):
        return PASSWORD
    return b64encode(secrets.token_bytes(16 if "aes-128" in method else 32)).decode()


@pytest.fixture
def weir_client(weir, port):
    """weir_client(method, key, server port) gives the port of a mixed proxy that goes out through Shadowsocks."""
    def start(method, key, server, more=""):
        p = port()
        weir(CLIENT.format(port=p, server=server, method=method, key=key, more=more), listen=[p])
        return p
    return start


@pytest.fixture
def weir_server(weir, port):
    def start(method, key):
        p = port()
        weir(SERVER.format(port=p, method=method, key=key), listen=[p], listen_udp=[p])
        return p
    return start


def exercise(socks, load, bulk, udp_echo, dns):
    """What every pair must do: bytes intact both ways, short and large datagrams."""
    load.check(f"socks5:127.0.0.1:{socks}", bulk)
    assert load("short", f"socks5:127.0.0.1:{socks}", 100, 8)["failed"] == 0
    with clients.Associate(socks) as a:
        for size in (2, 100, 1300):
            data = servers.pattern(size)
            assert a.ask("127.0.0.1", udp_echo, data) == data
        answer = a.ask("127.0.0.1", dns, clients.dns_question("example.org"))
        assert answer.endswith(b"\xc0\0\2\7")


def hold(socks, load, count):
    """`count` connections that are open at once, each having echoed once."""
    process = load.start("idle", f"socks5:127.0.0.1:{socks}", count)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
    finally:
        process.stdin.close()
        process.wait(20)


# ---- weir with itself ------------------------------------------------------------------------------

@pytest.mark.parametrize("method", [*AEAD, *AEAD_2022, "none"])
def test_with_itself(weir_client, weir_server, load, bulk, udp_echo, dns, method):
    key = key_of(method)
    exercise(weir_client(method, key, weir_server(method, key)), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", ["aes-128-gcm", "2022-blake3-aes-128-gcm"])
def test_a_thousand_connections(weir_client, weir_server, load, method):
    key = key_of(method)
    hold(weir_client(method, key, weir_server(method, key)), load, 1000)


@pytest.mark.parametrize("method", ["aes-128-gcm", "2022-blake3-aes-128-gcm"])
def test_a_wrong_key_reaches_nothing(weir_client, weir_server, port, echo, method):
    p = weir_client(method, key_of(method) if method.startswith("2022") else "another", weir_server(method, key_of(method)))
    try:
        s, _ = clients.socks5(p, "127.0.0.1", echo, timeout=5)
        with s:
            s.settimeout(5)
            s.sendall(b"x" * 100)
            assert clients.closes_within(s, 2) is not False and not s.recv(1)
    except (clients.Refused, OSError, EOFError):
        pass


# ---- shadowsocks-libev -------------------------------------------------------------------------------

def libev_server(peers, port, method, *more):
    find("sslibev_server")
    p = port()
    peers.start("sslibev_server", "-s", "127.0.0.1", "-p", p, "-k", PASSWORD, "-m", method, "-u", *more, listen=[p],
                listen_udp=[] if more else [p])
    return p


def libev_local(peers, port, method, server, *more):
    find("sslibev_local")
    p = port()
    peers.start("sslibev_local", "-s", "127.0.0.1", "-p", server, "-b", "127.0.0.1", "-l", p, "-k", PASSWORD, "-m", method,
                "-u", *more, listen=[p])
    return p


@pytest.mark.parametrize("method", AEAD)
def test_client_of_libev(peers, port, weir_client, load, bulk, udp_echo, dns, method):
    exercise(weir_client(method, PASSWORD, libev_server(peers, port, method)), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", AEAD)
def test_server_of_libev(peers, port, weir_server, load, bulk, udp_echo, dns, method):
    exercise(libev_local(peers, port, method, weir_server(method, PASSWORD)), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("direction", ["client", "server"])
def test_a_thousand_connections_with_libev(peers, port, weir_client, weir_server, load, direction):
    method = "aes-128-gcm"
    if direction == "client":
        socks = weir_client(method, PASSWORD, libev_server(peers, port, method))
    else:
        socks = libev_local(peers, port, method, weir_server(method, PASSWORD))
    hold(socks, load, 1000)


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_simple_obfs_client(peers, port, weir_client, load, bulk, mode):
    find("obfs_server")
    server = libev_server(peers, port, "aes-128-gcm", "--plugin", "obfs-server", "--plugin-opts", f"obfs={mode}")
    socks = weir_client("aes-128-gcm", PASSWORD, server, f", plugin: obfs, plugin-opts: {{mode: {mode}, host: example.com}}")
    load.check(f"socks5:127.0.0.1:{socks}", bulk)


# ---- the 2022 methods: shadowsocks-rust, sing-box, mihomo ------------------------------------------------

@pytest.mark.parametrize("method", [*AEAD_2022, "aes-128-gcm", "chacha20-ietf-poly1305"])
def test_client_of_rust(peers, port, weir_client, load, bulk, udp_echo, dns, method):
    find("ssserver")
    p, key = port(), key_of(method)
    peers.start("ssserver", "-s", f"127.0.0.1:{p}", "-k", key, "-m", method, "-U", listen=[p], listen_udp=[p])
    exercise(weir_client(method, key, p), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", [*AEAD_2022, "aes-128-gcm", "chacha20-ietf-poly1305"])
def test_server_of_rust(peers, port, weir_server, load, bulk, udp_echo, dns, method):
    find("sslocal")
    key, local = key_of(method), port()
    server = weir_server(method, key)
    peers.start("sslocal", "-b", f"127.0.0.1:{local}", "-s", f"127.0.0.1:{server}", "-k", key, "-m", method, "-U",
                listen=[local])
    exercise(local, load, bulk, udp_echo, dns)


def singbox(peers, tmp_path, name, config, listen):
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"log": {"level": "error"}, **config}))
    peers.start("singbox", "run", "-c", path, listen=listen)


@pytest.mark.parametrize("method", [*AEAD_2022, "aes-256-gcm", "none"])
def test_client_of_singbox(peers, port, tmp_path, weir_client, load, bulk, udp_echo, dns, method):
    find("singbox")
    p, key = port(), key_of(method)
    singbox(peers, tmp_path, "server", {"inbounds": [{"type": "shadowsocks", "listen": "127.0.0.1", "listen_port": p,
                                                      "method": method, "password": key}]}, [p])
    exercise(weir_client(method, key, p), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", [*AEAD_2022, "aes-256-gcm", "none"])
def test_server_of_singbox(peers, port, tmp_path, weir_server, load, bulk, udp_echo, dns, method):
    find("singbox")
    key, local = key_of(method), port()
    singbox(peers, tmp_path, "client", {
        "inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": local}],
        "outbounds": [{"type": "shadowsocks", "server": "127.0.0.1", "server_port": weir_server(method, key),
                       "method": method, "password": key}]}, [local])
    exercise(local, load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", ["2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm"])
def test_users_with_identity_headers(peers, port, tmp_path, weir, weir_client, load, udp_echo, dns, method):
    """sing-box serves two users; weir is one of them. Then the other way round."""
    find("singbox")
    server_key, keys, p = key_of(method), [key_of(method), key_of(method)], port()
    users = [{"name": f"u{i}", "password": k} for i, k in enumerate(keys)]
    config = {"type": "shadowsocks", "listen": "127.0.0.1", "method": method, "password": server_key, "users": users}
    singbox(peers, tmp_path, "server", {"inbounds": [{**config, "listen_port": p}]}, [p])
    exercise(weir_client(method, f"{server_key}:{keys[1]}", p), load, 1 << 20, udp_echo, dns)

    ours, local = port(), port()
    weir(json.dumps({"inbounds": [{**config, "listen_port": ours}], "outbounds": [{"type": "direct", "tag": "out"}]}),
         suffix=".json", listen=[ours], listen_udp=[ours])
    singbox(peers, tmp_path, "client", {
        "inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": local}],
        "outbounds": [{"type": "shadowsocks", "server": "127.0.0.1", "server_port": ours, "method": method,
                       "password": f"{server_key}:{keys[0]}"}]}, [local])
    exercise(local, load, 1 << 20, udp_echo, dns)


def test_udp_over_tcp_with_singbox(peers, port, tmp_path, weir_client, udp_echo):
    find("singbox")
    p, method = port(), "2022-blake3-aes-128-gcm"
    key = key_of(method)
    singbox(peers, tmp_path, "server", {"inbounds": [{"type": "shadowsocks", "listen": "127.0.0.1", "listen_port": p,
                                                      "network": "tcp", "method": method, "password": key}]}, [p])
    socks = weir_client(method, key, p, ", udp-over-tcp: true, udp-over-tcp-version: 2")
    with clients.Associate(socks) as a:
        assert a.ask("127.0.0.1", udp_echo, b"in a stream") == b"in a stream"


@pytest.mark.parametrize("method", [*AEAD_2022, "aes-128-gcm"])
def test_client_of_mihomo(peers, port, tmp_path, weir_client, load, bulk, udp_echo, dns, method):
    find("mihomo")
    p, key = port(), key_of(method)
    (tmp_path / "mihomo.yaml").write_text(SERVER.format(port=p, method=method, key=key))
    peers.start("mihomo", "-d", tmp_path, "-f", tmp_path / "mihomo.yaml", listen=[p])
    exercise(weir_client(method, key, p), load, bulk, udp_echo, dns)


@pytest.mark.parametrize("method", [*AEAD_2022, "aes-128-gcm"])
def test_server_of_mihomo(peers, port, tmp_path, weir_server, load, bulk, udp_echo, dns, method):
    find("mihomo")
    local, key = port(), key_of(method)
    (tmp_path / "mihomo.yaml").write_text(
        CLIENT.format(port=local, server=weir_server(method, key), method=method, key=key, more=""))
    peers.start("mihomo", "-d", tmp_path, "-f", tmp_path / "mihomo.yaml", listen=[local])
    exercise(local, load, bulk, udp_echo, dns)


# ---- what must not be noticed ----------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["aes-128-gcm", "2022-blake3-aes-128-gcm"])
def test_a_probe_cannot_tell_it_from_a_silent_host(weir_server, method):
    """Garbage of every length gets neither bytes nor a close whose moment depends on what was sent."""
    p = weir_server(method, key_of(method))
    probes = []
    for size in (1, 16, 32, 33, 50, 51, 82, 200, 2000):
        s = clients.connect(p)
        s.sendall(secrets.token_bytes(size))
        probes.append(s)
    time.sleep(1.0)
    assert all(clients.is_open(s) for s in probes)
    for s in probes:
        s.close()


def test_a_replay_reaches_nothing(weir, port, load, echo):
    """Records a client's first flight and sends it again: the target must not hear of it."""
    method = "2022-blake3-aes-128-gcm"
    key, server_port, tap_port, p = key_of(method), port(), port(), port()
    server = weir(SERVER.format(port=server_port, method=method, key=key), listen=[server_port])
    weir(CLIENT.format(port=p, server=tap_port, method=method, key=key, more=""), listen=[p])
    taken = []
    with socket.create_server(("127.0.0.1", tap_port)) as listener:
        def tap():
            client, _ = listener.accept()
            with client, clients.connect(server_port) as upstream:
                data = client.recv(65536)
                taken.append(data)
                upstream.sendall(data)
                client.sendall(upstream.recv(65536))
        thread = threading.Thread(target=tap, daemon=True)
        thread.start()
        s, _ = clients.socks5(p, "127.0.0.1", echo)
        with s:
            s.sendall(b"once")
            assert clients.read_exact(s, 4) == b"once"
        thread.join(5)
    until(lambda: server.log().count(f"127.0.0.1:{echo}") == 1, 5, "the line about the flow")
    with clients.connect(server_port) as again:
        again.sendall(taken[0])
        again.settimeout(0.5)
        try:
            assert again.recv(100) == b""
        except (TimeoutError, ConnectionError):
            pass
        time.sleep(0.2)
    server.stop()
    assert server.log().count(f"127.0.0.1:{echo}") == 1, server.log()
