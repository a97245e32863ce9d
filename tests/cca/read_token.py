"""Reads CCA key tokens by itself: a second reader, of the documentation and not
of the program. A line of input is `token HEX`, `part KIND HEX`, or `card TEXT`
lines ended by `end`; a line of output answers each."""

import hashlib
import sys

from Crypto.Cipher import DES

TYPES = {
    (0x00, 0x3C): "DATA", (0x00, 0x30): "DATAC", (0x00, 0x0C): "DATAM", (0x00, 0x04): "DATAMV",
    (0x03, 0x30): "CIPHER", (0x03, 0x10): "DECIPHER", (0x03, 0x20): "ENCIPHER",
    (0x0C, 0x10): "CIPHERXI", (0x0C, 0x20): "CIPHERXO", (0x0C, 0x30): "CIPHERXL",
    (0x05, 0x0C): "MAC", (0x05, 0x04): "MACVER",
    (0x21, 0x1E): "IPINENC", (0x24, 0x36): "OPINENC", (0x22, 0x3E): "PINGEN", (0x22, 0x02): "PINVER",
    (0x3F, 0x00): "CVARPINE", (0x3F, 0x02): "CVARDEC", (0x3F, 0x04): "CVARXCVL",
    (0x3F, 0x06): "CVARXCVR", (0x3F, 0x08): "CVARENC",
    (0x41, 0x3C): "EXPORTER", (0x41, 0x02): "OKEYXLAT", (0x42, 0x3C): "IMPORTER",
    (0x42, 0x02): "IKEYXLAT", (0x42, 0x04): "IMP-PKA", (0x71, 0x04): "DKYGENKY",
    (0x53, 0x20): "KEYGENKY",
}


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def des_token(token):
    assert len(token) == 64 and token[0] == 2, "external token of 64 bytes"
    words = [int.from_bytes(token[at:at + 4], "big") for at in range(0, 64, 4)]
    assert sum(words[:15]) % 2**32 == words[15], "token validation value"
    assert not any(token[1:4]) and token[5] == 0 and not any(token[8:16]), "reserved"
    assert not any(token[56:59]) and token[7] == 0, "reserved, ECB"
    left, right = token[32:40], token[40:48]
    if not any(left + right):
        length = {(0, 0): 8, (1, 0x10): 16, (1, 0x20): 24}[token[4], token[59]]
        assert token[6] == 0x80
        return length, "ZERO-CV", left, right
    assert token[4] == 0 and token[59] == 0 and token[6] == 0xC0
    for byte in left + right:
        assert bin(byte).count("1") % 2 == 0, "parity"
    form = left[5] >> 5, right[5] >> 5
    length = {(0, 0): 8, (2, 1): 16, (6, 5): 16, (3, 3): 24, (7, 7): 24}[form]
    return length, TYPES[left[1], left[2] & 0x3E], left, right


def rsa_token(token):
    assert token[0] == 0x1E and int.from_bytes(token[2:4], "big") == len(token)
    assert token[8] == 4 and int.from_bytes(token[10:12], "big") == len(token) - 8
    e, bits, n = (int.from_bytes(token[at:at + 2], "big") for at in (14, 16, 18))
    assert 20 + e + n == len(token)
    modulus = int.from_bytes(token[20 + e:], "big")
    assert modulus.bit_length() == bits
    return int.from_bytes(token[20:20 + e], "big"), modulus


def shift(digit):
    return digit >> 1 ^ (0xC if digit & 1 else 0)


def checksum(part):
    sums = [0, 0]
    for at, digit in enumerate(part.hex()):
        sums[at % 2] = shift(sums[at % 2] ^ int(digit, 16))
    return "%X%X" % tuple(sums)


def mdc4(text):
    def mdc1(keys, inputs):
        first = bytes([keys[0][0] & 0x9F | 0x40]) + keys[0][1:]
        second = bytes([keys[1][0] & 0x9F | 0x20]) + keys[1][1:]
        f1 = xor(inputs[0], DES.new(first, DES.MODE_ECB).encrypt(inputs[0]))
        f2 = xor(inputs[1], DES.new(second, DES.MODE_ECB).encrypt(inputs[1]))
        return f1[:4] + f2[4:], f2[:4] + f1[4:]

    keys = b"\x52" * 8, b"\x25" * 8
    for at in range(0, len(text), 8):
        block = text[at:at + 8]
        between = mdc1(keys, (block, block))
        keys = mdc1(between, (keys[1], keys[0]))
    return (keys[0] + keys[1]).hex().upper()


def part(kind, value):
    vp = hp = "-"
    if kind == "DES-MK" and len(value) == 16:
        left, right = value[:8], value[8:]
        middle = xor(left, DES.new(b"\x45" * 8, DES.MODE_ECB).encrypt(left))
        vp = xor(right, DES.new(middle, DES.MODE_ECB).encrypt(right)).hex().upper()
    elif kind == "DES-MK":
        vp = hashlib.sha1(b"\x01" + value).hexdigest()[:16].upper()
    elif kind in ("AES-MK", "ECC-MK"):
        vp = hashlib.sha256(b"\x01" + value).hexdigest()[:16].upper()
    if kind in ("DES-MK", "RSA-MK"):
        hp = mdc4(value)
    return checksum(value), vp, hp


def statements(cards):
    """KGUP: a comma at the end goes on in the next line."""
    text, whole = "", []
    for card in cards:
        assert len(card) <= 71, card
        text += card
        if card.endswith(","):
            text = text[:-1] + " "
            continue
        whole.append(text)
        text = ""
    assert not text, "ends with a comma"
    for statement in whole:
        words = statement.split(" ")
        assert words[0] == "ADD"
        fields = dict(word.rstrip(")").split("(") for word in words[1:])
        assert set(fields) == {"TYPE", "LABEL", "TRANSKEY", "KEY"}, fields
        values = fields["KEY"].split(",")
        assert all(len(value) == 16 for value in values)
        yield "|".join([fields["TYPE"], fields["LABEL"], fields["TRANSKEY"], *values])


cards = None
for line in sys.stdin:
    kind, _, rest = line.rstrip("\n").partition(" ")
    if kind == "token":
        token = bytes.fromhex(rest)
        if token[0] == 0x1E:
            exponent, modulus = rsa_token(token)
            print("%X %X" % (exponent, modulus))
        else:
            length, name, left, right = des_token(token)
            print(length, name, left.hex().upper(), right.hex().upper())
    elif kind == "part":
        name, value = rest.split(" ")
        print(*part(name, bytes.fromhex(value)))
    elif kind == "card":
        cards = (cards or []) + [rest]
    elif kind == "end":
        print(" ".join(statements(cards)))
        cards = None
    sys.stdout.flush()
