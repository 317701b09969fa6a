#!/usr/bin/env python3
"""bk-open.py - reads a backup made by bk, sealed or not, without bk: the way out should bk be gone.

Made from bk-stream(5) alone. It needs Python 3.9, for sealed backups python3-cryptography, and for those
that bk-zstd has compressed the program zstd. It is slow: some 10 MB a second.

It checks all that the page asks for but the digests, as Python has no XXH3. What it prints is good only if it
ends with status 0. Status 1: it failed, or no key opens the backup; 2: called wrongly; 3: the backup is bad;
4: it is not a backup.
"""
import argparse
import getpass
import hashlib
import hmac
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import zlib
from array import array

try:
    import cryptography.exceptions
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, x25519
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
except ImportError:
    cryptography = None

MAGIC = b"\x89bks\r\n\x1a\n"
HEADER = struct.Struct("<4sIQIIIIII")
BODY_MAX, FIELDS_MAX, ITEMS_MAX = 1 << 24, 1 << 16, 1 << 22
MORE = 1
RANK = {b"HEAD": 0, b"ITEM": 1, b"DATA": 2, b"DONE": 3, b"END ": 4, b"ABRT": 9}
ROWS = {b"table", b"roles", b"tablespaces", b"sequences", b"large-objects"}  # types of items made of rows


class Failure(Exception):
    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def bad(words):
    raise Failure(3, words)


def check(right, words):
    if not right:
        bad(words)


# Checksums, fields

def crc_tables():
    one = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        one.append(n)
    two = (one[n & 255] ^ n >> 8 for n in range(65536))
    return one, [one[n & 255] ^ n >> 8 for n in two]


CRC1, CRC2 = crc_tables()  # for one byte, and for two at once


