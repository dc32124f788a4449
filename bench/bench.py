#!/usr/bin/env python3
"""bench.py - measure weir and its peers side by side on one machine.

    ./bench.py list                                  jobs, workloads, targets
    ./bench.py run socks5 ss-aes                     every workload of these jobs
    ./bench.py run gateway -w h1-small,ws -t weir,haproxy,nginx
    ./bench.py run tun --rounds 5 --json out.json

Needs root, Linux with cgroup v2, cc, iproute2 and, for the gateway job, h2load.
Everything runs in a private network and mount namespace, on loopback or over
veth pairs; nothing is left behind.

Method.  The target runs on the last CPU, load and sink on CPU 0.  Cost is the
CPU time of the target's cgroup (all its processes, user + system) divided by
the work done, because that number hardly moves when the machine is busy; wall
clock figures are shown too, but do.  Each round starts every target once and
runs the workloads in turn, so that compared figures are taken close together.
The table shows the median over the rounds, the spread of the cost, and the
ratio BASE/ROW (the median of the per-round ratios): below 1.00 the base, which
is weir if it ran, does the same work with less.
"""
import argparse
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from targets import JOBS

HERE = Path(__file__).resolve().parent
LOAD_CPU, TARGET_CPU = 0, (os.cpu_count() or 1) - 1
SINK, ORIGIN, SOCKS = 9001, 9002, 9003
FAR, DEST, LINK, TUN = "10.9.0.2", "10.99.0.1", "weir-veth", "weir-tun"
GIB = 1 << 30
serial = itertools.count()


class Failed(Exception):
    """The target did not do its work; the row shows the reason."""


# ---- small helpers -----------------------------------------------------------------

def sh(*args, check=True):
    return subprocess.run([str(a) for a in args], check=check, capture_output=True, text=True).stdout


def pinned(cpu, group=None):
    def setup():
        if group:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        os.sched_setaffinity(0, {cpu})
    return setup


def set_up_namespace(*enter):
    """Loopback up; no pacing; enough ports, which thousands of short connections do not use up."""
    sh(*enter, "ip", "link", "set", "lo", "up")
    for setting in ("net.ipv4.tcp_congestion_control=reno", "net.ipv4.ip_local_port_range=20000 65000",
                    "net.ipv4.tcp_tw_reuse=1", "net.ipv6.conf.all.disable_ipv6=1"):
        sh(*enter, "sysctl", "-qw", setting, check=False)


def cgroup_root():
    for root in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (root / "cgroup.controllers").exists():
            return root
    sys.exit("bench.py: no cgroup v2 hierarchy found")


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(0.02)


def listening(port):
    needle = ":%04X " % port
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and needle in local + " ":
                return True
    return False


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


# ---- the bench: tools, certificate, sinks, namespaces ------------------------------

class Bench:
    def __init__(self, args):
        self.args = args
        self.dir = Path(tempfile.mkdtemp(prefix="weir-bench-"))
        self.dir.chmod(0o755)
        self.children = []
        for tool, libs in (("load", ["-lcrypto", "-lpthread"]), ("floor", [])):
            sh("cc", "-O2", "-std=gnu17", "-o", self.dir / tool, HERE / (tool + ".c"), *libs)
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "30", "-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test,IP:127.0.0.1",
           "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem")
        (self.dir / "key.pem").chmod(0o644)
        set_up_namespace()
        self.sink = self.spawn([self.dir / "load", "sink", SINK])
        self.origin = self.spawn([self.dir / "load", "origin", ORIGIN])
        self.far = None

    def spawn(self, argv, cpu=LOAD_CPU, prefix=()):
        child = subprocess.Popen([str(a) for a in (*prefix, *argv)], preexec_fn=pinned(cpu),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def new_namespace(self):
        """A second network namespace, kept by a sleeping process; returns that process and an entry command."""
        holder = self.spawn(["unshare", "--net", "sleep", "infinity"])
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != mine, 5, "no namespace")
        enter = ("nsenter", "--net=/proc/%d/ns/net" % holder.pid)
        set_up_namespace(*enter)
        return holder, enter

    def build_far_side(self):
        """For the tun and redirect jobs: a host behind a veth pair, with a sink and a SOCKS5 server."""
        if self.far:
            return
        holder, self.far = self.new_namespace()
        sh("ip", "link", "add", LINK, "type", "veth", "peer", "name", "far0", "netns", holder.pid)
        sh("ip", "addr", "add", "10.9.0.1/24", "dev", LINK)
        sh("ip", "link", "set", LINK, "up")
        sh(*self.far, "ip", "addr", "add", FAR + "/24", "dev", "far0")
        sh(*self.far, "ip", "addr", "add", DEST + "/32", "dev", "lo")
        sh(*self.far, "ip", "link", "set", "far0", "up")
        sh("ip", "route", "add", "default", "via", FAR, "dev", LINK)
        self.far_sink = self.spawn([self.dir / "load", "sink", SINK], prefix=self.far)
        self.far_socks = self.spawn([self.dir / "load", "socks", SOCKS], prefix=self.far)

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# ---- one running target ------------------------------------------------------------

