"""Proxies of others as outbounds: SOCKS and HTTP, with and without users."""
import pytest

from kit import clients
from kit.peers import find

CONFIG = """
mixed-port: {port}
bind-address: 127.0.0.1
mode: rule
proxies:
  - {{name: up, server: 127.0.0.1, port: {upstream}, {more}}}
rules:
  - MATCH,up
"""
DANTE = """
logoutput: {dir}/dante.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 600
Allow 127.0.0.1
MaxClients 200
{more}
"""
SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
access_log none
cache_log {dir}/squid.log
pid_filename none
coredump_dir {dir}
shutdown_lifetime 0 seconds
"""


@pytest.fixture
def through(weir, port):
    def start(upstream, more):
        p = port()
        weir(CONFIG.format(port=p, upstream=upstream, more=more), listen=[p])
        return p
    return start


def exercise(p, load, origin, connections=50):
    load.check(f"socks5:127.0.0.1:{p}", 2 << 20)
    assert load("short", f"http:127.0.0.1:{p}", connections, 4)["failed"] == 0
    assert clients.curl("-x", f"http://127.0.0.1:{p}", f"http://localhost:{origin}/").stdout == b"hello from origin\n"


@pytest.mark.parametrize("user", [None, ("anna", "s3cret")])
def test_microsocks(peers, port, through, load, origin, user):
    up = port()
    peers.start("microsocks", "-i", "127.0.0.1", "-p", up, *(["-u", user[0], "-P", user[1]] if user else []), listen=[up])
    exercise(through(up, "type: socks5" + (f", username: {user[0]}, password: {user[1]}" if user else "")), load, origin)


def test_a_wrong_password_is_told_in_the_log(peers, port, weir, origin):
    up, p = port(), port()
    peers.start("microsocks", "-i", "127.0.0.1", "-p", up, "-u", "anna", "-P", "s3cret", listen=[up])
    w = weir(CONFIG.format(port=p, upstream=up, more="type: socks5, username: anna, password: wrong"), listen=[p])
    assert clients.curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/", check=False).returncode != 0
    w.wait_log(r"(?i)outbound 'up' \(socks\).*(user|auth|password)")


@pytest.mark.root
def test_dante_tcp_and_udp(peers, port, through, load, origin, udp_echo, tmp_path):
    find("dante")
    up = port()
    (tmp_path / "dante.conf").write_text(DANTE.format(dir=tmp_path, port=up))
    peers.start("dante", "-f", tmp_path / "dante.conf", listen=[up])
    p = through(up, "type: socks5, udp: true")
    exercise(p, load, origin)
    with clients.Associate(p) as a:
        assert a.ask("127.0.0.1", udp_echo, b"through dante") == b"through dante"


@pytest.mark.parametrize("user", [None, ("anna", "s3cret")])
def test_tinyproxy(peers, port, through, load, origin, tmp_path, user):
    up = port()
    conf = tmp_path / "tinyproxy.conf"
    conf.write_text(TINYPROXY.format(port=up, more=f"BasicAuth {user[0]} {user[1]}" if user else ""))
    peers.start("tinyproxy", "-d", "-c", conf, listen=[up])
    exercise(through(up, "type: http" + (f", username: {user[0]}, password: {user[1]}" if user else "")), load, origin)


@pytest.mark.root
def test_squid(peers, port, through, load, origin, tmp_path):
    find("squid")
    up = port()
    tmp_path.chmod(0o777)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    (tmp_path / "squid.conf").write_text(SQUID.format(dir=tmp_path, port=up) + "acl all_ports port 1-65535\n")
    peers.start("squid", "-N", "-f", tmp_path / "squid.conf", listen=[up])
    exercise(through(up, "type: http"), load, origin)


def test_chain_through_two_of_our_own(weir, port, load, origin, udp_echo):
    """dialer-proxy: the outer server is dialled through the inner one."""
    inner, outer, p = port(), port(), port()
    first = weir(f"socks-port: {inner}\nbind-address: 127.0.0.1\nmode: direct\n", listen=[inner])
    weir(f"socks-port: {outer}\nbind-address: 127.0.0.1\nmode: direct\n", listen=[outer])
    weir(f"""
mixed-port: {p}
bind-address: 127.0.0.1
mode: rule
proxies:
  - {{name: inner, type: socks5, server: 127.0.0.1, port: {inner}}}
  - {{name: outer, type: socks5, server: 127.0.0.1, port: {outer}, dialer-proxy: inner}}
rules:
  - MATCH,outer
""", listen=[p])
    exercise(p, load, origin)
    assert f"127.0.0.1:{outer}" in first.log()


def test_an_upstream_that_is_not_there(weir, port, origin):
    p, nobody = port(), port()
    w = weir(CONFIG.format(port=p, upstream=nobody, more="type: socks5"), listen=[p])
    assert clients.curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/", check=False).returncode != 0
    w.wait_log(rf"outbound 'up' \(socks\).*127\.0\.0\.1:{nobody}.*refused")