def crc32c(data):
    crc = 0xFFFFFFFF
    pairs = array("H", data[:len(data) & ~1])
    if sys.byteorder == "big":
        pairs.byteswap()
    for pair in pairs:
        crc = CRC2[(crc ^ pair) & 0xFFFF] ^ crc >> 16
    for byte in data[len(data) & ~1:]:
        crc = CRC1[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def unhex(digits):
    return bytes.fromhex(digits.decode())


def escape(char):
    """A byte that is not UTF-8 comes as U+DC80 to U+DCFF."""
    if char in "\n\t\\":
        return {"\n": b"\\n", "\t": b"\\t", "\\": b"\\\\"}[char]
    coded = char.encode("utf-8", "surrogateescape")
    if char < " " or "\x7f" <= char <= "\x9f" or "\udc80" <= char <= "\udcff":
        return b"".join(b"\\x%02x" % byte for byte in coded)
    return coded


def encode(value):
    return b"".join(map(escape, value.decode("utf-8", "surrogateescape")))


def decode(text):
    def unescape(match):
        return unhex(match[2]) if match[2] else {b"n": b"\n", b"t": b"\t"}.get(match[1], b"\\")
    return re.sub(rb"\\(n|t|\\|x([0-9a-f]{2}))", unescape, text)


class Fields:
    """The lines of a body: self.lines as they stand, self.values as (name, value)."""

    def __init__(self, body, where):
        self.where = where
        self.lines = body.split(b"\n")
        check(self.lines.pop() == b"", f"{where}: the last line has no end")
        self.values = [self.split(line) for line in self.lines]

    def split(self, line):
        match = re.fullmatch(rb"([a-z0-9-]{1,64}): (.*)", line, re.DOTALL)
        check(match, f"{self.where}: not a field")
        value = decode(match[2])
        check(b"\0" not in value and encode(value) == match[2], f"{self.where}: a field is not encoded right")
        return match[1].decode(), value

    def all(self, name):
        return [value for key, value in self.values if key == name]

    def get(self, name, form=rb".*", times=(1,)):
        found = self.all(name)
        right = len(found) in times and all(re.fullmatch(form, value, re.DOTALL) for value in found)
        check(right, f"{self.where}: '{name}' is missing, comes twice, or is wrong")
        return found[0] if found else None

    def maybe(self, name, form=rb".*"):
        return self.get(name, form, (0, 1))

    def number(self, name, times=(1,)):
        value = self.get(name, rb"0|[1-9][0-9]{0,19}", times)
        check(value is None or int(value) < 1 << 64, f"{self.where}: '{name}' is too large")
        return None if value is None else int(value)


# The stream

class Frame:
    def __init__(self, header, body):
        self.type, self.flags, self.seq, self.item, self.part = HEADER.unpack(header)[:5]
        self.start = header[:24]
        self.body = body
        self.name = self.type.decode().strip()

    def stored(self, body):
        start = self.start + struct.pack("<III", len(body), crc32c(body), 0)
        return start + struct.pack("<I", crc32c(start)) + body


class Stream:
    """Gives the upper-case frames, each checked by itself and for its place; bodies as they are stored."""

    def __init__(self, file):
        self.file = file
        self.at = self.seq = self.items = self.dones = self.last = 0
        self.kind = None  # of the stream: who reads HEAD sets it
        self.more = None  # item and part of a row that is not at its end

    def read(self, size, what):
        data = self.file.read(size)
        check(len(data) == size, f"the stream is cut off at byte {self.at + len(data)}, in {what}")
        self.at += size
        return data

    def frames(self):
        start = self.file.read(len(MAGIC))
        check(start == MAGIC, "not a bk stream" if start else "the input is empty")
        self.at = len(MAGIC)
        while self.last != RANK[b"END "]:
            where = f"frame {self.seq}, byte {self.at}"
            header = self.read(HEADER.size, f"the header of {where}")
            kind, flags, seq, item, part, length, body_crc, reserved, crc = HEADER.unpack(header)
            check(crc == crc32c(header[:36]), f"{where}: the header's checksum is wrong")
            check(re.fullmatch(rb"[A-Za-z][A-Za-z ]{3}", kind), f"{where}: no type")
            known = kind in RANK or kind[:1].islower()
            check(known and reserved == 0 and not flags & ~MORE, f"{where}: made by a newer bk")
            check(not flags or kind == b"DATA", f"{where}: flags are wrong")
            check(length <= (FIELDS_MAX if kind in (b"HEAD", b"END ") else BODY_MAX), f"{where}: too long")
            check(seq == self.seq, f"{where}: is number {seq}")
            if not kind[:1].islower():
                self.place(where, kind, flags, item, part)
            elif kind == b"sums":
                check(item == part == 0 and self.seq, f"{where}: sums in the wrong place")
            check(self.seq, f"{where}: HEAD is not first")
            body = self.read(length, f"the body of {where}")
            check(body_crc == crc32c(body), f"{where}: the body's checksum is wrong")
            if not kind[:1].islower():
                yield Frame(header, body)

    def place(self, where, kind, flags, item, part):
        rank = RANK[kind]
        check((rank == 0) == (self.seq == 0), f"{where}: HEAD is not first, or comes twice")
        check(rank >= self.last, f"{where}: {kind.decode()} is out of order")
        check(self.more in (None, (item, part)) and (not self.more or kind == b"DATA") or kind == b"ABRT",
              f"{where}: the rest of a row is missing")
        self.items += kind == b"ITEM"
        self.dones += kind == b"DONE"
        due = {b"ITEM": item == self.items <= ITEMS_MAX, b"DONE": item == self.dones <= self.items,
               b"DATA": 1 <= item <= self.items and self.kind != b"digests"}
        check(due.get(kind, item == 0) and (part == 0 or kind == b"DATA"), f"{where}: item or part is wrong")
        if kind == b"END ":
            none = self.dones == 0 and self.kind not in (b"backup", b"digests")
            check(none or self.dones == self.items, f"{where}: DONE of an item is missing")
        self.more = (item, part) if flags & MORE else None
        self.last = rank
        self.seq += 1

    def finish(self):
        check(self.file.read(1) == b"", f"something follows the end, at byte {self.at}")


# The seal

HEX = rb"((?:[0-9a-f]{2}){%s})"
SEAL = re.compile(rb"step: seal aead=(aes-256-gcm|chacha20-poly1305) salt=" + HEX % b"32")
SEAL_NAMES = {"commit", "sign", "quiet", "slot", "slots-mac", "pad"}
SEAL_LINES = re.compile(
    rb"(commit: %s\n(?:sign: ed25519 %s %s\n)?(?:quiet: %s\n)?((?:slot: [^\n]+\n){1,64}))"
    rb"slots-mac: %s\n(?:pad: \.*\n)?"
    % tuple(HEX % size for size in (b"32", b"32", b"64", b"16,", b"32")))
SLOTS = {b"x25519": (HEX % b"32", HEX % b"48"), b"rsa": (HEX % b"384,2048",),
         b"scrypt": (rb"([1-9][0-9]?)", HEX % b"16", HEX % b"48"),
         b"key": (HEX % b"16", HEX % b"48"), b"cmd": (HEX % b"1,8192",)}


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def hkdf(secret, salt, info):
    """RFC 5869 for 32 bytes, which is one block."""
    return mac(mac(salt, secret), info, b"\1")


def aead_open(aead, key, nonce, sealed, aad, what):
    try:
        return aead(key).decrypt(nonce, sealed, aad)
    except cryptography.exceptions.InvalidTag:
        bad(f"{what} was changed: its tag is wrong")


def public_bytes(key, encoding="DER", form="SubjectPublicKeyInfo"):
    form = getattr(serialization.PublicFormat, form)
    return key.public_bytes(getattr(serialization.Encoding, encoding), form)


def key_id(data):
    return hashlib.sha256(data).hexdigest()[:16].encode()


def read_file(name):
    with open(name, "rb") as file:
        return file.read()


def ask(what):
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        raise Failure(1, f"{what} is needed, and there is no terminal to ask at") from None
    return os.fsencode(getpass.getpass(f"{what}: "))


def passphrase_in(name):
    text = read_file(name)
    text = text[:-1] if text.endswith(b"\n") else text
    if not text or b"\n" in text or b"\0" in text:
        raise Failure(1, f"no passphrase in {name}: it must hold one line")
    return text


def key_in(name):
    """32 bytes as they are, or in hexadecimal."""
    text = read_file(name)
    if re.fullmatch(rb"[0-9A-Fa-f]{64}\n?", text):
        return unhex(text.strip())
    if len(text) != 32:
        raise Failure(1, f"no key in {name}: it must hold 32 bytes, or 64 hexadecimal digits")
    return text


def pem_in(name, load, *types):
    try:
        key = load(read_file(name))
    except (ValueError, cryptography.exceptions.UnsupportedAlgorithm) as error:
        raise Failure(1, f"cannot read the key in {name}: {error}") from None
    if not isinstance(key, types):
        raise Failure(1, f"the key in {name} is of another kind than is needed here")
    return key


class Secrets:
    """What the command line names to open slots with, and what is asked for."""

    def __init__(self, opts, slots):
        def load(data):
            try:
                return serialization.load_pem_private_key(data, None)
            except TypeError:  # it is encrypted
                file = opts.passphrase_file
                secret = passphrase_in(file) if file else ask("passphrase of the key")
                return serialization.load_pem_private_key(data, secret)
        keys = [pem_in(name, load, x25519.X25519PrivateKey, rsa.RSAPrivateKey) for name in opts.identity]
        self.private = {key_id(public_bytes(key.public_key())): key for key in keys}
        self.raw = [key_in(name) for name in opts.key]
        self.passphrase = passphrase_in(opts.passphrase) if opts.passphrase else None
        if not (keys or self.raw or self.passphrase) and any(kind == b"scrypt" for kind, *_ in slots):
            self.passphrase = os.environb.get(b"BACKUP_ENCRYPTION_KEY") or ask("passphrase of the backup")


def read_slot(line):
    """Type, id, and the fields after them; None if the type is unknown."""
    kind, _, rest = line[len(b"slot: "):].partition(b" ")
    if kind not in SLOTS:
        return None
    match = re.fullmatch(b" ".join((b"([0-9a-f]{16})", *SLOTS[kind])), rest)
    check(match, f"a slot of the type {kind.decode()} has a wrong shape")
    ident, *fields = match.groups()
    log_n = int(fields.pop(0)) if kind == b"scrypt" else 0
    check(log_n <= 18, "a scrypt slot asks for too much memory")
    fields = [unhex(field) for field in fields]
    check(kind in (b"x25519", b"rsa") or ident == key_id(fields[0]), "the id of a slot is wrong")
    return (kind, ident, *([log_n] if log_n else []), *fields)


def unwrap(kek, wrapped):
    try:
        return AESGCM(kek).decrypt(bytes(12), wrapped, None)
    except cryptography.exceptions.InvalidTag:
        return None


def by_x25519(key, ephemeral, wrapped):
    try:
        shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(ephemeral))
    except ValueError:  # all zero
        return None
    salt = ephemeral + public_bytes(key.public_key(), "Raw", "Raw")
    return unwrap(hkdf(shared, salt, b"bk1 slot x25519"), wrapped)


