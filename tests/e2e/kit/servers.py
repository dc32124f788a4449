"""Plain servers in threads: HTTP origin, TCP and UDP echo, DNS. All on loopback, ports chosen by the kernel."""
import hashlib
import http.server
import socket
import socketserver
import struct
import threading


class Server:
    """A socketserver that lives as long as a `with` block or a fixture."""

    def __init__(self, server):
        self.server = server
        self.port = server.server_address[1]
        self.thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pattern(n):
    """Bytes that tell when one is missing, doubled or out of place."""
    block = b"".join(hashlib.sha256(struct.pack(">I", i)).digest() for i in range(2048))
    return (block * (n // len(block) + 1))[:n]


class Origin(http.server.BaseHTTPRequestHandler):
    """/ says hello, /bytes/N sends a pattern, /echo returns the body, /head returns the request as it arrived."""
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        body = self.body()
        if self.path.startswith("/bytes/"):
            self.answer(pattern(int(self.path.rsplit("/", 1)[1])))
        elif self.path == "/echo":
            self.answer(body)
        elif self.path == "/head":
            self.answer((self.requestline + "\n" + str(self.headers)).encode())
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nhello \r\n6\r\nchunks\r\n0\r\n\r\n")
        elif self.path == "/close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"until the end")
            self.close_connection = True
        else:
            self.answer(b"hello from origin\n")

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def log_message(self, *_):
        pass


class HttpServer(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Http6Server(HttpServer):
    address_family = socket.AF_INET6


def origin(host="127.0.0.1"):
    return Server((Http6Server if ":" in host else HttpServer)((host, 0), Origin))


class Echo(socketserver.BaseRequestHandler):
    """Echoes until the end of input, then ends its own side: a half-close must come through."""

    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class ThreadingTcp(socketserver.ThreadingTCPServer):
    request_queue_size = 512
    daemon_threads = True
    allow_reuse_address = True


def tcp_echo():
    return Server(ThreadingTcp(("127.0.0.1", 0), Echo))


class UdpEcho(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data, self.client_address)


class UdpServer(socketserver.UDPServer):
    max_packet_size = 65535


def udp_echo():
    return Server(UdpServer(("127.0.0.1", 0), UdpEcho))


class Dns(socketserver.BaseRequestHandler):
    """Every name has the address 192.0.2.7."""

    def handle(self):
        query, sock = self.request
        if len(query) < 17:
            return
        end = query.index(b"\0", 12) + 5
        head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("192.0.2.7")
        sock.sendto(head + query[12:end] + answer, self.client_address)


def dns():
    return Server(UdpServer(("127.0.0.1", 0), Dns))