class Running:
    def __init__(self, bench, job, name, target):
        self.bench, self.job, self.target = bench, job, target
        self.remote = job in ("tun", "redirect")   # the load goes to DEST, over there
        self.ports = {}
        n = next(serial)
        self.dir = bench.dir / f"{job}-{name}-{n}"
        self.dir.mkdir()
        self.group = cgroup_root() / f"weir-bench-{os.getpid()}-{n}"
        self.group.mkdir()
        self.log = open(self.dir / "log", "wb")
        self.procs, self.enter = [], ()
        if target.client_ns:
            self.holder, self.enter = bench.new_namespace()
            (self.dir / "netns").touch()
            sh("mount", "--bind", f"/proc/{self.holder.pid}/ns/net", self.dir / "netns")
        try:
            self.start()
        except BaseException as e:
            self.stop()
            if isinstance(e, Failed):
                raise Failed(f"{e}: {self.last_words()}") from None
            raise

    def last_words(self):
        return " | ".join((self.dir / "log").read_text(errors="replace").splitlines()[-2:])[-200:]

    def subst(self, text):
        fixed = {"dir": self.dir, "weir": self.bench.args.weir, "tools": self.bench.dir, "sink": SINK,
                 "origin": ORIGIN, "cert": self.bench.dir / "cert.pem", "key": self.bench.dir / "key.pem",
                 "uuid": "b831381d-6324-4d53-ad4f-8cda48b30811", "password": "correct-horse-battery",
                 "tun": TUN, "far": FAR, "socks": SOCKS, "link": LINK}
        if self.target.client_ns:
            fixed.update(ns=self.holder.pid, nsfile=self.dir / "netns")

        def value(match):
            return str(fixed[match[1]]) if match[1] in fixed else str(self.port(match[1]))
        return re.sub(r"@(\w+)@", value, text) if "@" in text else text

    def port(self, name):
        """Ports stay below the ephemeral range and differ from run to run."""
        if name not in ("in", "tls", "mid", "aux"):
            raise KeyError(name)
        if not self.target.run:
            return SINK if self.job != "gateway" else ORIGIN
        return self.ports.setdefault(name, 10000 + next(serial))

    def start(self):
        for name, text in self.target.files.items():
            (self.dir / name).write_text(self.subst(text))
        for command in self.target.prepare:
            subprocess.run(shlex.split(self.subst(command)), check=True, stdout=self.log, stderr=self.log)
        for command in self.target.run:
            argv = shlex.split(self.subst(command))
            self.procs.append(subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log,
                                               stderr=self.log, start_new_session=True,
                                               preexec_fn=pinned(TARGET_CPU, self.group)))
            if len(self.target.run) > 1:
                time.sleep(0.3)
        for name in self.target.listen:
            wait_for(lambda: listening(self.port(name)), 10, "does not listen")
        if self.job == "tun":
            wait_for(lambda: TUN in sh(*self.enter, "ip", "-o", "link"), 10, "no TUN device")
            time.sleep(0.5)
            sh(*self.enter, "ip", "link", "set", TUN, "up")
            if not self.enter:
                sh("ip", "route", "add", DEST, "dev", TUN, "metric", 10)
        time.sleep(0.2)
        self.base = self.memory()

    def cpu(self):
        """CPU seconds used so far by every process of the target, ended ones too."""
        return int(re.search(r"usage_usec (\d+)", (self.group / "cpu.stat").read_text())[1]) / 1e6

    def pids(self):
        return [int(p) for p in (self.group / "cgroup.procs").read_text().split()]

    def memory(self):
        """Proportional set size in KiB: shared pages are counted once."""
        total = 0
        for pid in self.pids():
            try:
                total += int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                pass
        return total

    def stop(self):
        for sig, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            for pid in self.pids():
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + patience
            while self.pids() and time.monotonic() < end:
                for proc in self.procs:
                    proc.poll()
                time.sleep(0.02)
        for proc in self.procs:
            proc.wait()
        for command in self.target.cleanup:
            sh(*shlex.split(self.subst(command)), check=False)
        if self.target.client_ns:
            sh("umount", self.dir / "netns")
            self.holder.kill()
            self.holder.wait()
        self.log.close()
        self.group.rmdir()

    # -- load against it --

    def endpoint(self):
        """DEST and VIA arguments of "load"."""
        if self.remote:
            return [f"{DEST}:{SINK}", "none"]
        own = f"127.0.0.1:{self.port('in')}"
        return [own, "none"] if self.target.via == "none" else [f"127.0.0.1:{SINK}", f"{self.target.via}:{own}"]

    def load(self, command, *args, cpu=LOAD_CPU, endpoint=None):
        argv = [*self.enter, self.bench.dir / "load", command, *(endpoint or self.endpoint()), *args]
        return argv_json(argv, cpu)

    def sinks(self):
        return [self.bench.far_sink.pid, self.bench.far_socks.pid] if self.remote else [self.bench.sink.pid, self.bench.origin.pid]