def by_rsa(key, wrapped):
    sha = hashes.SHA256()
    try:
        return key.decrypt(wrapped, padding.OAEP(padding.MGF1(sha), sha, b"bk1 slot rsa"))
    except ValueError:
        return None


def by_passphrase(text, log_n, salt, wrapped):
    salt = b"bk1 slot scrypt" + salt
    return unwrap(hashlib.scrypt(text, salt=salt, n=1 << log_n, r=8, p=1, maxmem=1 << 29, dklen=32), wrapped)


def open_slot(secrets, kind, ident, *fields):
    """The data key, or None if the slot is not for us."""
    key = secrets.private.get(ident)
    if key and kind in (b"x25519", b"rsa"):
        right = isinstance(key, rsa.RSAPrivateKey) == (kind == b"rsa")
        dek = (by_rsa if kind == b"rsa" else by_x25519)(key, *fields) if right else None
        check(dek and len(dek) == 32, f"slot {ident.decode()} is for this key, and was changed")
        return dek
    if kind == b"scrypt" and secrets.passphrase:
        return by_passphrase(secrets.passphrase, *fields)
    if kind == b"key":
        found = (unwrap(hkdf(key, fields[0], b"bk1 slot key"), fields[1]) for key in secrets.raw)
        return next(filter(None, found), None)
    return None


