#!/usr/bin/env python3
"""
Prints shadowsocks_vectors.h: transcripts made from the specifications (shadowsocks.org AEAD; SIP022; SIP023)
with other libraries than weir's: `cryptography` (AES, GCM, ChaCha20-Poly1305, HKDF) and `blake3`.

    python3 -m venv venv && venv/bin/pip install cryptography blake3
    venv/bin/python tests/proto/shadowsocks_vectors.py > tests/proto/shadowsocks_vectors.h
"""
import hashlib
import struct

from blake3 import blake3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TIME = 1700000000
ADDRESS = bytes.fromhex("03") + bytes([11]) + b"example.com" + struct.pack(">H", 443)


def octets(start, n):
    return bytes((start + i) & 255 for i in range(n))


def bytes_to_key(password, n):
    key = b""
    last = b""
    while len(key) < n:
        last = hashlib.md5(last + password).digest()
        key += last
    return key[:n]


def subkey(key, salt):
    return HKDF(algorithm=hashes.SHA1(), length=len(key), salt=salt, info=b"ss-subkey").derive(key)


def session_key(key, salt):
    return blake3(key + salt, derive_key_context="shadowsocks 2022 session subkey").digest(len(key))


def identity_key(key, salt):
    return blake3(key + salt, derive_key_context="shadowsocks 2022 identity subkey").digest(len(key))


def ecb(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def rotl(v, n):
    return ((v << n) | (v >> (32 - n))) & 0xFFFFFFFF


def hchacha(key, nonce):
    s = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key)) + list(struct.unpack("<4I", nonce))

    def quarter(a, b, c, d):
        s[a] = (s[a] + s[b]) & 0xFFFFFFFF; s[d] = rotl(s[d] ^ s[a], 16)
        s[c] = (s[c] + s[d]) & 0xFFFFFFFF; s[b] = rotl(s[b] ^ s[c], 12)
        s[a] = (s[a] + s[b]) & 0xFFFFFFFF; s[d] = rotl(s[d] ^ s[a], 8)
        s[c] = (s[c] + s[d]) & 0xFFFFFFFF; s[b] = rotl(s[b] ^ s[c], 7)

    for _ in range(10):
        quarter(0, 4, 8, 12); quarter(1, 5, 9, 13); quarter(2, 6, 10, 14); quarter(3, 7, 11, 15)
        quarter(0, 5, 10, 15); quarter(1, 6, 11, 12); quarter(2, 7, 8, 13); quarter(3, 4, 9, 14)
    return struct.pack("<8I", *(s[0:4] + s[12:16]))


class XChaCha:
    def __init__(self, key):
        self.key = key

    def encrypt(self, nonce, data, aad):
        return ChaCha20Poly1305(hchacha(self.key, nonce[:16])).encrypt(bytes(4) + nonce[16:], data, aad)


def stream(aead, salt, pieces, nonce_size=12):
    out = salt
    for count, piece in enumerate(pieces):
        out += aead.encrypt(struct.pack("<Q", count).ljust(nonce_size, b"\0"), piece, None)
    return out


def classic(name, make, n, nonce_size=12):
    salt = octets(1, n)
    key = bytes_to_key(b"correct horse", n)
    aead = make(subkey(key, salt))
    first = ADDRESS + b"GET /"
    second = octets(0, 300)
    pieces = []
    for p in (first, second):
        pieces += [struct.pack(">H", len(p)), p]
    packet = salt + aead.encrypt(bytes(nonce_size), ADDRESS + b"ping", None)
    print(f'    {{"{name}", "{key.hex()}", "{subkey(key, salt).hex()}",')
    print(f'     "{stream(aead, salt, pieces, nonce_size).hex()}",')
    print(f'     "{packet.hex()}"}},')


def request_2022(name, make, n, identity):
    ipsk, psk, salt = octets(0x40, n), octets(0x80, n), octets(1, n)
    first = ADDRESS + struct.pack(">H", 3) + bytes(3) + b"hello"
    fixed = struct.pack(">BQH", 0, TIME, len(first))
    body = stream(make(session_key(psk, salt)), b"", [fixed, first, struct.pack(">H", 4), b"more"])
    header = b""
    if identity:
        header = ecb(identity_key(ipsk, salt), blake3(psk).digest(16))
    response_salt = octets(0x21, n)
    response = stream(make(session_key(psk, response_salt)), response_salt,
                      [struct.pack(">BQ", 1, TIME) + salt + struct.pack(">H", 5), b"world", struct.pack(">H", 1), b"!"])
    print(f'    {{"{name}", "{ipsk.hex()}", "{psk.hex()}", {"true" if identity else "false"},')
    print(f'     "{(salt + header + body).hex()}",')
    print(f'     "{response.hex()}",')
    client, server = octets(0x10, 8), octets(0x30, 8)
    ask = struct.pack(">BQH", 0, TIME, 2) + bytes(2) + ADDRESS + b"query"
    answer = struct.pack(">BQ", 1, TIME) + client + struct.pack(">H", 0) + ADDRESS + b"answer"
    if "chacha" in name:
        nonce = octets(0x60, 24)
        up = nonce + XChaCha(psk).encrypt(nonce, client + struct.pack(">Q", 7) + ask, None)
        down = nonce + XChaCha(psk).encrypt(nonce, server + struct.pack(">Q", 9) + answer, None)
    else:
        separate = client + struct.pack(">Q", 7)
        up = ecb(ipsk if identity else psk, separate)
        if identity:
            up += ecb(ipsk, xor(blake3(psk).digest(16), separate))
        up += make(session_key(psk, client)).encrypt(separate[4:], ask, None)
        separate = server + struct.pack(">Q", 9)
        down = ecb(psk, separate) + make(session_key(psk, server)).encrypt(separate[4:], answer, None)
    print(f'     "{up.hex()}",')
    print(f'     "{down.hex()}"}},')


print("/* Made by shadowsocks_vectors.py: the origin is told there. Salts are 01 02 03 ..., the time is 1700000000. */")
print("static const struct classic_vector {")
print("    const char *method, *key, *subkey, *stream, *packet;")
print("} classic_vectors[] = {")
classic("aes-128-gcm", AESGCM, 16)
classic("aes-192-gcm", AESGCM, 24)
classic("aes-256-gcm", AESGCM, 32)
classic("chacha20-ietf-poly1305", ChaCha20Poly1305, 32)
classic("xchacha20-ietf-poly1305", XChaCha, 32, 24)
print("};")
print()
print("static const struct vector_2022 {")
print("    const char *method, *identity_key, *key;")
print("    bool has_identity;")
print("    const char *request, *response, *query, *answer;")
print("} vectors_2022[] = {")
request_2022("2022-blake3-aes-128-gcm", AESGCM, 16, False)
request_2022("2022-blake3-aes-128-gcm", AESGCM, 16, True)
request_2022("2022-blake3-aes-256-gcm", AESGCM, 32, False)
request_2022("2022-blake3-aes-256-gcm", AESGCM, 32, True)
request_2022("2022-blake3-chacha20-poly1305", ChaCha20Poly1305, 32, False)
print("};")
