"""example_inside.py FILE DIRECTORY PORT...: starts a configuration, fetches through its first port, stops it."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kit import servers                 # noqa: E402
from kit.clients import curl            # noqa: E402
from kit.program import Weir            # noqa: E402

path, directory, ports = Path(sys.argv[1]), Path(sys.argv[2]), [int(p) for p in sys.argv[3:]]
if os.geteuid() == 0:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
origin = servers.origin()
weir = Weir(directory, path.read_text(), suffix=path.suffix, listen=ports)
if ports:
    for scheme in ("socks5h", "http"):
        assert curl("-x", f"{scheme}://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{origin.port}/").stdout == b"hello from origin\n"
weir.stop()
