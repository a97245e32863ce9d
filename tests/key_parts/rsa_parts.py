"""Somebody else's reading of the component letters of an RSA pair.

Takes the public half (PEM), how many components there are, and the printed pages
(PDF). Knows nothing of the program: it has pdftotext, SHA-256, XOR, arithmetic,
`cryptography` and openssl. Exit code 0 where the pages make the private half of that
public half and each says its fingerprint; 1, with a word, where not.
"""

import hashlib
import re
import subprocess
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LINE = re.compile(r"(\d+) +([0-9A-F]{4}(?: [0-9A-F]{4}){3}) +check ([G-HJ-NP-WY-Z])")


def need(holds, what):
    if not holds:
        sys.exit("NOT SO: " + what)


def component(text, index, count, bits, fingerprint):
    need(f"RSA{bits}, one prime, {bits // 16} bytes" in text, "the key type")
    need(f"COMPONENT {index} of {count}" in text, f"component {index} of {count}")
    groups = re.findall(r"(?<![0-9A-F])[0-9A-F]{8}(?![0-9A-F])", text)
    need("".join(groups) == fingerprint, f"the fingerprint, not {groups}")
    value = b""
    for number, digits, letter in LINE.findall(text):
        digits = digits.replace(" ", "")
        total = int(number) + sum((at + 1) * int(d, 16) for at, d in enumerate(digits))
        need("GHJKLMNPQRSTUVWYZ"[total % 17] == letter, f"the check letter of line {number}")
        need(int(number) == len(value) // 8 + 1, f"line {number} in its place")
        value += bytes.fromhex(digits)
    need(len(value) == bits // 16, f"{len(value)} bytes")
    kcv = hashlib.sha256(value).hexdigest().upper()[:10]
    need(f"{kcv} (SHA-256)" in text, "the check value")
    return value


def openssl(arguments, given):
    run = subprocess.run(["openssl", *arguments], input=given, capture_output=True)
    need(run.returncode == 0, f"openssl {arguments}: {run.stderr.decode()}")
    return run.stdout


def main():
    public = serialization.load_pem_public_key(open(sys.argv[1], "rb").read())
    count, pages = int(sys.argv[2]), sys.argv[3:]
    spki = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    fingerprint = hashlib.sha256(spki).hexdigest().upper()
    numbers = public.public_numbers()
    n, e, bits = numbers.n, numbers.e, public.key_size
    p = 0
    for index, page in enumerate(pages, 1):
        command = ["pdftotext", "-layout", page, "-"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        p ^= int.from_bytes(component(text, index, count, bits, fingerprint), "big")
    need(1 < p < n and n % p == 0, "p divides the modulus")
    q = n // p
    d = pow(e, -1, (p - 1) * (q - 1))
    private = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), numbers
    ).private_key()
    pkcs8 = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    said = openssl(["pkey", "-check", "-noout"], pkcs8)
    need(b"Key is valid" in said, said)
    again = openssl(["pkey", "-pubout", "-outform", "DER"], pkcs8)
    need(again == spki, "the public half of what was made")
    print(f"RSA-{bits} from {count} components, fingerprint {fingerprint}")


main()
