"""Waiting for something to become true, and the machine's view of ports."""
import os
import socket
import time
from pathlib import Path


def until(condition, seconds=10, what="the condition"):
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def is_listening(port, udp=False):
    """Looks into the kernel's tables: a connection would show up in logs and counts."""
    needle, kind = f":{port:04X} ", "udp" if udp else "tcp"
    for name in (kind, kind + "6"):
        try:
            lines = Path("/proc/net", name).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            if needle in fields[1] + " " and (udp or fields[3] == "0A"):
                return True
    return False


class Ports:
    """Free ports below the ephemeral range. Each worker of a test run has a part of its own."""

    def __init__(self):
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        self.first = 12000 + worker % 20 * 1000
        self.next = self.first + os.getpid() * 7 % 1000

    def __call__(self):
        for _ in range(1000):
            port = self.next
            self.next = self.first + (self.next + 1 - self.first) % 1000
            if self.is_free(port):
                return port
        raise AssertionError("no free port")

    @staticmethod
    def is_free(port):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                with socket.socket(family, kind) as s:
                    if kind == socket.SOCK_STREAM:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == socket.AF_INET6:
                        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    try:
                        s.bind((host, port))
                    except OSError as error:
                        if family == socket.AF_INET6 and error.errno in (97, 99):
                            continue   # no IPv6 here
                        return False
        return True
