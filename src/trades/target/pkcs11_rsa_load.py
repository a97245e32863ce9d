#!/usr/bin/env python3
"""Loads keys that were wrapped to an RSA key of a PKCS#11 token, in the two steps of
which CKM_RSA_AES_KEY_WRAP is made: the fresh AES key by OAEP, then the key by AES-KWP.
For tokens without the combined mechanism. Nothing is ever in the clear outside the
token. Wants python-pkcs11.

The check value that is shown is the token's own, of what came out. Anybody can wrap a
key to a public key: that it is the sender's is proven by the signature of the bundle
alone, so verify that first.

    PIN=... python3 load-keys.py MODULE LABEL.json...
"""
import datetime
import getpass
import json
import os
import sys

import pkcs11
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

TYPES = {"CKK_AES": KeyType.AES, "CKK_DES2": KeyType.DES2, "CKK_DES3": KeyType.DES3}
HASHES = {
    "SHA-1": (Mechanism.SHA_1, MGF.SHA1, None),
    "SHA-256": (Mechanism.SHA256, MGF.SHA256, None),
}
SECOND = {
    "CKM_AES_KEY_WRAP_PAD": Mechanism.AES_KEY_WRAP_PAD,
    "CKM_AES_KEY_WRAP_KWP": Mechanism.AES_KEY_WRAP_KWP,
}
# The fresh key lives as long as the session and unwraps one key.
FRESH = {
    Attribute.TOKEN: False,
    Attribute.UNWRAP: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}


def given(name, value):
    if name == "CKA_ID":
        return bytes.fromhex(value)
    if name.endswith("_DATE"):
        return datetime.datetime.strptime(value, "%Y%m%d").date()
    return value


def load(session, path):
    with open(path) as file:
        said = json.load(file)
    with open(os.path.join(os.path.dirname(path), said["file"]), "rb") as file:
        wrapped = file.read()
    private = session.get_key(
        id=bytes.fromhex(said["unwrapping_key"]["CKA_ID"]),
        object_class=ObjectClass.PRIVATE_KEY,
    )
    length = said["bytes_under_rsa"]
    fresh = private.unwrap_key(
        ObjectClass.SECRET_KEY,
        KeyType.AES,
        wrapped[:length],
        mechanism=Mechanism.RSA_PKCS_OAEP,
        mechanism_param=HASHES[said["oaep_hash"]],
        template=FRESH,
    )
    template = dict(said["template"])
    kind = TYPES[template.pop("CKA_KEY_TYPE")]
    if template.pop("CKA_CLASS") != "CKO_SECRET_KEY":
        raise SystemExit(path + ": no secret key")
    key = fresh.unwrap_key(
        ObjectClass.SECRET_KEY,
        kind,
        wrapped[length:],
        # RFC 5649 has two names; the record of the system says this library's.
        mechanism=SECOND[said["second_mechanism"]],
        template={getattr(Attribute, n[4:]): given(n, v) for n, v in template.items()},
    )
    label = template["CKA_LABEL"]
    try:
        value = key[Attribute.CHECK_VALUE].hex().upper()
    except pkcs11.exceptions.PKCS11Error:
        value = ""
    if not value:
        print("Key unwrapped:", label, "and the token tells no check value")
    elif value != said["CKA_CHECK_VALUE"].upper():
        key.destroy()
        raise SystemExit(label + ": the token's check value is " + value + "; destroyed")
    else:
        print("Key unwrapped:", label, "check value", value)


def main():
    module, *paths = sys.argv[1:]
    if not paths:
        raise SystemExit(__doc__)
    with open(paths[0]) as file:
        token = pkcs11.lib(module).get_token(token_label=json.load(file)["token"])
    pin = os.environ.get("PIN") or getpass.getpass("PIN of the user: ")
    with token.open(rw=True, user_pin=pin) as session:
        for path in paths:
            load(session, path)


main()
