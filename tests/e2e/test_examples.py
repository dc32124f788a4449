"""Every file in examples/ is read without a warning and serves."""
import os
import re
import subprocess
import sys

import pytest

from kit.program import ROOT, run_weir, weir_path
from kit.wait import Ports

EXAMPLES = sorted(p for p in (ROOT / "examples").iterdir() if p.suffix in (".yaml", ".json", ".toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_check(path):
    done = run_weir("check", "-c", path)
    assert done.returncode == 0 and not re.search("warning|error", done.stderr), done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_start(path, tmp_path):
    """As root in a namespace of its own, else only where its ports are free."""
    ports = [int(p) for p in re.findall(r"(?:port|\"listen_port\"):\s*(\d+)", path.read_text())]
    prefix = ["unshare", "-n"] if os.geteuid() == 0 else []
    if not prefix and not all(map(Ports.is_free, ports)):
        pytest.skip(f"a port of {ports} is in use")
    inside = ROOT / "tests/e2e/kit/example_inside.py"
    done = subprocess.run([*prefix, sys.executable, inside, path, tmp_path], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
