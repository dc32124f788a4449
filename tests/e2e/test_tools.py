"""The debugger's view of a running weir."""
import subprocess

import pytest

from kit import clients
from kit.peers import find
from kit.program import ROOT


@pytest.mark.root
def test_gdb_shows_where_coroutines_wait(weir, port):
    gdb, p = find("gdb"), port()
    w = weir(f"mixed-port: {p}\nbind-address: 127.0.0.1\nmode: direct\n", listen=[p])
    with clients.connect(p) as s:
        s.sendall(b"\5\1\0")
        assert clients.read_exact(s, 2) == b"\5\0"
        done = subprocess.run([gdb, "-nx", "-p", str(w.pid), "-batch", "-ex", f"source {ROOT}/tools/gdb/co.py", "-ex", "co bt"],
                              capture_output=True, text=True, timeout=60)
    if "Operation not permitted" in done.stderr:
        pytest.skip("ptrace is not permitted here")
    assert "socks_handshake" in done.stdout and "accept_connections" in done.stdout, done.stdout + done.stderr
    assert "coroutines" in done.stdout.splitlines()[-2] + done.stdout.splitlines()[-1]
