"""Programs that others wrote: found on PATH, or through WEIR_PEER_NAME; a test whose peer is absent is skipped."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from kit.wait import is_listening, until

# name: programs on PATH that are it. Without one, only the environment can name it.
KNOWN = {
    "curl": ["curl"], "dig": ["dig"], "proxychains": ["proxychains4"], "chromium": ["chromium", "chromium-browser"],
    "microsocks": ["microsocks"], "dante": ["danted", "sockd"], "tinyproxy": ["tinyproxy"], "squid": ["squid"],
    "sslibev_server": ["ss-server"], "sslibev_local": ["ss-local"],
    "obfs_server": ["obfs-server"], "obfs_local": ["obfs-local"],
    "ssserver": ["ssserver"], "sslocal": ["sslocal"],          # shadowsocks-rust
    "singbox": ["sing-box"], "mihomo": ["mihomo"], "gdb": ["gdb"],
    "openssl": ["openssl"], "nginx": ["nginx"], "haproxy": ["haproxy"], "stunnel": ["stunnel4", "stunnel"],
}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


def find(name):
    """The path of a peer, or a skipped test."""
    variable = "WEIR_PEER_" + name.upper()
    if path := os.environ.get(variable):
        if not shutil.which(path):
            pytest.fail(f"{variable}={path} is not a program")
        return path
    for program in KNOWN[name]:
        if path := shutil.which(program, path=PATH):
            return path
    pytest.skip(f"no {' or '.join(KNOWN[name])} on this machine (set {variable})")


class Peers:
    """Starts peers and ends them with the test."""

    def __init__(self, directory, ports):
        self.directory, self.ports, self.running = directory, ports, []

    def start(self, name, *args, listen=(), listen_udp=(), env=None, program=None):
        log_path = self.directory / f"{name}-{len(self.running)}.log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen([program or find(name), *map(str, args)], cwd=self.directory, stdout=log,
                                       stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                       env={**os.environ, "PATH": PATH, **(env or {})})
        self.running.append(process)

        def is_ready():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with {process.returncode}:\n{log_path.read_text(errors='replace')}")
            return all(map(is_listening, listen)) and all(is_listening(p, udp=True) for p in listen_udp)

        until(is_ready, 15, f"{name} to listen")
        return process

    def close(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.running:
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + (2 if number == signal.SIGTERM else 5)
            while any(p.poll() is None for p in self.running) and time.monotonic() < end:
                time.sleep(0.01)