def argv_json(argv, cpu):
    try:
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=120,
                              preexec_fn=pinned(cpu))
    except subprocess.TimeoutExpired:
        raise Failed("timed out") from None
    if done.returncode:
        raise Failed(done.stderr.strip()[-70:] or "load failed")
    return json.loads(done.stdout)


class one_cpu:
    """Latency is measured with load, target and sink on one CPU: then it is the length of the
    code path and the scheduler's work, not the time that an idle virtual CPU needs to wake up."""
    def __init__(self, running):
        self.pids = running.sinks()

    def __enter__(self):
        for pid in self.pids:
            os.sched_setaffinity(pid, {TARGET_CPU})

    def __exit__(self, *_):
        for pid in self.pids:
            os.sched_setaffinity(pid, {LOAD_CPU})


# ---- workloads: each returns a dictionary of figures -------------------------------

def bulk(direction):
    def run(r):
        probe = r.load("bulk", direction, 128 << 20, 1)
        want = int(min(max(r.bench.args.seconds / probe["seconds"] * (128 << 20), 256 << 20), 8 * GIB))
        before = r.cpu()
        got = r.load("bulk", direction, want, 1)
        return {"cpu s/GiB": (r.cpu() - before) / got["bytes"] * GIB, "GB/s": got["bytes"] / got["seconds"] / 1e9}
    return run


def counted(command, unit, count, workers):
    def run(r):
        probe = r.load(command, count // 10, workers)
        n = int(min(max(r.bench.args.seconds / probe["seconds"] * count / 10, count / 4), count * 2))
        before = r.cpu()
        got = r.load(command, n, workers)
        if got["failed"] > n / 100:
            raise Failed(f"{got['failed']} of {n} failed")
        return {"cpu us/" + unit: (r.cpu() - before) / n * 1e6, unit + "/s": n / got["seconds"]}
    return run


def ping(r):
    with one_cpu(r):
        r.load("ping", 300, 0.5, "keep", cpu=TARGET_CPU)
        keep = r.load("ping", 300, 3, "keep", cpu=TARGET_CPU)
        fresh = r.load("ping", 100, 3, "fresh", cpu=TARGET_CPU)
    return {"p50 us": keep["p50"], "p99 us": keep["p99"], "connect p50": fresh["p50"], "connect p99": fresh["p99"]}


def interactive(r, argv, talk):
    """Runs a load command that holds connections; talk(process) measures while they are open."""
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=pinned(LOAD_CPU))
    watchdog = time.monotonic() + 120
    try:
        return talk(process, lambda: read_line(process, watchdog))
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def read_line(process, watchdog):
    line = process.stdout.readline().strip()
    if not line:
        raise Failed((process.stderr.read().strip() or "closed")[-70:])
    if time.monotonic() > watchdog:
        raise Failed("timed out")
    return line


def idle(r, count=1000):
    def talk(_process, line):
        line()
        time.sleep(0.5)
        return {"KiB/conn": (r.memory() - r.base) / count, "base MiB": r.base / 1024}
    return interactive(r, [*r.enter, r.bench.dir / "load", "idle", *r.endpoint(), count], talk)


def websocket(r, count=5000):
    def talk(process, line):
        line()
        time.sleep(0.5)
        held, before = r.memory(), r.cpu()
        process.stdin.write("\n")
        process.stdin.flush()
        got = json.loads(line())
        return {"KiB/conn": (held - r.base) / count, "cpu us/echo": (r.cpu() - before) / got["count"] * 1e6,
                "p50 us": got["p50"], "p99 us": got["p99"], "base MiB": r.base / 1024}
    return interactive(r, [r.bench.dir / "load", "ws", f"127.0.0.1:{r.port('in')}", count, 500, 4], talk)


