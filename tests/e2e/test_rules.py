"""Which way a flow takes, and what explain says about it."""
import json
import re

import pytest

from kit import clients
from kit.clients import curl
from kit.program import run_weir

RULES = """
mixed-port: {port}
bind-address: 127.0.0.1
mode: rule
log-level: info
hosts:
  "good.test": 127.0.0.1
  "bad.test": 127.0.0.1
  "deep.bad.test": 127.0.0.1
proxy-groups:
  - {{name: pick, type: select, proxies: [DIRECT, REJECT]}}
rules:
  - DOMAIN-SUFFIX,bad.test,REJECT
  - DST-PORT,{closed},REJECT
  - DOMAIN,good.test,pick
  - IP-CIDR,127.0.0.0/8,DIRECT,no-resolve
  - MATCH,REJECT
"""


@pytest.fixture
def ruled(weir, port):
    p = port()
    ruled.weir = weir(RULES.format(port=p, closed=9), listen=[p])
    return p


def test_rules_decide(ruled, origin):
    def reaches(host):
        return curl("-x", f"socks5h://127.0.0.1:{ruled}", f"http://{host}:{origin}/", check=False).stdout == b"hello from origin\n"
    assert reaches("good.test") and reaches("127.0.0.1")
    assert not reaches("bad.test") and not reaches("deep.bad.test")


def test_one_log_line_for_a_session(weir, port, origin):
    p = port()
    w = weir(RULES.format(port=p, closed=9), listen=[p])
    curl("-x", f"socks5h://127.0.0.1:{p}", f"http://good.test:{origin}/bytes/1000")
    line = w.wait_log(rf".*good\.test:{origin}.*")[0]
    assert re.search(r"DOMAIN,good\.test", line) and "pick" in line and "DIRECT" in line, line


def test_explain_names_the_rule_and_its_line(tmp_path, port):
    config = tmp_path / "config.yaml"
    config.write_text(RULES.format(port=port(), closed=9))
    rows = config.read_text().splitlines()
    for target, rule in (("deep.bad.test:443", "DOMAIN-SUFFIX,bad.test"), ("good.test:80", "DOMAIN,good.test"),
                         ("127.0.0.1:80", "IP-CIDR,127.0.0.0/8"), ("192.0.2.1:80", "MATCH")):
        done = run_weir("explain", "-c", config, target)
        number = 1 + next(i for i, row in enumerate(rows) if rule in row)
        assert done.returncode == 0, done.stderr
        assert rule in done.stdout and f":{number}" in done.stdout, (target, done.stdout)


SNIFF = {
    "outbounds": [{"type": "direct", "tag": "out"}],
    "route": {"rules": [{"action": "sniff"}, {"protocol": "http", "domain": "blocked.test", "action": "reject"}]},
}


def test_sniffed_host_decides(weir, port, origin):
    p = port()
    weir(json.dumps({"inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": p}], **SNIFF}), suffix=".json",
         listen=[p])
    via = ("-x", f"socks5://127.0.0.1:{p}")
    assert curl(*via, f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"
    blocked = curl(*via, "-H", "Host: blocked.test", f"http://127.0.0.1:{origin}/", check=False)
    assert b"hello" not in blocked.stdout


def test_a_protocol_that_speaks_second_is_not_held_up(weir, port):
    """Sniffing must not wait for a client that waits for its server."""
    import socket
    import threading
    p = port()
    weir(json.dumps({"inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": p}], **SNIFF}), suffix=".json",
         listen=[p])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def greet():
            s, _ = listener.accept()
            with s:
                s.sendall(b"220 hello\r\n")
                s.recv(10)
        threading.Thread(target=greet, daemon=True).start()
        s, _ = clients.socks5(p, "127.0.0.1", listener.getsockname()[1])
        with s:
            s.settimeout(5)
            assert clients.read_exact(s, 11) == b"220 hello\r\n"


GROUPS = """
mixed-port: {port}
bind-address: 127.0.0.1
mode: rule
proxies:
  - {{name: dead, type: socks5, server: 127.0.0.1, port: {dead}}}
  - {{name: alive, type: socks5, server: 127.0.0.1, port: {alive}}}
proxy-groups:
  - {{name: auto, type: {kind}, proxies: [dead, alive], url: "http://127.0.0.1:{origin}/", interval: 60, lazy: false{more}}}
rules:
  - MATCH,auto
"""


@pytest.mark.parametrize("kind", ["fallback", "url-test", "load-balance"])
def test_a_group_leaves_out_what_is_dead(weir, port, origin, kind):
    p, dead, alive = port(), port(), port()
    weir(f"socks-port: {alive}\nbind-address: 127.0.0.1\nmode: direct\n", listen=[alive])
    more = ", strategy: round-robin" if kind == "load-balance" else ""
    weir(GROUPS.format(port=p, dead=dead, alive=alive, kind=kind, origin=origin, more=more), listen=[p])
    from kit.wait import until
    via = ("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/")
    until(lambda: all(curl(*via, check=False).returncode == 0 for _ in range(4)), 15, "the group to have chosen")
