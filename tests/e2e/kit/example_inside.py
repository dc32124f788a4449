"""example_inside.py FILE DIRECTORY: starts a configuration and stops it; what needs nobody else is used, too."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kit import servers                 # noqa: E402
from kit.clients import curl            # noqa: E402
from kit.program import Weir            # noqa: E402

path, directory = Path(sys.argv[1]), Path(sys.argv[2])
if os.geteuid() == 0:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
weir = Weir(directory, path.read_text(), suffix=path.suffix)
weir.wait_log(r"weir \S+ started", 15)
if path.name == "quickstart.yaml":
    origin = servers.origin()
    for scheme in ("socks5h", "http"):
        assert curl("-x", f"{scheme}://127.0.0.1:7890", f"http://127.0.0.1:{origin.port}/").stdout == b"hello from origin\n"
weir.stop()