def h2load(r, *args, cpu=LOAD_CPU):
    if not r.target.run and any("https" in str(a) for a in args):
        raise Failed("the origin speaks no TLS")
    done = subprocess.run(["h2load", "-t1", *[str(a) for a in args]], capture_output=True, text=True, timeout=180,
                          preexec_fn=pinned(cpu))
    ok = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    took = re.search(r"finished in ([\d.]+)(us|ms|s)", done.stdout)
    if not ok or not took or int(ok[2]) or int(ok[3]):
        raise Failed((done.stdout.strip() or done.stderr.strip())[-70:].replace("\n", " "))
    return int(ok[1]), float(took[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[took[2]]


def http(scheme, h1, path, count, clients, streams=1):
    def run(r):
        url = f"{scheme}://127.0.0.1:{r.port('tls' if scheme == 'https' else 'in')}{path}"
        args = [*(["--h1"] if h1 else []), "-c", clients, "-m", streams, url]
        n, took = h2load(r, "-n", count // 10, *args)
        want = int(min(max(r.bench.args.seconds / took * n, count / 4), count * 2))
        before = r.cpu()
        n, took = h2load(r, "-n", want, *args)
        return {"cpu us/req": (r.cpu() - before) / n * 1e6, "req/s": n / took}
    return run


def tls_new(r):
    """One full handshake and one request per connection, 300 connections a second."""
    url = f"https://127.0.0.1:{r.port('tls')}/"
    h2load(r, "--h1", "-n", 100, "-c", 100, "-r", 100, url)
    before = r.cpu()
    n, _ = h2load(r, "--h1", "-n", 900, "-c", 900, "-r", 300, url)
    return {"cpu us/conn": (r.cpu() - before) / n * 1e6}


def h1_ping(r):
    log = r.dir / "h2load.log"
    url = f"http://127.0.0.1:{r.port('in')}/"
    with one_cpu(r):
        h2load(r, "--h1", "-c1", "-n", 900, "--rps=300", f"--log-file={log}", url, cpu=TARGET_CPU)
    times = [int(line.split()[2]) for line in log.read_text().splitlines()]
    log.unlink()
    return {"p50 us": percentile(times, 0.5), "p99 us": percentile(times, 0.99)}


# name: (function, figure that the ratio is about)
WORKLOADS = {
    "bulk": (bulk("down"), "cpu s/GiB"),
    "up": (bulk("up"), "cpu s/GiB"),
    "short": (counted("short", "conn", 8000, 8), "cpu us/conn"),
    "chat": (counted("chat", "msg", 40000, 16), "cpu us/msg"),
    "ping": (ping, "p50 us"),
    "idle": (idle, "KiB/conn"),
    "h1-small": (http("http", True, "/", 60000, 32), "cpu us/req"),
    "h1-large": (http("http", True, "/large", 20000, 16), "cpu us/req"),
    "tls-h1-small": (http("https", True, "/", 40000, 32), "cpu us/req"),
    "h2-small": (http("https", False, "/", 60000, 8, 16), "cpu us/req"),
    "h2-large": (http("https", False, "/large", 10000, 8, 4), "cpu us/req"),
    "tls-new": (tls_new, "cpu us/conn"),
    "h1-ping": (h1_ping, "p50 us"),
    "ws": (websocket, "KiB/conn"),
}


# ---- runs and tables ---------------------------------------------------------------

def program(bench, target):
    """The first program of the target that is missing, or None."""
    for command in target.run:
        words = shlex.split(command.replace("@weir@", bench.args.weir).replace("@tools@", str(bench.dir)))
        words = [w for w in words if "=" not in w and w != "env"]
        if not shutil.which(words[0]):
            return words[0]
    return None


def progress(text):
    if sys.stderr.isatty():
        print(f"\r  {text:<58}\r", end="", file=sys.stderr, flush=True)


def measure(bench, job_name, job, names, workloads):
    """Returns {workload: {target: [figures per round, or a reason]}}."""
    results = {w: {n: [] for n in names} for w in workloads}
    failed = {}
    for turn in range(bench.args.rounds):
        for name in names:
            if name in failed:
                continue
            try:
                running = Running(bench, job_name, name, job.targets[name])
            except (Failed, OSError, subprocess.SubprocessError) as e:
                failed[name] = f"start: {e}"
                continue
            try:
                if job_name != "gateway":
                    running.load("check", 4 << 20)
                for w in workloads:
                    if isinstance(results[w][name], str):
                        continue
                    progress(f"round {turn + 1}: {name} {w}")
                    try:
                        results[w][name].append(WORKLOADS[w][0](running))
                    except (Failed, subprocess.SubprocessError) as e:
                        results[w][name] = str(e)
            except Failed as e:
                failed[name] = f"check: {e}"
            finally:
                running.stop()
    progress("")
    for name, reason in failed.items():
        for w in workloads:
            results[w][name] = reason
    return results


def show(job_name, workload, rows, base):
    cost = WORKLOADS[workload][1]
    good = {n: r for n, r in rows.items() if r and not isinstance(r, str)}
    columns = list(next(iter(good.values()))[0]) if good else [cost]
    base = base if base in good else "weir" if "weir" in good else next(iter(good), None)
    print(f"\n{job_name}: {workload}   (ratio = {base} / row, on {cost})")
    print("  %-22s" % "" + "".join(f"{c:>14}" for c in columns) + f"{'spread':>9}{'ratio':>8}")
    for name, figures in rows.items():
        if name not in good:
            print(f"  {name:<22}  {figures or 'no result'}")
            continue
        cells = [statistics.median(f[c] for f in figures) for c in columns]
        costs = [f[cost] for f in figures]
        spread = (max(costs) - min(costs)) / (statistics.median(costs) or 1)
        pairs = [b[cost] / f[cost] for b, f in zip(good[base], figures) if f[cost]]
        ratio = f"{statistics.median(pairs):8.2f}" if pairs else "       -"
        print(f"  {name:<22}" + "".join(f"{c:>14.4g}" for c in cells) + f"{spread:>8.0%} {ratio}")


def machine():
    """Figures without the machine they come from say nothing."""
    model = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text(), re.M)
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    kernel = os.uname()
    return (f"{model[1] if model else kernel.machine}, {os.cpu_count()} CPUs, {memory / (1 << 20):.0f} GiB, "
            f"{system[1] if system else 'Linux'}, kernel {kernel.release}")


def list_jobs():
    for name, job in JOBS.items():
        print(f"{name}: {job.note}\n    workloads: {' '.join(job.workloads)}\n    targets:   {' '.join(job.targets)}")


def run(args):
    print("machine: " + machine())
    bench = Bench(args)
    report = {"machine": machine()}
    try:
        for job_name in args.jobs:
            job = JOBS[job_name]
            names = [n for n in job.targets if not args.targets or n in args.targets]
            workloads = [w for w in job.workloads if not args.workloads or w in args.workloads]
            missing = {n: program(bench, job.targets[n]) for n in names}
            names = [n for n in names if not missing[n]]
            absent = [f"{n} ({p})" for n, p in missing.items() if p]
            print(f"\n== {job_name}: {job.note}" + (f"\n   not installed: {', '.join(absent)}" if absent else ""))
            if not names:
                continue
            if job_name in ("tun", "redirect"):
                bench.build_far_side()
            report[job_name] = measure(bench, job_name, job, names, workloads)
            for w in workloads:
                show(job_name, w, report[job_name][w], args.base)
            sys.stdout.flush()
            if args.json:
                Path(args.json).write_text(json.dumps(report, indent=1))
    finally:
        bench.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="command", required=True)
    sub.add_parser("list")
    p = sub.add_parser("run")
    p.add_argument("jobs", nargs="+", choices=JOBS, metavar="JOB")
    p.add_argument("-w", "--workloads", type=lambda s: s.split(","), help="only these, comma separated")
    p.add_argument("-t", "--targets", type=lambda s: s.split(","), help="only these, comma separated")
    p.add_argument("-b", "--base", help="row that the ratios refer to (default weir, else the first)")
    p.add_argument("-r", "--rounds", type=int, default=3)
    p.add_argument("-s", "--seconds", type=float, default=2, help="aimed length of one measurement")
    p.add_argument("--weir", default="weir", help="path of the weir binary")
    p.add_argument("--json", help="also write every figure to this file")
    args = parser.parse_args()
    if args.command == "list":
        return list_jobs()
    if os.geteuid():
        sys.exit("bench.py: must run as root")
    if os.environ.get("WEIR_BENCH_NS") != "1":
        os.environ["WEIR_BENCH_NS"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run(args)


if __name__ == "__main__":
    main()