def data_key(slots, opts):
    """The key of the stream, out of the first slot that opens, and that slot in words."""
    if opts.data_key:
        return key_in(opts.data_key), "the data key itself"
    secrets = Secrets(opts, slots)
    for slot in slots:
        dek = open_slot(secrets, *slot)
        if dek:
            return dek, f"slot {slot[0].decode()} {slot[1].decode()}"
    have = ", ".join(f"{kind.decode()} {ident.decode()}" for kind, ident, *_ in slots) or "of unknown types"
    raise Failure(1, f"none of the slots opens with what was given; they are: {have}")


class Seal:
    """Opens a sealed HEAD: self.lines are those of HEAD as it was before."""

    def __init__(self, head, opts):
        if not cryptography:
            raise Failure(1, "the backup is sealed: python3-cryptography is needed")
        count = [name in SEAL_NAMES for name, _ in head.values].index(True)
        record = [line + b"\n" for line in head.lines[:count]]
        step = SEAL.fullmatch(record.pop()[:-1])
        match = SEAL_LINES.fullmatch(b"".join(line + b"\n" for line in head.lines[count:]))
        check(step and match, "the seal is wrong, or made by a newer bk")
        self.lines = record
        self.h = hashlib.sha256(b"".join(record) + step[0] + b"\n").digest()
        self.aead = AESGCM if step[1] == b"aes-256-gcm" else ChaCha20Poly1305
        covered, *values, slot_lines, slots_mac = match.groups()
        commit, self.signer, signature, quiet = (value and unhex(value) for value in values)
        slots = list(filter(None, map(read_slot, slot_lines.splitlines())))
        check(sum(kind == b"scrypt" for kind, *_ in slots) <= 1, "there is more than one scrypt slot")
        dek, self.opened_by = data_key(slots, opts)
        self.prk = mac(unhex(step[2]), dek)
        check(hmac.compare_digest(commit, self.key(b"commit")), "the data key is not this stream's")
        right = mac(self.key(b"mac"), b"slots\0", covered)
        check(hmac.compare_digest(unhex(slots_mac), right), "the slots were changed")
        if opts.sender:
            self.check_signature(opts.sender, signature, commit)
        self.body_key, self.nonce = self.key(b"aead"), int.from_bytes(self.key(b"nonce")[:12], "big")
        self.quiet = quiet is not None
        if self.quiet:
            key = self.key(b"quiet")
            self.bring_back(aead_open(self.aead, key, bytes(12), quiet, self.h, "the line 'quiet'"))

    def key(self, label):
        return mac(self.prk, b"bk1 ", label, b"\0", self.h, b"\1")

    def check_signature(self, name, signature, commit):
        public = pem_in(name, serialization.load_pem_public_key, ed25519.Ed25519PublicKey)
        check(self.signer, "the backup is not signed")
        check(self.signer == public_bytes(public, "Raw", "Raw"), "the backup is signed with another key")
        try:
            public.verify(signature, b"bk1 sign\0" + self.h + commit)
        except cryptography.exceptions.InvalidSignature:
            bad("the signature is wrong")

    def bring_back(self, plain):
        names = [line.split(b": ")[0] for line in self.lines]
        hidden = [line + b"\n" for line in Fields(plain, "the line 'quiet'").lines]
        right = re.fullmatch(rb"(label: .*\n)?(tag: .*\n)*(host: .*\n)?", plain)
        check(right and not {b"label", b"tag", b"host"} & set(names), "the line 'quiet' is wrong")
        host = [hidden.pop()] if hidden and hidden[-1].startswith(b"host: ") else []
        at = names.index(b"created") + 1
        made_by = names.index(b"made-by") + 1 if b"made-by" in names else at
        self.lines[made_by:made_by] = host
        at += len(host) if made_by < at else 0
        self.lines[at:at] = hidden

    def open(self, frame):
        nonce = (self.nonce ^ frame.seq).to_bytes(12, "big")
        return aead_open(self.aead, self.body_key, nonce, frame.body, frame.start, f"frame {frame.seq}")

    def open_end(self, end, totals, size):
        """END's lines as they were before it was sealed. totals: its rows and bytes."""
        lines = [line + b"\n" for line in end.lines]
        names = [name for name, _ in end.values]
        at = names.index("size")
        check(at and names[at - 1] == "mac", "END has no mac before 'size'")
        right = mac(self.key(b"mac"), b"end\0", *lines[:at - 1])
        check(hmac.compare_digest(unhex(end.get("mac", HEX % b"32")), right), "END was changed")
        del lines[at - 1:]
        if self.quiet:
            check(not {"rows", "bytes"} & set(names), "END has totals beside 'quiet'")
            lines.insert(names.index("items") + 1, b"rows: %d\nbytes: %d\n" % totals)
        return b"".join(lines) + b"size: %d\n" % size


