#!/usr/bin/env python3
"""seal.py - seals a bk stream, for the tests: standard input to standard output, as bk-stream(5) says.

Made from that page alone, apart from bk's own code and from examples/bk-open.py, so that each can be held to
the others. It checks nothing of its input. --seed fixes all that is random; --spoil makes one thing wrong.

With --edit, --swap or --drop it seals nothing: it changes a stream, sealed or not, and puts the checksums and
END's size right.
"""
import argparse
import hashlib
import hmac
import os
import re
import struct
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

MAGIC = bytes.fromhex("89626b730d0a1a0a")
HEADER = struct.Struct("<4sIQIIIIII")
AEADS = {"aes-256-gcm": AESGCM, "chacha20-poly1305": ChaCha20Poly1305}
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC = list(crc_table())


class Random:
    """Random bytes; with a seed, always the same for the same name."""

    def __init__(self, seed):
        self.seed = seed

    def __call__(self, name, size):
        if self.seed is None:
            return os.urandom(size)
        return hashlib.shake_256(f"{self.seed} {name}".encode()).digest(size)


# Keys

def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


class Keys:
    def __init__(self, dek, salt, record):
        self.h = hashlib.sha256(record).digest()
        self.prk = mac(salt, dek)
        for label, size in ("aead", 32), ("nonce", 12), ("commit", 32), ("mac", 32), ("quiet", 32):
            info = b"bk1 " + label.encode() + b"\0" + self.h
            setattr(self, label, HKDFExpand(hashes.SHA256(), size, info).derive(self.prk))


def key_id(what):
    if not isinstance(what, bytes):
        what = what.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(what).digest()[:8].hex()


# Slots: each function gives the line

def wrap(kek, dek):
    return AESGCM(kek).encrypt(bytes(12), dek, None).hex()


