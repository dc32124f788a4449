"""weir as a process: started with a configuration, watched, and stopped so that every fault shows."""
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

from kit.wait import is_listening, until

ROOT = Path(__file__).resolve().parents[3]
SANITIZER = re.compile(r"(ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


def weir_path():
    for path in (os.environ.get("WEIR"), ROOT / "build-release/src/main/weir", ROOT / "build/src/main/weir"):
        if path and os.access(path, os.X_OK):
            return str(path)
    return None


def is_sanitized():
    """Whether the program has a sanitizer in it: its figures of memory and time say nothing then."""
    return b"__asan_init" in Path(weir_path()).read_bytes()


def run_weir(*args, stdin="", timeout=30, **options):
    """One command to its end."""
    return subprocess.run([weir_path(), *map(str, args)], input=stdin, capture_output=True, text=True, timeout=timeout,
                          **options)


class Weir:
    def __init__(self, directory, config, listen=(), listen_udp=(), args=(), suffix=".yaml", files=None, prefix=(),
                 env=None, start=True):
        """`config` is text. `listen` are the ports that must be open before the test goes on."""
        self.directory = directory
        self.config_path = directory / ("config" + suffix)
        self.config_path.write_text(config)
        self.log_path = directory / "log"
        self.command = [*prefix, weir_path(), "run", "-c", str(self.config_path), *map(str, args)]
        self.listen, self.listen_udp, self.files, self.env = listen, listen_udp, files, env
        self.process = None
        if start:
            self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=self.limit,
                                            env={**os.environ, **(self.env or {})})
        try:
            until(self.is_ready, 20, f"weir to listen on {[*self.listen, *self.listen_udp]}")
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def limit(self):
        if self.files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"weir ended with {self.process.returncode}:\n{self.log()}")
        return all(map(is_listening, self.listen)) and all(is_listening(p, udp=True) for p in self.listen_udp)

    # ---- looking at it

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern, seconds=5):
        return until(lambda: re.search(pattern, self.log()), seconds, f"/{pattern}/ in the log:\n{self.log()[-3000:]}")

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss(self):
        """KiB that belong to this process alone or in proportion."""
        return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{self.pid}/smaps_rollup").read_text(), re.M)[1])

    def cpu(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- acting on it

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None):
        if config is not None:
            self.config_path.write_text(config)
        self.signal(signal.SIGHUP)

    def wait(self, seconds=20):
        return self.process.wait(seconds)

    def stop(self, patience=20):
        """SIGTERM: whoever drains for longer, crashed, or was reported by a sanitizer fails the test."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGTERM)   # connections that the test left open need not be drained
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGQUIT)       # its dump of coroutines tells why
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            raise AssertionError(f"weir did not stop:\n{self.log()[-4000:]}") from None
        text = self.log()
        assert not SANITIZER.search(text), text[-8000:]
        assert code == 0, f"weir ended with {code}:\n{text[-4000:]}"