# Steps

def gunzip(body):
    engine = zlib.decompressobj(31)
    plain = engine.decompress(body, BODY_MAX + 1)
    if not engine.eof or engine.unused_data:
        raise ValueError("not one whole gzip member, or too long")
    return plain


def unzstd(body):
    """By the program, which also takes more than one frame; the totals tell."""
    try:
        command = ["zstd", "-dcq", "--memory=16MiB"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise Failure(1, "the backup is compressed by zstd, and the program zstd is not there") from None

    def feed():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        try:
            child.stdin.write(body)
            child.stdin.close()
        except OSError:
            pass  # it has gone: its status says why
    feeder = threading.Thread(target=feed)
    feeder.start()
    plain = child.stdout.read(BODY_MAX + 1)
    child.stdout.close()
    feeder.join()
    if child.wait() and len(plain) <= BODY_MAX:
        raise ValueError("zstd refuses it")
    return plain


class Tuples:
    """Counts the rows of COPY's binary format, wherever the bodies are cut."""

    def __init__(self):
        self.rest = b""
        self.left = None  # values of this row that are still to come; None: between rows
        self.skip = 0     # bytes of this value that are still to come

    def feed(self, data):
        data, at, rows = self.rest + data, 0, 0
        while True:
            step = min(self.skip, len(data) - at)
            self.skip -= step
            at += step
            if self.skip == 0 and self.left == 0:
                rows, self.left = rows + 1, None
            size = 2 if self.left is None else 4
            if self.skip or len(data) - at < size:
                break
            number = int.from_bytes(data[at:at + size], "big", signed=True)
            at += size
            check(number >= (0 if size == 2 else -1), "a row in binary is broken")
            self.left, self.skip = (number, 0) if size == 2 else (self.left - 1, max(number, 0))
        self.rest = data[at:]
        self.within = bool(self.left is not None or self.rest)
        return rows


# What is in it

class Item:
    def __init__(self, fields):
        self.type = fields.get("type")
        check(fields.values[0][0] == "type", f"{fields.where}: 'type' is not first")
        self.name = fields.get("name") if self.type in (b"table", b"database") else b""
        if self.type == b"table":
            self.name = fields.get("schema") + b"." + self.name
            self.parts = fields.number("parts")
        else:
            self.parts = 1
        form = fields.maybe("format") if self.type == b"table" else None
        self.known = form in (None, b"binary")
        self.tuples = Tuples() if form == b"binary" else None
        self.within = False  # a row
        self.frames = self.rows = self.bytes = 0
        self.totals = None

    def take(self, body, more):
        self.bytes += len(body)
        if self.type not in ROWS or not self.known:
            return
        if self.tuples:
            self.rows += self.tuples.feed(body)
            self.within = self.tuples.within
        else:
            self.rows += body.count(b"\n")
            self.within = not body.endswith(b"\n") if body else self.within
        check(self.within == more, "a row is cut where none may be, or MORE is wrong")


class Opener:
    def __init__(self, opts):
        self.opts = opts
        self.items = []
        self.seal = None
        self.size = 0
        self.undo = []
        self.wanted = None  # number of the item to be printed, 0 for none; None while items come

    def head(self, frame):
        head = Fields(frame.body, "HEAD")
        check(head.values and head.values[0][0] == "format", "HEAD: format is not first")
        check(head.get("format") == b"1", "the format is not 1: made by a newer bk")
        for name in ["label", "made-by", "host", "estimate", "commit", "sign", "quiet", "slots-mac", "pad"]:
            head.maybe(name)
        check(head.maybe("partial") is None, "this is a part of a backup only")
        self.id, self.kind = head.get("id", rb"[0-9a-f]{32}"), head.get("kind")
        head.get("created", rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
        opts, sealed = self.opts, bool(SEAL_NAMES & {name for name, _ in head.values})
        steps = [value.split(b" ")[0] for value in head.all("step")]
        if sealed or b"seal" in steps:
            last = steps[-1:] == [b"seal"] and steps.count(b"seal") == 1
            check(sealed and last, "the seal is not whole, or not the last step")
            self.seal = Seal(head, opts)
        else:
            secrets = opts.identity, opts.key, opts.passphrase, opts.data_key, opts.sender
            check(not (opts.unseal or any(secrets)), "the stream is not sealed")
        self.lines = self.seal.lines if self.seal else [line + b"\n" for line in head.lines]
        self.look_at_steps(Fields(b"".join(self.lines), "HEAD"))

    def look_at_steps(self, head):
        if self.opts.unseal:
            return
        if self.kind not in (b"backup", b"digests") or self.kind == b"digests" and self.opts.wants:
            raise Failure(4, "this is not a backup")
        for step in reversed(head.all("step")):
            if re.fullmatch(rb"gzip level=[1-9]", step):
                self.undo.append(gunzip)
            else:
                check(re.fullmatch(rb"zstd level=(1?[1-9]|10)", step), "an unknown step: made by a newer bk")
                self.undo.append(unzstd)

    def item(self, frame, body):
        self.items.append(Item(Fields(body, f"frame {frame.seq}, ITEM")))

    def find_wanted(self):
        if self.opts.table is not None:
            name = os.fsencode(self.opts.table)
            found = [n for n, item in enumerate(self.items, 1) if (item.type, item.name) == (b"table", name)]
        elif self.opts.definitions:
            found = [n for n, item in enumerate(self.items, 1) if item.type == b"schema"]
        else:
            return 0
        if not found:
            raise Failure(1, "it is not in this backup")
        if len(found) > 1:
            raise Failure(2, "two tables have this name")
        item = self.items[found[0] - 1]
        check(item.known, "the table's format is unknown: made by a newer bk")
        if item.tuples:
            sys.stdout.buffer.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        return found[0]

    def data(self, frame, body):
        item = self.items[frame.item - 1]
        where = f"frame {frame.seq}"
        whole = item.type == b"database" or item.type == b"schema" and frame.flags
        check(not whole and frame.part < item.parts, f"{where}: not DATA that this item can have")
        item.frames += 1
        if self.opts.unseal:
            return
        for step in self.undo:
            try:
                body = step(body)
            except (ValueError, zlib.error) as error:
                bad(f"{where}: cannot be decompressed: {error}")
            check(len(body) <= BODY_MAX, f"{where}: too long once decompressed")
        item.take(body, bool(frame.flags & MORE))
        if frame.item == self.wanted:
            sys.stdout.buffer.write(body)

    def done(self, frame, body):
        done = Fields(body, f"frame {frame.seq}, DONE")
        item = self.items[frame.item - 1]
        done.get("digest", rb"[^ ]+ [0-9a-f]+")
        item.totals = tuple(map(done.number, ("frames", "rows", "bytes")))
        read = self.kind == b"backup" and not self.opts.unseal
        for name, counted, look in (("frames", item.frames, True), ("rows", item.rows, read and item.known),
                                    ("bytes", item.bytes, read)):
            check(not look or done.number(name) == counted, f"{done.where}: '{name}' is not {counted}")

    def end(self, frame, stream, stored):
        fields, trailer = frame.body[:-8], frame.body[-8:]
        check(trailer == self.trailer(fields), "END's trailer is wrong")
        end = Fields(fields, "END")
        check(end.get("id") == self.id, "END is of another stream")
        end.maybe("sums", rb"(0|[1-9][0-9]*) (0|[1-9][0-9]*) [0-9a-f]{64}")
        self.sums = tuple(sum(item.totals[n] for item in self.items if item.totals) for n in (1, 2))
        for name, counted in ("frames", stream.seq), ("items", len(self.items)), ("size", stored):
            check(end.number(name) == counted, f"END: '{name}' is not {counted}")
        for name, counted in zip(("rows", "bytes"), self.sums):
            check(end.number(name, (0, 1)) in (None, counted), f"END: '{name}' is not {counted}")
        lines = self.seal.open_end(end, self.sums, self.size) if self.seal else fields
        stream.finish()
        return lines + self.trailer(lines)

    def trailer(self, fields):
        return struct.pack("<I4s", HEADER.size + len(fields) + 8, b"bk!\n")

    def run(self, file):
        stream = Stream(file)
        for frame in stream.frames():
            body = frame.body
            if frame.type == b"ABRT":
                words = Fields(body, "ABRT")
                raise Failure(3, "the backup was given up: " + b"; ".join(words.lines).decode())
            if self.seal and frame.type in (b"ITEM", b"DATA", b"DONE"):
                body = self.seal.open(frame)
            if frame.type == b"HEAD":
                self.head(frame)
                stream.kind = self.kind
                body = b"".join(self.lines)
                after_head = stream.at
            elif frame.type == b"ITEM":
                self.item(frame, body)
            elif self.wanted is None:
                self.wanted = self.find_wanted()
            if frame.type == b"DATA":
                self.data(frame, body)
            elif frame.type == b"DONE":
                self.done(frame, body)
            elif frame.type == b"END ":
                body = self.end(frame, stream, stream.at - HEADER.size - len(frame.body) - after_head)
            if self.opts.unseal:
                sys.stdout.buffer.write((MAGIC if frame.type == b"HEAD" else b"") + frame.stored(body))
            self.size += (HEADER.size + len(body)) * (frame.type != b"HEAD")
        if self.wanted and self.items[self.wanted - 1].tuples:
            sys.stdout.buffer.write(b"\xff\xff")  # COPY's trailer, now that all was found right
        if not self.opts.wants:
            self.list()
        sys.stdout.buffer.flush()

    def list(self):
        out = [line for line in self.lines if not line.startswith((b"format: ", b"pad: "))]
        if self.seal:
            out.append(b"sealed: opened by %s\n" % self.seal.opened_by.encode())
            if self.seal.signer:
                words = b"checked" if self.opts.sender else b"not checked: no --from"
                out.append(b"signed by: %s (%s)\n" % (self.seal.signer.hex().encode(), words))
        out.append(b"\n%12s %15s  item\n" % (b"rows", b"bytes"))
        for item in self.items:
            rows, size = item.totals[1:]
            out.append(b"%12d %15d  %s\n" % (rows, size, encode(item.type + b" " + item.name).strip()))
        out.append(b"%12d %15d  in all\n" % self.sums)
        out.append(b"\nwhole, but for the digests of rows, which this program cannot check\n")
        sys.stdout.buffer.write(b"".join(out))


def options():
    parser = argparse.ArgumentParser(
        description="Reads a backup made by bk, without bk; checks it, and prints what is in it or a part.")
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the backup; -: standard input")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--table", metavar="SCHEMA.NAME", help="print this table's rows, as COPY does")
    what.add_argument("--definitions", action="store_true", help="print pg_dump's archive")
    what.add_argument("--unseal", action="store_true", help="print the stream without its seal")
    parser.add_argument("-i", dest="identity", action="append", default=[], metavar="KEY.pem",
                        help="private key, X25519 or RSA")
    parser.add_argument("--passphrase-file", metavar="FILE", help="passphrase of KEY.pem")
    parser.add_argument("-p", dest="passphrase", metavar="FILE",
                        help="passphrase of the backup; else it is BACKUP_ENCRYPTION_KEY, or asked for")
    parser.add_argument("-k", dest="key", action="append", default=[], metavar="KEYFILE",
                        help="32 bytes, or 64 hexadecimal digits")
    parser.add_argument("--data-key", metavar="KEYFILE",
                        help="the stream's own key: what your command makes of the blob in a slot 'cmd'")
    parser.add_argument("--from", dest="sender", metavar="PUBLIC.pem", help="who must have signed the backup")
    opts = parser.parse_args()
    opts.wants = opts.table is not None or opts.definitions or opts.unseal
    if opts.file == "-" and sys.stdin.isatty():
        parser.error("standard input is a terminal")
    return opts


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    opts = options()
    try:
        with sys.stdin.buffer if opts.file == "-" else open(opts.file, "rb") as file:
            Opener(opts).run(file)
    except Failure as failure:
        words, status = str(failure), failure.status
    except (OSError, EOFError) as error:
        words, status = str(error), 1
    else:
        return
    print(f"bk-open.py: {words}", file=sys.stderr, flush=True)
    os._exit(status)  # without what is still to be written: it is not good


if __name__ == "__main__":
    main()
