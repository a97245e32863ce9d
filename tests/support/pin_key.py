"""Opens a key that was released to the PIN room with the page in hand
(docs/vault-format.md, section 17): from the cards of an operator and a supervisor and
the stored values alone. Prints the key's label, use and bytes."""

import hashlib
import json
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from vault_format import combine, encode, open_hpke, open_sealed, open_wrapped, take


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
        own, share = open_hpke(raw(card["card_9d_private"]), stored["enc"], info, b"", stored["body"])
        assert own == point
        secrets.append(combine([(stored["x"], share)]))
    pins = open_wrapped(secrets, raw(given["pins_wrap"]))
    catalogue = open_wrapped(secrets, raw(given["catalogue_wrap"]))
    private = open_sealed(pins, raw(given["opening_key"]))
    entry, _ = take(open_sealed(catalogue, raw(given["pin_key"])))
    released, sealed = entry["released"], entry["sealed"]
    said = encode(["conclave/pin-key-release/1", [released, sealed["enc"], sealed["body"]]])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(given["export_key"]))
    r, s = (int.from_bytes(sealed["signature"][at : at + 32], "big") for at in (0, 32))
    digest = hashlib.sha256(said).digest()
    key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    info = encode(["conclave/pin-key/1", released])
    own, clear = open_hpke(private, sealed["enc"], info, b"", sealed["body"])
    assert own == released["recipient"]
    print(released["label"], released["pin_use"], released["until_ms"], clear.hex())


main()
