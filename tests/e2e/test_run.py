"""A running weir: reload, drain, limits, and that nothing grows."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import SOAK
from kit import clients
from kit.clients import curl
from kit.program import Weir, run_weir
from kit.wait import is_listening, until

MIXED = "mixed-port: {port}\nbind-address: 127.0.0.1\nmode: direct\nlog-level: {level}\n"


@pytest.fixture
def mixed(weir, port):
    def start(level="info", **options):
        p = port()
        return weir(MIXED.format(port=p, level=level), listen=[p], **options), p
    return start


def relays_that_fit(wanted):
    """A relay has two descriptors; the hard limit of this machine may not have room for all that are wanted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    fits = wanted if hard == resource.RLIM_INFINITY else min(wanted, (hard - 1000) // 2)
    if fits < wanted // 2:
        pytest.skip(f"{wanted} relays need {2 * wanted + 1000} descriptors, the hard limit is {hard}")
    return fits


# ---- reload ----------------------------------------------------------------------------------------

def test_reload_swaps_the_configuration_and_keeps_flows(mixed, port, echo):
    w, p = mixed()
    s, _ = clients.socks5(p, "127.0.0.1", echo)
    with s:
        s.sendall(b"before")
        assert clients.read_exact(s, 6) == b"before"
        other = port()
        w.reload(MIXED.format(port=other, level="info") + "rules: []\n")
        until(lambda: is_listening(other) and not is_listening(p), 10, "the new listener")
        s.sendall(b"after")
        assert clients.read_exact(s, 5) == b"after"
    fresh, _ = clients.socks5(other, "127.0.0.1", echo)
    fresh.close()


def test_reload_under_load_loses_nothing(mixed, load):
    """The listening socket is handed over: not one connection is refused."""
    w, p = mixed("warning")
    results = []
    thread = threading.Thread(target=lambda: results.append(load("short", f"socks5:127.0.0.1:{p}", 6000, 8)))
    thread.start()
    for i in range(5):
        time.sleep(0.15)
        w.reload(MIXED.format(port=p, level="warning") + f"# {i}\n")
    thread.join()
    assert results[0]["failed"] == 0


def test_a_bad_configuration_leaves_what_runs_untouched(mixed, origin):
    w, p = mixed()
    w.reload(f"mixed-port: {p}\nbind-address: 127.0.0.1\nmode: rule\nrules: ['MATCH,nowhere']\n")
    w.wait_log("nowhere")
    assert curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"
    w.reload("{ not yaml")
    assert curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"


def test_a_reload_whose_port_is_taken_is_rolled_back(mixed, origin):
    w, p = mixed()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        w.reload(f"mixed-port: {p}\nsocks-port: {taken.getsockname()[1]}\nbind-address: 127.0.0.1\nmode: direct\n")
        w.wait_log(rf"{taken.getsockname()[1]}")
        assert curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"


@pytest.mark.figures
def test_reloads_do_not_grow(mixed, load):
    w, p = mixed("warning")
    config = w.config_path.read_text()

    def rounds(n):
        for _ in range(n):
            w.reload(config)
            time.sleep(0.05)
        load("short", f"socks5:127.0.0.1:{p}", 50, 4)
        time.sleep(0.3)
        return w.fds(), w.rss()

    rounds(10)
    fds, rss = rounds(10)
    fds_after, rss_after = rounds(40)
    assert fds_after <= fds + 2 and rss_after <= rss + 1024, (fds, fds_after, rss, rss_after)


# ---- stop --------------------------------------------------------------------------------------------

def test_term_lets_a_transfer_end(mixed, echo):
    w, p = mixed()
    s, _ = clients.socks5(p, "127.0.0.1", echo)
    with s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"
        w.signal(signal.SIGTERM)
        until(lambda: not is_listening(p), 5, "the listener to close")
        assert w.process.poll() is None
        s.sendall(b"still carried")
        assert clients.read_exact(s, 13) == b"still carried"
    assert w.wait(10) == 0


def test_a_second_term_stops_at_once(mixed, echo):
    w, p = mixed()
    s, _ = clients.socks5(p, "127.0.0.1", echo)
    with s:
        s.sendall(b"x")
        s.recv(1)
        w.signal(signal.SIGTERM)
        until(lambda: not is_listening(p), 5, "the listener to close")
        w.signal(signal.SIGTERM)
        assert w.wait(3) == 0
        assert not clients.is_open(s)


def test_term_under_load_cuts_only_what_the_deadline_cut(mixed, load):
    """Every connection that was accepted before the signal gets its answer."""
    w, p = mixed("warning")
    bulk = load.start("bulk", f"socks5:127.0.0.1:{p}", "down", 200 << 20, 4)
    until(lambda: w.cpu() > 0.03, 10, "the transfer to run")
    w.signal(signal.SIGTERM)
    out, err = bulk.communicate(timeout=60)
    assert bulk.returncode == 0, err
    assert w.wait(10) == 0


def test_term_serves_those_in_the_queue(mixed):
    """The kernel let them in before the signal; a reset would be our loss, not the deadline's."""
    w, p = mixed("warning")
    w.signal(signal.SIGSTOP)
    crowd = [clients.connect(p) for _ in range(50)]
    for s in crowd:
        s.sendall(b"\5\1\0")
    w.signal(signal.SIGTERM)
    w.signal(signal.SIGCONT)
    for s in crowd:
        assert clients.read_exact(s, 2) == b"\5\0"
        s.close()
    assert w.wait(10) == 0


def test_interrupt_stops_like_term(mixed):
    w, _ = mixed()
    w.signal(signal.SIGINT)
    assert w.wait(5) == 0


def test_quit_dumps_coroutines_and_goes_on(mixed, echo, origin):
    w, p = mixed()
    s, _ = clients.socks5(p, "127.0.0.1", echo)
    with s:
        w.signal(signal.SIGQUIT)
        w.wait_log(r"(?i)accept")
        assert curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"


# ---- limits ------------------------------------------------------------------------------------------

@pytest.mark.xdist_group("heavy")
def test_descriptors_run_out_and_come_back(mixed, echo):
    """accept never spins, those who are inside go on, and later there is room again."""
    w, p = mixed("error", files=128)
    inside, _ = clients.socks5(p, "127.0.0.1", echo)
    crowd = []
    try:
        for _ in range(300):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", p))
            crowd.append(s)
        time.sleep(0.5)
        before = w.cpu()
        time.sleep(1.5)
        assert w.cpu() - before < 0.5, "weir burns the processor while descriptors are out"
        inside.sendall(b"still here")
        assert clients.read_exact(inside, 10) == b"still here"
    finally:
        for s in crowd:
            s.close()

    def there_is_room():
        try:
            s, _ = clients.socks5(p, "127.0.0.1", echo, timeout=2)
        except (OSError, EOFError, clients.Refused):
            return False
        s.close()
        return True
    until(there_is_room, 15, "room for a new connection")
    inside.close()


def test_the_limit_of_connections_lets_others_wait(mixed, echo):
    """Those above it wait in the kernel's queue, at no cost, and are served when there is room."""
    w, p = mixed("error", args=["--max-connections", "4", "--workers", "1"])
    inside = [clients.socks5(p, "127.0.0.1", echo)[0] for _ in range(4)]
    waiting = clients.connect(p)
    waiting.sendall(b"\5\1\0")
    before = w.cpu()
    assert clients.closes_within(waiting, 1) is None
    assert w.cpu() - before < 0.3, "weir burns the processor while connections wait"
    inside.pop().close()
    waiting.settimeout(5)
    assert clients.read_exact(waiting, 2) == b"\5\0"
    for s in (*inside, waiting):
        s.close()


@pytest.mark.figures
@pytest.mark.xdist_group("heavy")
def test_many_connections_in_sequence_leave_nothing(mixed, load):
    w, p = mixed("error")
    via = f"socks5:127.0.0.1:{p}"
    load("short", via, 2000, 16)
    time.sleep(0.5)
    fds, rss = w.fds(), w.rss()
    got = load("short", via, 24000, 16)
    assert got["failed"] == 0
    time.sleep(0.5)
    assert w.fds() <= fds + 2, f"descriptors: {fds} before, {w.fds()} after"
    assert w.rss() <= rss + 1024, f"memory: {rss} KiB before, {w.rss()} KiB after"


@pytest.mark.figures
@pytest.mark.xdist_group("heavy")
def test_ten_thousand_idle_connections(mixed, load, origin):
    count = relays_that_fit(10000)
    w, p = mixed("error")
    base, fds = w.rss(), w.fds()
    process = load.start("idle", f"socks5:127.0.0.1:{p}", count)
    try:
        assert process.stdout.readline(), process.stderr.read()
        each = (w.rss() - base) / count
        before = w.cpu()
        time.sleep(1)
        assert w.cpu() - before < 0.2, "idle connections cost processor time"
        assert curl("-x", f"socks5h://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"
        assert each < 16, f"{each:.1f} KiB for each idle connection"
    finally:
        process.stdin.close()
        process.wait(30)
    until(lambda: w.fds() <= fds + 8, 20, "the descriptors to be given back")


@pytest.mark.figures
@pytest.mark.soak
def test_long_mixed_load_does_not_grow(mixed, load):
    w, p = mixed("error")
    via = f"socks5:127.0.0.1:{p}"
    load("short", via, 5000, 16)
    rss = w.rss()
    for _ in range(10):
        load("short", via, 24000, 32)
        load("bulk", via, "down", 512 << 20, 4)
        load("chat", via, 40000, 16)
    time.sleep(1)
    assert w.rss() <= rss + 2048


# ---- starting ----------------------------------------------------------------------------------------

def test_a_port_in_use_names_who_has_it(port, tmp_path):
    p = port()
    with subprocess.Popen([sys.executable, "-c", f"import socket,sys; s=socket.create_server(('127.0.0.1',{p})); sys.stdin.read()"],
                          stdin=subprocess.PIPE) as holder:
        until(lambda: is_listening(p), 10, "the port")
        config = tmp_path / "config.yaml"
        config.write_text(MIXED.format(port=p, level="info"))
        done = run_weir("run", "-c", config, timeout=10)
        holder.stdin.close()
    assert done.returncode == 1
    assert f"127.0.0.1:{p}" in done.stderr and re.search("in use", done.stderr)
    assert str(holder.pid) in done.stderr, done.stderr


@pytest.mark.root
def test_a_port_that_needs_privilege(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(MIXED.format(port=81, level="info"))
    for parent in [tmp_path, *list(tmp_path.parents)[:3]]:
        parent.chmod(parent.stat().st_mode | 0o055)
    setpriv = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    if int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()) <= 81:
        pytest.skip("this machine lets everybody bind low ports")
    from kit.program import weir_path
    done = subprocess.run([*setpriv, "cat", weir_path()], capture_output=True)
    if done.returncode:
        pytest.skip("the program is not readable to others")
    done = subprocess.run([*setpriv, weir_path(), "run", "-c", config], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and re.search("(?i)permission|not permitted|privilege", done.stderr), done.stderr


def test_configuration_from_standard_input(port, origin, tmp_path):
    p = port()
    from kit.program import weir_path
    process = subprocess.Popen([weir_path(), "run", "-c", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        process.stdin.write(MIXED.format(port=p, level="info"))
        process.stdin.close()
        until(lambda: is_listening(p), 10, "weir")
        assert curl("-x", f"http://127.0.0.1:{p}", f"http://127.0.0.1:{origin}/").stdout == b"hello from origin\n"
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_notify_tells_when_it_is_ready(weir, port, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(5)
        p = port()
        w = weir(MIXED.format(port=p, level="info"), listen=[p], env={"NOTIFY_SOCKET": path})
        assert b"READY=1" in s.recv(4096)
        w.reload()
        seen = b""
        while b"READY=1" not in seen:
            seen += s.recv(4096)
        w.signal(signal.SIGTERM)
        seen = b""
        while b"STOPPING=1" not in seen:
            seen += s.recv(4096)


def test_two_instances_do_not_share_a_port(mixed, tmp_path):
    """SO_REUSEPORT is for the workers of one instance, not for a second one that would take half of the clients."""
    w, p = mixed()
    config = tmp_path / "second.yaml"
    config.write_text(MIXED.format(port=p, level="info"))
    done = run_weir("run", "-c", config, timeout=10)
    assert done.returncode == 1 and str(w.pid) in done.stderr, done.stderr


@pytest.mark.parametrize("args", [["version"], ["generate", "uuid"], ["generate", "rand", "16", "--base64"],
                                  ["generate", "ss-key", "2022-blake3-aes-128-gcm"],
                                  ["completion", "bash"], ["completion", "zsh"], ["completion", "fish"], ["--help"]])
def test_small_commands(args):
    done = run_weir(*args)
    assert done.returncode == 0 and done.stdout.strip(), (done.returncode, done.stderr)
    assert not done.stderr


@pytest.mark.parametrize("args", [[], ["walk"], ["run", "--nonsense"], ["check"], ["convert", "--to", "nonsense", "-c", "-"]])
def test_a_wrong_command_line_is_explained(args, tmp_path):
    done = run_weir(*args, cwd=tmp_path)
    assert done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT) and done.stderr.strip()
