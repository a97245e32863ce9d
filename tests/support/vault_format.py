"""Decodes the vectors of docs/vault-format.md with the page in hand: another
language, another library. Reads the JSON file and the list of recovery words named
on the command line, starts from the two cards' keys, the words of one sheet and the
stored values alone, and prints what it finds, one line each, mostly as hex."""

import hashlib
import hmac
import json
import struct
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def take(data, at=0):
    """One CBOR item: value and the place after it."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info >= 24 and major != 7:
        length = 1 << (info - 24)
        number = int.from_bytes(data[at : at + length], "big")
        at += length
    else:
        number = info
    if major == 0:
        return number, at
    if major in (2, 3):
        raw = data[at : at + number]
        return (raw if major == 2 else raw.decode()), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = take(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(number):
            key, at = take(data, at)
            pairs[key], at = take(data, at)
        return pairs, at
    return {20: False, 21: True, 22: None}[info], at


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, form, most in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32), (27, ">Q", 1 << 64)):
        if number < most:
            return bytes([major << 5 | info]) + struct.pack(form, number)


def encode(value):
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    pairs = sorted((encode(k), encode(v)) for k, v in value.items())
    return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([count]))
        out += block
        count += 1
    return out[:length]


def open_sealed(parent, stored):
    """The page's section on sealed values."""
    sealed, end = take(stored)
    assert end == len(stored) and encode(sealed) == stored
    context = encode(sealed["binding"])
    okm = expand(mac(sealed["salt"], parent), context, 44)
    padded = AESGCM(okm[:32]).decrypt(okm[32:], sealed["body"], context)
    plain = padded.rstrip(b"\0")
    assert plain[-1] == 0x80 and len(padded) % 64 == 0
    return plain[:-1]


def open_hpke(scalar, enc, info, aad, sealed):
    """RFC 9180, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    own = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    dh = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc))
    kem, suite = b"KEM\0\x10", b"HPKE\0\x10\0\x01\0\x02"

    def extract(suite, salt, label, ikm):
        return mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    def labeled(suite, prk, label, info, length):
        return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)

    shared = labeled(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + own, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    key = labeled(suite, secret, b"key", context, 32)
    nonce = labeled(suite, secret, b"base_nonce", context, 12)
    return own, AESGCM(key).decrypt(nonce, sealed, aad)


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def open_wrapped(secrets, stored):
    """The page's section on wraps: one layer of HPKE a group."""
    wrapped, end = take(stored)
    assert end == len(stored) and encode(wrapped) == stored
    binding, body = wrapped["binding"], wrapped["body"]
    info = encode(binding)
    layers = list(zip(binding["kind"].split("+"), wrapped["enc"], secrets, strict=True))
    for name, enc, secret in reversed(layers):
        group, epoch = name.split("@")
        for candidate in range(256):
            made = encode(["conclave/group-key/1", binding["station"], group, int(epoch), candidate])
            scalar = expand(mac(bytes(32), secret), made, 32)
            if 0 < int.from_bytes(scalar, "big") < ORDER:
                break
        _, body = open_hpke(scalar, enc, info, b"", body)
    return body


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def combine(shares):
    secret = bytes(32)
    for x, share in shares:
        weight = 1
        for other, _ in shares:
            if other != x:
                inverse = next(i for i in range(1, 256) if times(i, other ^ x) == 1)
                weight = times(weight, times(other, inverse))
        secret = bytes(s ^ times(weight, b) for s, b in zip(secret, share))
    return secret


def field_times(a, b):
    """GF(2^11), 0x805."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x805 if a & 0x400 else 0)
        b >>= 1
    return product


def check_words(words, known):
    """The two that bring both sums to zero, by trying every first one."""
    plain = weighted = 0
    power = 1
    for word in words:
        plain ^= known.index(word)
        weighted ^= field_times(power, known.index(word))
        power = field_times(power, 2)
    following = field_times(power, 2)
    for first in range(2048):
        second = plain ^ first
        if field_times(power, first) ^ field_times(following, second) == weighted:
            return known[first], known[second]


def recovery_words(station, vector, known):
    """The page's section on recovery words."""
    raw = bytes.fromhex
    print("words-check", *check_words(vector["phrase"].split(), known))
    secret = hash_secret_raw(
        vector["phrase"].encode(), raw(vector["salt"]), 3, 262144, 1, 32, Type.ID, 0x13
    )
    print("words-secret", secret.hex())
    points = {}
    for slot in ("9a", "9c", "9d"):
        for candidate in range(256):
            info = encode(["conclave/words-key/1", station, raw(vector["member"]), slot, candidate])
            scalar = expand(mac(bytes(32), secret), info, 32)
            if 0 < int.from_bytes(scalar, "big") < ORDER:
                break
        numbers = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
        numbers = numbers.public_key().public_numbers()
        points[slot] = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        print("words-" + slot, points[slot].hex())
    stored, _ = take(raw(vector["share_value"]))
    place = ["conclave/share/1", station, "recovery", vector["epoch"], stored["x"]]
    info = encode(place + [hashlib.sha256(points["9d"]).digest()])
    _, share = open_hpke(scalar, stored["enc"], info, b"", stored["body"])
    made = hashlib.sha256(raw(vector["commitment_salt"]) + bytes([stored["x"]]) + share)
    assert made.hexdigest() == vector["commitment_hash"].lower()
    print("words-share", share.hex())


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        vector = json.load(file)
    raw = bytes.fromhex
    station, group, epoch = raw(vector["station"]), vector["group"], vector["epoch"]
    shares = []
    for member in vector["members"]:
        stored, _ = take(raw(member["share_value"]))
        scalar = raw(member["card_9d_private"])
        point = raw(member["card_9d_public"])
        info = encode(
            ["conclave/share/1", station, group, epoch, stored["x"], hashlib.sha256(point).digest()]
        )
        own, share = open_hpke(scalar, stored["enc"], info, b"", stored["body"])
        assert own == point
        made = hashlib.sha256(raw(member["commitment_salt"]) + bytes([stored["x"]]) + share)
        assert made.hexdigest() == member["commitment_hash"].lower()
        shares.append((stored["x"], share))
        print("share", share.hex())
    secret = combine(shares)
    check = mac(secret, encode(["conclave/group-check/1", station, group, epoch]))
    assert check.hex() == vector["secret_check"].lower()
    print("secret", secret.hex())
    data = open_wrapped([secret], raw(vector["wrap_value"]))
    print("data", data.hex())
    print("record", open_sealed(data, raw(vector["record_value"])).hex())
    with open(sys.argv[2], encoding="ascii") as file:
        known = file.read().split()
    recovery_words(station, vector["words"], known)


if __name__ == "__main__":
    main()
