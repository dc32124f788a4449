"""Wrong configurations: a clear message with its place, exit 1, no crash, no long wait."""
import json
import re
import time

import pytest

from kit.program import SANITIZER, run_weir

GOOD = "mixed-port: 17890\nbind-address: 127.0.0.1\nmode: direct\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)) + "mixed-port: 1\n"


def check(directory, content, name="config.yaml", *args):
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    began = time.monotonic()
    done = run_weir("check", "-c", path, *args, timeout=60)
    assert time.monotonic() - began < 15
    assert done.returncode in (0, 1), (done.returncode, done.stderr[-3000:])
    assert not SANITIZER.search(done.stderr)
    return done


@pytest.mark.parametrize("content", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD + "# end without newline",
                                     json.dumps({"inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": 17890}]}),
                                     '{\n// comment\n"inbounds": [{"type": "mixed", "listen_port": 17890,},],\n}'],
                         ids=["plain", "bom", "crlf", "no newline", "json", "comments and commas"])
def test_good_ones_pass(tmp_path, content):
    done = check(tmp_path, content, "config.json" if content.startswith("{") else "config.yaml")
    assert done.returncode == 0, done.stderr


BAD = {
    "empty": b"", "only spaces": b"  \n\n", "binary": bytes(range(256)) * 20, "elf": b"\x7fELF" + bytes(500), "nul": b"mixed-port: 1\0",
    "utf-16": GOOD.encode("utf-16"), "latin-1": "mixed-port: 1\nname: caf\xe9\n".encode("latin-1"), "a list": b"- 1\n- 2\n", "a word": b"hello",
    "open brace": b"{", "open quote": b"mixed-port: \"1", "tab": b"a:\n\tb: 1\n", "bad escape": b'{"log": "\\q"}',
    "deep yaml": b"[" * 100000, "deep json": b'{"a":' * 50000, "deep blocks": "".join("  " * i + "a:\n" for i in range(2000)).encode(),
    "bomb": BOMB.encode(), "cyclic merge": b"a: &a\n  <<: *a\n  b: 1\n", "cyclic anchor": b"a: &a [*a]\n", "no anchor": b"a: *b\n",
    "port 70000": b"mixed-port: 70000\n", "port text": b"mixed-port: eighty\n", "port negative": b"mixed-port: -1\n",
    "unknown type": b"proxies:\n  - {name: a, type: telepathy, server: a, port: 1}\n", "no server": b"proxies:\n  - {name: a, type: ss, port: 1, cipher: aes-128-gcm, password: x}\n",
    "unknown cipher": b"proxies:\n  - {name: a, type: ss, server: a, port: 1, cipher: rot13, password: x}\n",
    "short key": b"proxies:\n  - {name: a, type: ss, server: a, port: 1, cipher: 2022-blake3-aes-128-gcm, password: AAAA}\n",
    "duplicate name": b"proxies:\n  - {name: a, type: socks5, server: a, port: 1}\n  - {name: a, type: socks5, server: b, port: 1}\n",
    "group of nobody": b"proxy-groups:\n  - {name: g, type: select, proxies: [nobody]}\n", "group cycle": b"proxy-groups:\n  - {name: g, type: select, proxies: [h]}\n  - {name: h, type: select, proxies: [g]}\n",
    "detour cycle": b"proxies:\n  - {name: a, type: socks5, server: a, port: 1, dialer-proxy: b}\n  - {name: b, type: socks5, server: a, port: 1, dialer-proxy: a}\n",
    "rule to nobody": b"mixed-port: 1\nrules: ['MATCH,nobody']\n", "rule of nothing": b"mixed-port: 1\nrules: ['DOMAIN']\n", "rule kind": b"mixed-port: 1\nrules: ['TELEPATHY,x,DIRECT']\n",
    "bad cidr": b"mixed-port: 1\nrules: ['IP-CIDR,10.0.0.0/99,DIRECT']\n", "bad regex": b"mixed-port: 1\nrules: ['DOMAIN-REGEX,(,DIRECT']\n",
    "sub-rule cycle": b"mixed-port: 1\nsub-rules: {x: ['SUB-RULE,(NETWORK,tcp),x']}\nrules: ['SUB-RULE,(NETWORK,tcp),x']\n",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_ones_are_refused_with_a_place(tmp_path, name):
    done = check(tmp_path, BAD[name])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error" in done.stderr and "config.yaml" in done.stderr, done.stderr[-2000:]


SINGBOX_BAD = {
    "unknown key": ('{"inbounds": [{"type": "mixed", "listen_prot": 1}]}', r"listen_prot.*", "listen_port"),
    "wrong type": ('{"inbounds": [{"type": "mixed", "listen_port": "x"}]}', r":1:\d+:.*listen_port", None),
    "duplicate tag": ('{"outbounds": [{"type": "direct", "tag": "a"}, {"type": "block", "tag": "a"}]}', "'?a'?", None),
    "unknown outbound": ('{"route": {"final": "nobody"}}', "nobody", None),
    "unknown type": ('{"outbounds": [{"type": "telepathy", "tag": "a"}]}', "telepathy", None),
    "detour cycle": ('{"outbounds": [{"type": "socks", "tag": "a", "server": "x", "server_port": 1, "detour": "b"},'
                     ' {"type": "socks", "tag": "b", "server": "x", "server_port": 1, "detour": "a"}]}', "(?i)c[iy]rc|cycle|itself", None),
}


@pytest.mark.parametrize("name", SINGBOX_BAD)
def test_singbox_mistakes(tmp_path, name):
    text, pattern, hint = SINGBOX_BAD[name]
    done = check(tmp_path, text, "config.json")
    assert done.returncode == 1
    assert re.search(r"config\.json:\d+:\d+: error: ", done.stderr) and re.search(pattern, done.stderr), done.stderr
    assert hint is None or hint in done.stderr, "the nearest key is not offered"


def test_every_mistake_is_reported_with_a_caret(tmp_path):
    done = check(tmp_path, "mixed-port: 70000\nsocks-port: -1\nmode: sideways\nrules:\n  - 'MATCH,nobody'\n")
    places = re.findall(r"config\.yaml:(\d+):\d+: error:", done.stderr)
    assert sorted(places) == ["1", "2", "3", "5"], done.stderr
    assert done.stderr.count("^") >= 4


def test_secrets_are_not_quoted(tmp_path):
    done = check(tmp_path, "proxies:\n  - {name: a, type: ss, server: a, port: 99999, cipher: aes-128-gcm, password: hunter2-hunter2}\n")
    assert done.returncode == 1 and "hunter2" not in done.stderr + done.stdout


def test_json_output(tmp_path):
    done = check(tmp_path, "mixed-port: 70000\n", "config.yaml", "--json")
    entry = json.loads(done.stdout)[0]
    assert done.returncode == 1 and entry["line"] == 1 and entry["severity"] == "error" and entry["file"].endswith("config.yaml")


def test_what_is_not_carried_is_named(tmp_path):
    text = "mixed-port: 17890\nproxies:\n  - {name: w, type: wireguard, server: a, port: 1, private-key: x}\nrules: ['MATCH,DIRECT']\n"
    done = check(tmp_path, text)
    assert done.returncode == 1 and "wireguard" in done.stderr and ":3:" in done.stderr
    done = check(tmp_path, text, "config.yaml", "--allow-unsupported")
    assert done.returncode == 0 and "warning" in done.stderr


def test_a_large_file(tmp_path):
    """100 MB: refused or read, in bounded time and memory."""
    check(tmp_path, b"# " + b"x" * 98 + b"\n" + b"a: 1\n" * 20_000_000)


def test_many_rules(tmp_path):
    rules = "".join(f"  - DOMAIN-SUFFIX,n{i}.example.org,DIRECT\n" for i in range(100_000))
    assert check(tmp_path, f"{GOOD}rules:\n{rules}  - MATCH,DIRECT\n").returncode == 0


def test_a_file_that_is_not_there():
    done = run_weir("check", "-c", "/nonexistent/config.yaml")
    assert done.returncode == 1 and "/nonexistent/config.yaml" in done.stderr


def test_several_files_are_merged(tmp_path):
    (tmp_path / "1.json").write_text('{"inbounds": [{"type": "mixed", "tag": "a", "listen_port": 17890}]}')
    (tmp_path / "2.json").write_text('{"inbounds": [{"type": "socks", "tag": "a", "listen_port": 17891}]}')
    done = run_weir("check", "-c", tmp_path)
    assert done.returncode == 1 and re.search(r"2\.json:1:\d+: error:", done.stderr), done.stderr


@pytest.mark.parametrize("dialect", ["singbox", "mihomo"])
def test_convert_gives_what_check_accepts(tmp_path, dialect):
    (tmp_path / "in.yaml").write_text(GOOD.replace("direct", "rule") + """
proxies:
  - {name: a, type: ss, server: 192.0.2.1, port: 8388, cipher: aes-128-gcm, password: x, udp: true}
  - {name: b, type: socks5, server: 192.0.2.2, port: 1080, dialer-proxy: a}
proxy-groups:
  - {name: g, type: select, proxies: [a, b, DIRECT]}
rules:
  - DOMAIN-SUFFIX,example.org,g
  - IP-CIDR,10.0.0.0/8,DIRECT,no-resolve
  - MATCH,b
""")
    done = run_weir("convert", "--to", dialect, "-c", tmp_path / "in.yaml")
    assert done.returncode == 0, done.stderr
    again = check(tmp_path, done.stdout, "out.json" if dialect == "singbox" else "out.yaml")
    assert again.returncode == 0, done.stdout + again.stderr


def test_format_is_stable(tmp_path):
    (tmp_path / "in.json").write_text('{"inbounds":[{"type":"mixed","listen_port":17890}]}')
    once = run_weir("format", "-c", tmp_path / "in.json")
    assert once.returncode == 0, once.stderr
    (tmp_path / "in.json").write_text(once.stdout)
    assert run_weir("format", "-c", tmp_path / "in.json").stdout == once.stdout
