"""Small clients, for what curl cannot do: SOCKS5 with UDP, raw requests, connections that misbehave."""
import contextlib
import os
import select
import socket
import struct
import subprocess
import time


def connect(port, host="127.0.0.1", timeout=10):
    return socket.create_connection((host, port), timeout)


def read_exact(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got:
            raise EOFError(f"{len(data)} of {n} bytes")
        data += got
    return data


def read_all(s):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while got := s.recv(65536):
            data += got
    return data


def is_open(s):
    """Whether the peer has neither ended nor reset the connection."""
    readable, _, _ = select.select([s], [], [], 0)
    if not readable:
        return True
    try:
        return bool(s.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


def closes_within(s, seconds):
    """The time until the peer ends the connection; None when it does not."""
    s.settimeout(seconds)
    began = time.monotonic()
    try:
        while s.recv(4096):
            pass
    except socket.timeout:
        return None
    except OSError:
        pass
    return time.monotonic() - began


def address(host, port):
    try:
        return b"\1" + socket.inet_pton(socket.AF_INET, host) + struct.pack(">H", port)
    except OSError:
        pass
    try:
        return b"\4" + socket.inet_pton(socket.AF_INET6, host) + struct.pack(">H", port)
    except OSError:
        return b"\3" + bytes([len(host)]) + host.encode() + struct.pack(">H", port)


def read_address(s):
    kind = read_exact(s, 1)[0]
    if kind == 3:
        host = read_exact(s, read_exact(s, 1)[0]).decode()
    else:
        host = socket.inet_ntop(*((socket.AF_INET, read_exact(s, 4)) if kind == 1 else
                                  (socket.AF_INET6, read_exact(s, 16))))
    return host, struct.unpack(">H", read_exact(s, 2))[0]


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"SOCKS reply {code}")
        self.code = code


def socks5(proxy, host, port, command=1, user=None, timeout=10):
    """RFC 1928 and 1929. Returns the connection and the address of the reply."""
    s = connect(proxy, timeout=timeout)
    try:
        s.sendall(b"\5\1\2" if user else b"\5\1\0")
        version, method = read_exact(s, 2)
        if version != 5 or method == 255:
            raise Refused(method)
        if method == 2:
            name, password = (x.encode() for x in user)
            s.sendall(b"\1" + bytes([len(name)]) + name + bytes([len(password)]) + password)
            if read_exact(s, 2)[1]:
                raise Refused(-1)
        s.sendall(b"\5" + bytes([command]) + b"\0" + address(host, port))
        version, code, _ = read_exact(s, 3)
        if version != 5 or code:
            raise Refused(code)
        return s, read_address(s)
    except BaseException:
        s.close()
        raise


class Associate:
    """A SOCKS5 UDP association."""

    def __init__(self, proxy, user=None, timeout=5):
        self.control, (host, port) = socks5(proxy, "0.0.0.0", 0, command=3, user=user)
        self.relay = ("127.0.0.1" if host in ("0.0.0.0", "::") else host, port)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.settimeout(timeout)

    def send(self, host, port, data):
        self.udp.sendto(b"\0\0\0" + address(host, port) + data, self.relay)

    def receive(self):
        data, source = self.udp.recvfrom(65535)
        assert source == self.relay, f"answer from {source}, relay is {self.relay}"
        assert data[:3] == b"\0\0\0", data[:16]
        size = {1: 10, 4: 22}.get(data[3]) or 7 + data[4]
        return data[size:]

    def ask(self, host, port, data, tries=4):
        """UDP may lose; loopback does when a path is still being built."""
        for attempt in range(tries):
            self.send(host, port, data)
            self.udp.settimeout(1 + attempt)
            with contextlib.suppress(socket.timeout):
                while True:
                    got = self.receive()
                    if got == data or got[:2] == data[:2]:
                        return got
        raise AssertionError(f"no answer of {host}:{port} through the association")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.udp.close()
        self.control.close()


def dns_question(name, ident=0x1234):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def curl(*args, check=True, timeout=20):
    """Environment proxies and .curlrc do not count."""
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(["curl", "-q", "-sS", "--noproxy", "", "--max-time", str(timeout), *map(str, args)],
                          capture_output=True, env=env, timeout=timeout + 10)
    if check:
        assert done.returncode == 0, f"curl {' '.join(map(str, args))}: {done.returncode} {done.stderr.decode()}"
    return done
