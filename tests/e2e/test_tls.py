"""TLS of listeners and outbounds, against the stacks of others: OpenSSL, curl, nginx, HAProxy, stunnel, sing-box, mihomo (Go)."""
import json
import shutil
import ssl
import subprocess
import time

import pytest

from kit import clients
from kit.peers import find
from kit.wait import until

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log;
events {{ worker_connections 4096; }}
stream {{ server {{ listen 127.0.0.1:{port}{listen}; proxy_pass 127.0.0.1:{to}; {more} }} }}
"""
HAPROXY = """
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend f
    bind 127.0.0.1:{port}{bind}
    default_backend b
backend b
    server s 127.0.0.1:{to}{server}
"""
STUNNEL = """
foreground = yes
pid =
{more}
[s]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{to}
"""


class Authority:
    """A certificate authority in a directory, made with the openssl program."""

    def __init__(self, directory):
        self.dir = directory
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                     "-out", "ca.pem", "-days", "30", "-subj", "/CN=Test CA")
        self.ca = str(directory / "ca.pem")

    def openssl(self, *args):
        subprocess.run([find("openssl"), *args], cwd=self.dir, check=True, capture_output=True)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", key="ec", end="+30d"):
        """(certificate, key): paths. `end` is a number of days from now; negative: over."""
        days = end.strip("+d")
        more = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self.openssl("req", *more, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.dir / "ext").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", days, "-out", f"{name}.pem", "-extfile", "ext")
        both = (self.dir / f"{name}.pem").read_text() + (self.dir / f"{name}.key").read_text()
        (self.dir / f"{name}.both").write_text(both)
        return str(self.dir / f"{name}.pem"), str(self.dir / f"{name}.key")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue("localhost")


@pytest.fixture
def listener(weir, port, certificate):
    """A weir that takes TLS off and goes out directly."""
    def start(kind="mixed", **more):
        p = port()
        tls = {"enabled": True, "certificate_path": certificate[0], "key_path": certificate[1], **more}
        start.weir = weir(json.dumps({
            "log": {"level": "debug"},
            "inbounds": [{"type": kind, "tag": "tls-in", "listen": "127.0.0.1", "listen_port": p, "tls": tls}],
            "outbounds": [{"type": "direct"}]}), listen=[p], suffix=".json")
        return p
    return start


@pytest.fixture
def dialler(weir, port, authority):
    """A weir with a plain mixed inbound that goes out through a proxy in TLS."""
    def start(upstream, kind="socks", **more):
        p = port()
        tls = {"enabled": True, "server_name": "localhost", "certificate_path": authority.ca, **more}
        start.weir = weir(json.dumps({
            "log": {"level": "debug"},
            "inbounds": [{"type": "mixed", "tag": "in", "listen": "127.0.0.1", "listen_port": p}],
            "outbounds": [{"type": kind, "tag": "up", "server": "127.0.0.1", "server_port": upstream, "tls": tls}]}),
            listen=[p], suffix=".json")
        return p
    return start


def exercise(via, load, bulk, connections=50):
    load.check(via, bulk)
    assert load("short", via, connections, 4)["failed"] == 0


# ---- weir as server --------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["http", "mixed"])
def test_curl_through_an_https_proxy(listener, authority, origin, kind, version):
    p = listener(kind, max_version=version)
    got = clients.curl("--proxy-cacert", authority.ca, "-x", f"https://localhost:{p}", "-p", f"http://localhost:{origin}/")
    assert got.stdout == b"hello from origin\n"
    listener.weir.wait_log(r"tls t13d\d{4}")
    plain = clients.curl("-x", f"http://localhost:{p}", f"http://localhost:{origin}/", check=False)
    assert plain.returncode != 0
    listener.weir.wait_log(r"tls: not TLS: the client speaks in the clear")


def s_client(p, *args, stdin=b"", timeout=20):
    done = subprocess.run([find("openssl"), "s_client", "-connect", f"127.0.0.1:{p}", *map(str, args)], input=stdin,
                          capture_output=True, timeout=timeout)
    return (done.stdout + done.stderr).decode(errors="replace")


def test_openssl_resumes_its_session(listener, authority, tmp_path):
    p = listener()
    for version in ("-tls1_2", "-tls1_3"):
        saved = tmp_path / ("session" + version)
        # What comes back says that the tickets came, too.
        first = s_client(p, "-servername", "localhost", "-CAfile", authority.ca, version, "-sess_out", saved, "-ign_eof",
                         stdin=b"GET / HTTP/1.1\r\n\r\n")
        assert "Verify return code: 0 (ok)" in first and "New, TLSv" in first
        assert saved.exists()
        assert "Reused, TLSv" in s_client(p, "-servername", "localhost", version, "-sess_in", saved)


def test_alpn_and_versions(listener):
    p = listener(alpn=["h2", "http/1.1"], min_version="1.3")
    assert "ALPN protocol: h2" in s_client(p, "-alpn", "http/1.1,h2")
    assert "no application protocol" in s_client(p, "-alpn", "nonsense")
    assert "alert protocol version" in s_client(p, "-tls1_2")


def test_ocsp_is_stapled(listener, tmp_path, authority, certificate):
    issuer = authority.dir
    (issuer / "index.txt").write_text("")
    serial = subprocess.run([find("openssl"), "x509", "-in", certificate[0], "-serial", "-noout"], capture_output=True,
                            text=True, check=True).stdout.strip().split("=")[1]
    (issuer / "index.txt").write_text(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN=localhost\n")
    authority.openssl("ocsp", "-issuer", "ca.pem", "-cert", certificate[0], "-reqout", "ocsp.req")
    authority.openssl("ocsp", "-index", "index.txt", "-rsigner", "ca.pem", "-rkey", "ca.key", "-CA", "ca.pem", "-reqin",
                      "ocsp.req", "-respout", "ocsp.der", "-ndays", "10")
    p = listener(ocsp_path=str(issuer / "ocsp.der"))
    assert "OCSP Response Status: successful" in s_client(p, "-status", "-servername", "localhost")


def test_clients_show_certificates(listener, authority):
    cert, key = authority.issue("client")
    p = listener(client_authentication="require-and-verify", client_certificate_path=[authority.ca])
    shown = s_client(p, "-cert", cert, "-key", key, "-ign_eof", stdin=b"GET / HTTP/1.1\r\n\r\n")
    assert "HTTP/1.1 400" in shown and "CN = Test CA" in shown
    assert "alert certificate required" in s_client(p, "-ign_eof", stdin=b"GET / HTTP/1.1\r\n\r\n")


def test_a_renewed_certificate_is_shown_without_a_restart(weir, port, authority, tmp_path):
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    for name in ("before", "after"):
        authority.issue(name)
    shutil.copy(authority.dir / "before.pem", cert)
    shutil.copy(authority.dir / "before.key", key)
    p = port()
    w = weir(json.dumps({"inbounds": [{"type": "http", "tag": "in", "listen": "127.0.0.1", "listen_port": p, "tls": {
        "enabled": True, "certificate_path": str(cert), "key_path": str(key)}}], "outbounds": [{"type": "direct"}]}),
        listen=[p], suffix=".json")
    assert "CN = before" in s_client(p)
    shutil.copy(authority.dir / "after.pem", cert)
    shutil.copy(authority.dir / "after.key", key)
    until(lambda: "CN = after" in s_client(p), 15, "the new certificate")
    w.wait_log("certificates read again")


def test_names_choose_the_certificate(listener, authority):
    more = [authority.issue("one", "DNS:one.test"), authority.issue("wild", "DNS:*.wild.test", key="rsa")]
    p = listener(certificates=[{"certificate_path": c, "key_path": k} for c, k in more])
    for name, subject in (("localhost", "localhost"), ("one.test", "one"), ("a.wild.test", "wild"), ("b.a.wild.test", "localhost")):
        assert f"subject=CN = {subject}" in s_client(p, "-servername", name)


def test_old_clients_are_reported(listener):
    p = listener(min_version="1.0")
    assert "Protocol  : TLSv1\n" in s_client(p, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
    s_client(p, "-tls1_3", "-cipher", "ALL:eNULL:@SECLEVEL=0", "-ign_eof", stdin=b"x")


@pytest.mark.parametrize("peer", ["nginx", "haproxy", "stunnel"])
def test_terminators_as_clients(listener, peers, port, authority, load, bulk, tmp_path, peer):
    find(peer)
    p, to = port(), listener()
    start_terminator(peers, peer, p, to, tmp_path, client=authority.ca)
    exercise(f"socks5:127.0.0.1:{p}", load, bulk)


def start_terminator(peers, peer, p, to, directory, client=None, server=None):
    """A program that puts TLS on (client: the authority) or takes it off (server: a file with certificate and key)."""
    config = directory / f"{peer}.conf"
    if peer == "nginx":
        more = (f"proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate {client}; proxy_ssl_name localhost; "
                "proxy_ssl_server_name on;" if client else f"ssl_certificate {server}; ssl_certificate_key {server};")
        config.write_text(NGINX.format(dir=directory, port=p, to=to, listen=" ssl" if server else "", more=more))
        peers.start("nginx", "-c", config, "-p", directory, "-e", directory / "nginx-error.log", listen=[p])
    elif peer == "haproxy":
        config.write_text(HAPROXY.format(port=p, to=to, bind=f" ssl crt {server}" if server else "",
                                         server=f" ssl verify required ca-file {client} verifyhost localhost sni str(localhost)" if client else ""))
        peers.start("haproxy", "-f", config, listen=[p])
    else:
        more = (f"client = yes\nCAfile = {client}\nverifyChain = yes\ncheckHost = localhost" if client else f"cert = {server}")
        config.write_text(STUNNEL.format(port=p, to=to, more=more))
        peers.start("stunnel", config, listen=[p])


# ---- weir as client --------------------------------------------------------------------------------------

@pytest.mark.parametrize("peer", ["nginx", "haproxy", "stunnel"])
def test_terminators_as_servers(weir, dialler, peers, port, authority, certificate, load, bulk, tmp_path, peer):
    find(peer)
    up, p = port(), port()
    weir(f"mixed-port: {up}\nbind-address: 127.0.0.1\nmode: direct\n", listen=[up])
    start_terminator(peers, peer, p, up, tmp_path, server=str(authority.dir / "localhost.both"))
    exercise(f"socks5:127.0.0.1:{dialler(p)}", load, bulk)


def test_bad_certificates_are_named_in_the_log(dialler, peers, port, authority, origin):
    cert, key = authority.issue("expired", end="0")
    cases = [(authority.issue("other", "DNS:other.test"), r"certificate of 'CN=other' is not for 'localhost' \(for other.test; valid until \d{4}-\d\d-\d\d\)"),
             ((cert, key), r"certificate of 'CN=expired' expired on \d{4}-\d\d-\d\d")]
    for (cert, key), words in cases:
        up = port()
        peers.start("openssl", "s_server", "-accept", f"127.0.0.1:{up}", "-cert", cert, "-key", key, "-quiet", listen=[up])
        time.sleep(1.1 if "expired" in cert else 0)
        p = dialler(up)
        assert clients.curl("-x", f"socks5h://127.0.0.1:{p}", f"http://localhost:{origin}/", check=False).returncode != 0
        dialler.weir.wait_log(r"outbound 'up' \(socks\): tls: " + words)


def test_python_is_pinned(dialler, authority, certificate):
    """A server in Python, whose key is pinned in sing-box's form and whose certificate in mihomo's."""
    import base64
    import hashlib
    import socket
    import threading
    public = subprocess.run([find("openssl"), "x509", "-in", certificate[0], "-pubkey", "-noout"], capture_output=True, check=True).stdout
    der = subprocess.run([find("openssl"), "pkey", "-pubin", "-outform", "DER"], input=public, capture_output=True, check=True).stdout
    pin = base64.b64encode(hashlib.sha256(der).digest()).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        for _ in range(2):
            s, _ = listening.accept()
            try:
                with context.wrap_socket(s, server_side=True) as t:
                    seen.append(t.recv(3))
            except OSError as error:
                seen.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for value in (pin, base64.b64encode(bytes(32)).decode()):
        p = dialler(listening.getsockname()[1], certificate_path="", certificate_public_key_sha256=[value], server_name="nobody")
        with pytest.raises((clients.Refused, OSError, EOFError)):
            clients.socks5(p, "127.0.0.1", 1, timeout=5)
    thread.join(10)
    assert seen[0] == b"\5\1\0" and isinstance(seen[1], OSError)
    dialler.weir.wait_log("does not have the public key that is expected")


# ---- sing-box and mihomo ----------------------------------------------------------------------------------

def singbox(peers, directory, config, listen):
    path = directory / "singbox.json"
    path.write_text(json.dumps(config))
    peers.start("singbox", "run", "-c", path, "-D", directory, listen=[listen])


def mihomo(peers, directory, config, listen):
    home = directory / "mihomo"
    home.mkdir()
    (home / "config.yaml").write_text(json.dumps(config))
    peers.start("mihomo", "-d", home, listen=[listen], env={"SAFE_PATHS": "/"})


def test_singbox_as_client(listener, peers, port, authority, load, bulk, tmp_path):
    find("singbox")
    p, to = port(), listener("http")
    singbox(peers, tmp_path, {
        "log": {"level": "info"}, "inbounds": [{"type": "mixed", "listen": "127.0.0.1", "listen_port": p}],
        "outbounds": [{"type": "http", "server": "127.0.0.1", "server_port": to, "tls": {
            "enabled": True, "server_name": "localhost", "certificate_path": authority.ca}}]}, p)
    exercise(f"socks5:127.0.0.1:{p}", load, bulk)


def test_singbox_as_server(dialler, peers, port, certificate, load, bulk, tmp_path):
    find("singbox")
    up = port()
    singbox(peers, tmp_path, {
        "log": {"level": "info"}, "outbounds": [{"type": "direct"}],
        "inbounds": [{"type": "http", "listen": "127.0.0.1", "listen_port": up, "tls": {
            "enabled": True, "certificate_path": certificate[0], "key_path": certificate[1]}}]}, up)
    exercise(f"socks5:127.0.0.1:{dialler(up, 'http')}", load, bulk)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_mihomo_as_client(listener, peers, port, certificate, load, bulk, tmp_path, kind):
    find("mihomo")
    import hashlib
    der = ssl.PEM_cert_to_DER_cert(open(certificate[0]).read())
    p, to = port(), listener("mixed")
    mihomo(peers, tmp_path, {
        "mixed-port": p, "mode": "rule", "log-level": "info", "rules": ["MATCH,up"],
        "proxies": [{"name": "up", "type": kind, "server": "127.0.0.1", "port": to, "tls": True,
                     "fingerprint": hashlib.sha256(der).hexdigest()}]}, p)
    exercise(f"socks5:127.0.0.1:{p}", load, bulk)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_mihomo_as_server(weir, peers, port, certificate, load, bulk, tmp_path, kind):
    find("mihomo")
    import hashlib
    der = ssl.PEM_cert_to_DER_cert(open(certificate[0]).read())
    up, p = port(), port()
    mihomo(peers, tmp_path, {
        "mode": "rule", "log-level": "info", "rules": ["MATCH,DIRECT"],
        "listeners": [{"name": "in", "type": "mixed", "listen": "127.0.0.1", "port": up, "certificate": certificate[0],
                       "private-key": certificate[1]}]}, up)
    weir(json.dumps({"mixed-port": p, "mode": "rule", "rules": ["MATCH,up"], "proxies": [
        {"name": "up", "type": kind, "server": "127.0.0.1", "port": up, "tls": True,
         "fingerprint": hashlib.sha256(der).hexdigest()}]}), listen=[p])
    exercise(f"socks5:127.0.0.1:{p}", load, bulk)


def test_weir_with_itself_in_mihomos_words(weir, port, certificate, load, bulk):
    up, p = port(), port()
    weir(json.dumps({"mode": "rule", "rules": ["MATCH,DIRECT"], "listeners": [
        {"name": "in", "type": "mixed", "listen": "127.0.0.1", "port": up, "certificate": certificate[0],
         "private-key": certificate[1]}]}), listen=[up])
    w = weir(json.dumps({"mixed-port": p, "mode": "rule", "rules": ["MATCH,up"], "proxies": [
        {"name": "up", "type": "socks5", "server": "127.0.0.1", "port": up, "tls": True, "skip-cert-verify": True}]}),
        listen=[p])
    exercise(f"socks5:127.0.0.1:{p}", load, bulk, connections=200)
    w.wait_log("tls: insecure: the certificate is not verified")
    assert w.log().count("tls: insecure") == 1