def hkdf(secret, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def x25519_kek(recipient, ephemeral):
    mine = ephemeral.public_key().public_bytes(*RAW)
    theirs = recipient.public_bytes(*RAW)
    return hkdf(ephemeral.exchange(recipient), mine + theirs, b"bk1 slot x25519")


def slot_x25519(dek, recipient, random32):
    ephemeral = x25519.X25519PrivateKey.from_private_bytes(random32)
    wrapped = wrap(x25519_kek(recipient, ephemeral), dek)
    return f"slot: x25519 {key_id(recipient)} {ephemeral.public_key().public_bytes(*RAW).hex()} {wrapped}\n"


def mgf1(seed, size):
    blocks = (hashlib.sha256(seed + n.to_bytes(4, "big")).digest() for n in range(-(-size // 32)))
    return b"".join(blocks)[:size]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def oaep(public, label, message, seed):
    """RFC 8017, 7.1.1, with SHA-256; by hand, as the library would not take our seed."""
    numbers = public.public_numbers()
    size = -(-numbers.n.bit_length() // 8)
    block = hashlib.sha256(label).digest() + bytes(size - len(message) - 66) + b"\1" + message
    masked = xor(block, mgf1(seed, len(block)))
    encoded = b"\0" + xor(seed, mgf1(masked, 32)) + masked
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def slot_rsa(dek, recipient, random32):
    return f"slot: rsa {key_id(recipient)} {oaep(recipient, b'bk1 slot rsa', dek, random32).hex()}\n"


def scrypt_kek(passphrase, salt, log_n):
    return hashlib.scrypt(passphrase, salt=b"bk1 slot scrypt" + salt, n=1 << log_n, r=8, p=1,
                          maxmem=1 << 29, dklen=32)


def slot_scrypt(dek, passphrase, salt, log_n):
    wrapped = wrap(scrypt_kek(passphrase, salt, log_n), dek)
    return f"slot: scrypt {key_id(salt)} {log_n} {salt.hex()} {wrapped}\n"


def slot_key(dek, key, salt):
    return f"slot: key {key_id(salt)} {salt.hex()} {wrap(hkdf(key, salt, b'bk1 slot key'), dek)}\n"


def slot_cmd(blob):
    return f"slot: cmd {key_id(blob)} {blob.hex()}\n"


# Lines of HEAD and END

def quiet_line(aead, keys, hidden):
    return f"quiet: {AEADS[aead](keys.quiet).encrypt(bytes(12), hidden, keys.h).hex()}\n"


def sign_line(keys, signer):
    signature = signer.sign(b"bk1 sign\0" + keys.h + keys.commit)
    return f"sign: ed25519 {signer.public_key().public_bytes(*RAW).hex()} {signature.hex()}\n"


def slots_mac(keys, lines):
    return mac(keys.mac, b"slots\0", lines).hex()


def end_mac(keys, lines):
    return mac(keys.mac, b"end\0", lines).hex()


def pad_line(size):
    """size: of HEAD's body without it."""
    dots = 2048
    dots += -(8 + HEADER.size + size + len("pad: \n") + dots) % 4096
    return "pad: " + "." * dots + "\n"


# Frames

def header(kind, flags, seq, item, part, body):
    start = HEADER.pack(kind, flags, seq, item, part, len(body), crc32c(body), 0, 0)[:36]
    return start + struct.pack("<I", crc32c(start))


def seal_body(aead, keys, kind, flags, seq, item, part, body):
    nonce = xor(keys.nonce, bytes(4) + seq.to_bytes(8, "big"))
    aad = struct.pack("<4sIQII", kind, flags, seq, item, part)
    return AEADS[aead](keys.aead).encrypt(nonce, body, aad)


def read_frames(stream):
    assert stream.read(8) == MAGIC
    while start := stream.read(HEADER.size):
        kind, flags, seq, item, part, length = HEADER.unpack(start)[:6]
        yield kind, flags, seq, item, part, stream.read(length)


def take_out(lines, names):
    """Those lines of these names, and the others."""
    chosen = re.compile(rf"(?:{'|'.join(names)}): ".encode())
    found = [line for line in lines if chosen.match(line)]
    return found, [line for line in lines if line not in found]


# Changing a stream

def edit(frames, kind, number, pattern, text):
    """Replaces what matches in the body of the N-th frame of a type, which must be there."""
    chosen = [frame for frame in frames if frame[0].decode().strip() == kind][int(number) - 1]
    chosen[-1], count = re.subn(pattern.encode(), text.encode(), chosen[-1], count=1)
    assert count


def swap(frames, first, second):
    """Exchanges the bodies of two frames, counted from 0."""
    first, second = frames[int(first)], frames[int(second)]
    first[-1], second[-1] = second[-1], first[-1]


def drop(frames, number):
    del frames[int(number)]
    for frame in frames[int(number):]:
        frame[2] -= 1
    frames[-1][-1] = re.sub(rb"frames: \d+", b"frames: %d" % len(frames), frames[-1][-1])


def rewrite(source, sink, change):
    frames = [list(frame) for frame in read_frames(source)]
    change(frames)
    size = sum(HEADER.size + len(frame[-1]) for frame in frames[1:-1])
    fields = re.sub(rb"(?<=\nsize: )\d+", b"%d" % size, frames[-1][-1][:-8])
    frames[-1][-1] = fields + struct.pack("<I4s", HEADER.size + len(fields) + 8, b"bk!\n")
    sink.write(MAGIC + b"".join(header(*frame) + frame[-1] for frame in frames))


# The tool

def options():
    parser = argparse.ArgumentParser(description="Seals a bk stream, for tests.")
    parser.add_argument("--aead", choices=AEADS, default="aes-256-gcm")
    for name in "x25519", "rsa":
        parser.add_argument(f"--{name}", action="append", default=[], metavar="PUBLIC.pem")
    parser.add_argument("--scrypt", metavar="FILE", help="file with the passphrase")
    parser.add_argument("--log-n", type=int, default=17)
    parser.add_argument("--key", action="append", default=[], metavar="FILE", help="file with 32 bytes")
    parser.add_argument("--cmd", action="append", default=[], metavar="HEX", help="blob of a command")
    parser.add_argument("--slot", action="append", default=[], metavar="TEXT", help="a slot as given here")
    parser.add_argument("--sign", metavar="PRIVATE.pem")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--seed")
    parser.add_argument("--spoil", metavar="WHAT", help="commit, sign, quiet, slots-mac, tag or mac")
    parser.add_argument("--data-key", metavar="FILE", help="where to write the stream's key")
    parser.add_argument("--edit", nargs=4, metavar=("TYPE", "N", "REGEX", "TEXT"))
    parser.add_argument("--swap", nargs=2, metavar="N")
    parser.add_argument("--drop", nargs=1, metavar="N")
    return parser.parse_args()


def load(name):
    with open(name, "rb") as file:
        return file.read()


def slots(opts, dek, rand):
    for name in opts.x25519:
        yield slot_x25519(dek, serialization.load_pem_public_key(load(name)), rand(f"ephemeral {name}", 32))
    for name in opts.rsa:
        yield slot_rsa(dek, serialization.load_pem_public_key(load(name)), rand(f"oaep {name}", 32))
    if opts.scrypt:
        yield slot_scrypt(dek, load(opts.scrypt).removesuffix(b"\n"), rand("scrypt", 16), opts.log_n)
    for name in opts.key:
        yield slot_key(dek, load(name), rand(f"key {name}", 16))
    for blob in opts.cmd:
        yield slot_cmd(bytes.fromhex(blob))
    for text in opts.slot:
        yield f"slot: {text}\n"


class Sealer:
    def __init__(self, opts):
        self.opts = opts
        self.rand = Random(opts.seed)

    def spoil(self, what, line):
        """Changes the last digit of the line if this is to be spoilt."""
        if self.opts.spoil == what:
            line = line[:-2] + "0123456789abcdef"[int(line[-2], 16) ^ 1] + "\n"
        return line.encode()

    def head(self, body):
        opts = self.opts
        lines = body.splitlines(keepends=True)
        hidden = b""
        if opts.quiet:
            out, lines = take_out(lines, ["label", "tag", "host"])
            hidden = b"".join(b"".join(take_out(out, [name])[0]) for name in ("label", "tag", "host"))
        dek, salt = self.rand("dek", 32), self.rand("salt", 32)
        if opts.data_key:
            with open(opts.data_key, "wb") as file:
                file.write(dek)
        record = b"".join(lines) + f"step: seal aead={opts.aead} salt={salt.hex()}\n".encode()
        self.keys = keys = Keys(dek, salt, record)
        text = self.spoil("commit", f"commit: {keys.commit.hex()}\n")
        if opts.sign:
            signer = serialization.load_pem_private_key(load(opts.sign), None)
            assert isinstance(signer, ed25519.Ed25519PrivateKey)
            text += self.spoil("sign", sign_line(keys, signer))
        if opts.quiet:
            text += self.spoil("quiet", quiet_line(opts.aead, keys, hidden))
        text += "".join(slots(opts, dek, self.rand)).encode()
        text += self.spoil("slots-mac", f"slots-mac: {slots_mac(keys, text)}\n")
        text = record + text
        return text + pad_line(len(text)).encode()

    def end(self, body, size):
        source = body[:body.index(b"size: ", body.rindex(b"items: "))]
        if self.opts.quiet:
            source = b"".join(take_out(source.splitlines(keepends=True), ["rows", "bytes"])[1])
        fields = source + self.spoil("mac", f"mac: {end_mac(self.keys, source)}\n") + b"size: %d\n" % size
        return fields + struct.pack("<I4s", HEADER.size + len(fields) + 8, b"bk!\n")

    def run(self, source, sink):
        sink.write(MAGIC)
        size = 0
        for kind, flags, seq, item, part, body in read_frames(source):
            if kind[0] >= ord("a"):
                continue
            if kind == b"HEAD":
                body = self.head(body)
            elif kind == b"END ":
                body = self.end(body, size)
            elif kind == b"ABRT":
                body = b"tool: bk-seal\nwhy: the tool before bk-seal gave up\n"
            else:
                body = seal_body(self.opts.aead, self.keys, kind, flags, seq, item, part, body)
                if self.opts.spoil == "tag" and kind == b"DATA":
                    body = body[:-1] + bytes([body[-1] ^ 1])
            size += (HEADER.size + len(body)) * (kind != b"HEAD")
            sink.write(header(kind, flags, seq, item, part, body) + body)


def main():
    opts = options()
    for change, arguments in (edit, opts.edit), (swap, opts.swap), (drop, opts.drop):
        if arguments:
            return rewrite(sys.stdin.buffer, sys.stdout.buffer, lambda frames: change(frames, *arguments))
    return Sealer(opts).run(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
