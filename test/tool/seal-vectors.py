#!/usr/bin/env python3
"""seal-vectors.py - prints test/data/seal-vectors.txt. Nothing in it is random, no key a secret."""
import hashlib
import math
import os
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import seal  # noqa: E402  (it stands beside this file)

INTRO = """\
# Values that a program which seals or opens can be held to: see SEALED STREAMS in bk-stream(5).
# Made by test/tool/seal-vectors.py. Each line is a name, ": ", and a value: bytes in hexadecimal,
# a number, or, where the name ends in "-line", a line of HEAD or END without its newline.
# The scrypt slot has log N 10, to be quick; a stream has 17.
"""

RECORD = b"""\
format: 1
id: 000102030405060708090a0b0c0d0e0f
kind: backup
created: 2026-11-22T02:17:00Z
made-by: bk-dump 0.1.0
step: zstd level=3
"""
HIDDEN = b"label: app\ntag: why=a test\nhost: db1\n"
END = b"id: 000102030405060708090a0b0c0d0e0f\nframes: 12\nitems: 4\nrows: 2\nbytes: 14\n"
FRAMES = [ # name, type, flags, seq, item, part, body
    ("frame-data", b"DATA", 1, 0x0102030405060708, 3, 7, b"1\talice\n2\tbob\n"),
    ("frame-empty", b"ITEM", 0, 1, 1, 0, b""),
]


def count(first, size):
    return bytes((first + i) & 255 for i in range(size))


DEK = count(0x00, 32)
SALT = count(0x20, 32)


def show(name, value):
    if isinstance(value, bytes):
        value = value.hex()
    print(f"{name}: {value}")


SMALL = math.prod(range(3, 3000, 2))  # a number with a factor in common is not prime


def is_prime(n):
    return pow(2, n - 1, n) == 1 and pow(3, n - 1, n) == 1  # enough for numbers that nobody chose


def prime(name, bits, e=65537):
    n = int.from_bytes(hashlib.shake_256(name).digest(bits // 8), "big")
    n |= 3 << bits - 2 | 1
    while (n - 1) % e == 0 or math.gcd(n, SMALL) > 1 or not is_prime(n):
        n += 2
    return n


def rsa_key():
    p, q, e = prime(b"bk test p", 1536), prime(b"bk test q", 1536), 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q)).private_key()


def der(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def show_slot(name, line):
    show(f"{name}-slot-line", line.rstrip("\n"))
    return line


def show_slots():
    lines = ""
    print("\n# Slots. They wrap the DEK alone, so they are the same under both AEADs.")
    show("dek", DEK)
    recipient = x25519.X25519PrivateKey.from_private_bytes(count(0x40, 32))
    ephemeral = x25519.X25519PrivateKey.from_private_bytes(count(0x60, 32))
    public = recipient.public_key()
    show("x25519-private", count(0x40, 32))
    show("x25519-public", public.public_bytes(*seal.RAW))
    show("x25519-public-der", der(public))
    show("x25519-ephemeral-private", count(0x60, 32))
    show("x25519-ephemeral-public", ephemeral.public_key().public_bytes(*seal.RAW))
    show("x25519-shared", ephemeral.exchange(public))
    show("x25519-kek", seal.x25519_kek(public, ephemeral))
    lines += show_slot("x25519", seal.slot_x25519(DEK, public, count(0x60, 32)))

    key = rsa_key()
    show("rsa-private-pkcs8-der", key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    show("rsa-public-der", der(key.public_key()))
    show("rsa-oaep-seed", count(0x80, 32))
    line = show_slot("rsa", seal.slot_rsa(DEK, key.public_key(), count(0x80, 32)))
    blob = bytes.fromhex(line.split()[-1])
    assert key.decrypt(blob, padding.OAEP(padding.MGF1(SHA256()), SHA256(), b"bk1 slot rsa")) == DEK
    lines += line

    passphrase, salt = "pass phrase \u00fc".encode(), count(0xA0, 16)
    show("scrypt-passphrase", passphrase)
    show("scrypt-salt", salt)
    show("scrypt-log-n", 10)
    show("scrypt-kek", seal.scrypt_kek(passphrase, salt, 10))
    lines += show_slot("scrypt", seal.slot_scrypt(DEK, passphrase, salt, 10))

    key, salt = count(0xB0, 32), count(0xD0, 16)
    show("key-key", key)
    show("key-salt", salt)
    show("key-kek", seal.hkdf(key, salt, b"bk1 slot key"))
    lines += show_slot("key", seal.slot_key(DEK, key, salt))
    show("cmd-blob", b"a blob")
    return lines + show_slot("cmd", seal.slot_cmd(b"a blob"))


def show_frame(prefix, aead, keys, name, *fields):
    body = fields[-1]
    sealed = seal.seal_body(aead, keys, *fields)
    show(f"{prefix}-{name}-header", seal.header(*fields))
    show(f"{prefix}-{name}-body", body)
    show(f"{prefix}-{name}-nonce", seal.xor(keys.nonce, bytes(4) + fields[2].to_bytes(8, "big")))
    show(f"{prefix}-{name}-sealed-header", seal.header(*fields[:-1], sealed))
    show(f"{prefix}-{name}-sealed-body", sealed)


def show_aead(prefix, aead, slots):
    print(f"\n# {aead}: the keys, the lines of HEAD, two frames, and END's line.")
    record = RECORD + f"step: seal aead={aead} salt={SALT.hex()}\n".encode()
    keys = seal.Keys(DEK, SALT, record)
    show(f"{prefix}-salt", SALT)
    show(f"{prefix}-record", record)
    show(f"{prefix}-h", keys.h)
    show(f"{prefix}-prk", keys.prk)
    for label in "aead", "nonce", "commit", "mac", "quiet":
        show(f"{prefix}-k-{label}", getattr(keys, label))
    signer = ed25519.Ed25519PrivateKey.from_private_bytes(count(0xE0, 32))
    commit, quiet = f"commit: {keys.commit.hex()}\n", seal.quiet_line(aead, keys, HIDDEN)
    lines = [commit, seal.sign_line(keys, signer), quiet]
    show(f"{prefix}-commit-line", lines[0].rstrip("\n"))
    show(f"{prefix}-sign-private", count(0xE0, 32))
    show(f"{prefix}-sign-line", lines[1].rstrip("\n"))
    show(f"{prefix}-quiet-plain", HIDDEN)
    show(f"{prefix}-quiet-line", lines[2].rstrip("\n"))
    covered = ("".join(lines) + slots).encode()
    print("# over commit, sign, quiet and the five slots above, in their order")
    show(f"{prefix}-slots-mac-line", f"slots-mac: {seal.slots_mac(keys, covered)}")
    for frame in FRAMES:
        show_frame(prefix, aead, keys, *frame)
    show(f"{prefix}-end-lines", END)
    show(f"{prefix}-end-mac-line", f"mac: {seal.end_mac(keys, END)}")


def main():
    print(INTRO, end="")
    slots = show_slots()
    show_aead("gcm", "aes-256-gcm", slots)
    show_aead("chacha", "chacha20-poly1305", slots)


if __name__ == "__main__":
    main()
