"""Fixtures of the end-to-end tests. Everything is on loopback; ports, files and processes end with the test."""
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from kit import servers                       # noqa: E402
from kit.peers import Peers                   # noqa: E402
from kit.program import ROOT, Weir, is_sanitized, weir_path  # noqa: E402
from kit.wait import Ports, is_listening, until  # noqa: E402

SOAK = os.environ.get("WEIR_SOAK") == "1"
MIB = 1 << 20
_ports = Ports()


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: long; runs with WEIR_SOAK=1 (make soak)")
    config.addinivalue_line("markers", "figures: asserts memory or processor time; not with a sanitizer")
    config.addinivalue_line("markers", "root: needs root, for a namespace of its own")
    config.addinivalue_line("markers", "xdist_group: tests that share a processor badly")


def pytest_collection_modifyitems(items):
    """A gap is skipped with its reason, never passed."""
    has_figures = weir_path() is not None and not is_sanitized()
    for item in items:
        if weir_path() is None:
            item.add_marker(pytest.mark.skip(reason="weir is not built (make build, or WEIR=path)"))
        if item.get_closest_marker("soak") and not SOAK:
            item.add_marker(pytest.mark.skip(reason="long: make soak"))
        if item.get_closest_marker("figures") and not has_figures:
            item.add_marker(pytest.mark.skip(reason="figures of a build with a sanitizer say nothing"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture
def port():
    """port() is a free port, for TCP and for UDP."""
    return _ports


@pytest.fixture
def weir(tmp_path):
    """weir(config, listen=[...]) starts the program; at the end it must stop in order and leave no report of a sanitizer."""
    started = []

    def start(config, **options):
        directory = tmp_path / f"weir-{len(started)}"
        directory.mkdir()
        instance = Weir(directory, config, start=False, **options).start()
        started.append(instance)
        return instance

    yield start
    failure = None
    for instance in started:
        try:
            instance.stop()
        except AssertionError as error:
            failure = failure or error
    if failure:
        raise failure


@pytest.fixture
def peers(tmp_path):
    group = Peers(tmp_path, _ports)
    yield group
    group.close()


def served(make):
    server = make()
    yield server.port
    server.close()


@pytest.fixture(scope="session")
def origin():
    """Port of an HTTP origin on 127.0.0.1."""
    yield from served(servers.origin)


@pytest.fixture(scope="session")
def origin6():
    """The same on ::1."""
    if not Path("/proc/net/if_inet6").exists() or not Path("/proc/net/if_inet6").read_text():
        pytest.skip("no IPv6 on this machine")
    yield from served(lambda: servers.origin("::1"))


@pytest.fixture(scope="session")
def echo():
    yield from served(servers.tcp_echo)


@pytest.fixture(scope="session")
def udp_echo():
    yield from served(servers.udp_echo)


@pytest.fixture(scope="session")
def dns():
    yield from served(servers.dns)


# ---- load: the traffic generator of bench/ -----------------------------------------------------------

@pytest.fixture(scope="session")
def load_program():
    """bench/load.c, compiled once for all workers of a run."""
    directory = ROOT / "build-release"
    directory.mkdir(exist_ok=True)
    source, program = ROOT / "bench/load.c", directory / "load"
    with open(directory / "load.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["cc", "-O2", "-std=gnu17", "-o", program, source, "-lcrypto", "-lpthread"], check=True)
    return program


class Load:
    """Runs commands of load against a sink of its own; see the head of bench/load.c."""

    def __init__(self, program, sink):
        self.program, self.sink = program, sink

    def argv(self, command, via, *args):
        return [str(x) for x in (self.program, command, f"127.0.0.1:{self.sink}", via, *args)]

    def __call__(self, command, via, *args, timeout=120):
        done = subprocess.run(self.argv(command, via, *args), capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"load {command}: {done.stderr}"
        return json.loads(done.stdout)

    def check(self, via, size=4 * MIB):
        """`size` pseudo-random bytes, echoed by the far end, must come back as they were."""
        return self("check", via, size)

    def start(self, command, via, *args):
        return subprocess.Popen(self.argv(command, via, *args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="session")
def load(load_program):
    sink = _ports()
    process = subprocess.Popen([load_program, "sink", str(sink)])
    until(lambda: is_listening(sink), 10, "the sink")
    yield Load(load_program, sink)
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def bulk():
    """How many bytes prove that a path carries everything."""
    return 100 * 1000 * 1000 if SOAK else 4 * MIB
