"""chromium_inside.py CHROMIUM SCHEME DIRECTORY: fetches a page through weir; the only network is loopback."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kit import servers            # noqa: E402
from kit.program import Weir       # noqa: E402

chromium, scheme, directory = sys.argv[1], sys.argv[2], Path(sys.argv[3])
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
origin = servers.origin()
weir = Weir(directory, "mixed-port: 7890\nbind-address: 127.0.0.1\nmode: direct\n", listen=[7890])
done = subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                       f"--user-data-dir={directory}/profile", f"--proxy-server={scheme}://127.0.0.1:7890",
                       "--proxy-bypass-list=<-loopback>", "--dump-dom", f"http://127.0.0.1:{origin.port}/"],
                      capture_output=True, text=True, timeout=60)
print(done.stdout)
print(done.stderr[-2000:], file=sys.stderr)
via_weir = str(origin.port) in weir.log()
weir.stop()
if not via_weir:
    print("the request did not pass weir: " + weir.log(), file=sys.stderr)
    sys.exit("hello, but not through weir")
