"""Looks through every file of a repository for sealed records of `pins`, old ones too,
and opens what the keys that are left open (docs/vault-format.md, sections 5 and 10): the
cards of an operator and a supervisor, the stored wrap, and whatever these open. Prints how
many cards of batches it found, how many of them opened, and how many other records."""

import hashlib
import json
import pathlib
import sys

from vault_format import combine, encode, expand, mac, open_hpke, open_sealed, open_wrapped, take


def sealed_values(data):
    """Everything in these bytes that looks like a sealed value."""
    begin = b"\xa3\x64"
    at = data.find(begin)
    while at >= 0:
        try:
            value, end = take(data, at)
            if set(value) == {"binding", "salt", "body"} and value["binding"]["compartment"] == "pins":
                yield value["binding"], data[at:end]
        except (KeyError, IndexError, TypeError, ValueError, RecursionError, MemoryError):
            pass
        at = data.find(begin, at + 1)


def opens(parent, stored):
    try:
        return open_sealed(parent, stored)
    except Exception:
        return None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    raw = bytes.fromhex
    station = raw(given["station"])
    secrets = []
    for half in ("operator", "supervisor"):
        card = given[half]
        stored, _ = take(raw(card["share_value"]))
        point = raw(card["card_9d_public"])
        info = encode(
            ["conclave/share/1", station, "pin-" + half + "s", 1, stored["x"], hashlib.sha256(point).digest()]
        )
        _, share = open_hpke(raw(card["card_9d_private"]), stored["enc"], info, b"", stored["body"])
        secrets.append(combine([(stored["x"], share)]))
    pins = open_wrapped(secrets, raw(given["pins_wrap"]))
    found = {}
    for path in pathlib.Path(given["repository"]).rglob("*"):
        if path.is_file():
            for binding, stored in sealed_values(path.read_bytes()):
                if binding["purpose"] == "conclave/record/1":
                    found[stored] = binding["kind"]
    others = {stored: opens(pins, stored) for stored, kind in found.items() if kind != "pin-card"}
    opened = [plain for plain in others.values() if plain is not None]
    parents = [pins] + [
        expand(mac(plain, pins), b"conclave/pin-cards/1", 32) for plain in opened if len(plain) == 32
    ]
    cards = [stored for stored, kind in found.items() if kind == "pin-card"]
    read = [stored for stored in cards if any(opens(parent, stored) for parent in parents)]
    print(len(cards), len(read), len(opened))


main()
