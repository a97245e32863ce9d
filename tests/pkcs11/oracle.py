"""Loads wrapped keys into a token as their templates say, and tells what the
token then has: label, id, encrypted zeros, sensitive, extractable, operations. SoftHSM2 takes dates and does not show them.

    oracle.py MODULE TOKEN PIN template FILE.json...
    oracle.py MODULE TOKEN PIN rsa KEY-ID UNDER-RSA UNDER-AES
    oracle.py MODULE TOKEN PIN loaded KEY-ID...
"""
import datetime
import json
import os
import sys

import pkcs11
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

TYPES = {
    "CKK_AES": KeyType.AES,
    "CKK_DES2": KeyType.DES2,
    "CKK_DES3": KeyType.DES3,
    "CKK_GENERIC_SECRET": KeyType.GENERIC_SECRET,
}
OPERATIONS = ["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY", "DERIVE"]


def value(name, given):
    if name == "CKA_ID":
        return bytes.fromhex(given)
    if name.endswith("_DATE"):
        return datetime.datetime.strptime(given, "%Y%m%d").date()
    return given


def zeros(key, kind):
    ecb = Mechanism.AES_ECB if kind == KeyType.AES else Mechanism.DES3_ECB
    return key.encrypt(bytes(16), mechanism=ecb)[:3].hex().upper()


def by_template(session, path):
    said = json.load(open(path))
    template = dict(said["template"])
    kind = TYPES[template.pop("CKA_KEY_TYPE")]
    assert template.pop("CKA_CLASS") == "CKO_SECRET_KEY"
    signs = kind == KeyType.GENERIC_SECRET
    # The test encrypts zeros, whatever the key is for; an HMAC key signs.
    asked = template["CKA_ENCRYPT"]
    template["CKA_ENCRYPT"] = not signs
    given = {getattr(Attribute, n[4:]): value(n, v) for n, v in template.items()}
    kek_id = bytes.fromhex(said["unwrapping_key"]["CKA_ID"])
    kek = session.get_key(id=kek_id, object_class=ObjectClass.SECRET_KEY)
    wrapped = open(os.path.join(os.path.dirname(path), said["file"]), "rb").read()
    mechanism = getattr(Mechanism, said["mechanism"][4:])
    key = kek.unwrap_key(
        ObjectClass.SECRET_KEY,
        kind,
        wrapped,
        mechanism=mechanism,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY if signs else None,
        template=given,
    )
    may = [o for o in OPERATIONS if key[getattr(Attribute, o)]]
    if signs:
        check = said["check_by_signing"]
        how = getattr(Mechanism, check["mechanism"][4:])
        text = check["text"].encode("ascii")
        shown = check["mac"]
        if "SIGN" in may:
            assert key.sign(text, mechanism=how).hex().upper() == shown
        if "VERIFY" in may:
            assert key.verify(text, bytes.fromhex(shown), mechanism=how)
            assert not key.verify(text + b"X", bytes.fromhex(shown), mechanism=how)
        assert "CKA_CHECK_VALUE" not in said
    else:
        if not asked:
            may.remove("ENCRYPT")
        shown = zeros(key, kind)
        assert shown == said["CKA_CHECK_VALUE"]
    return [
        key.label,
        key.id.hex(),
        shown,
        str(key[Attribute.SENSITIVE]),
        str(key[Attribute.EXTRACTABLE]),
        " ".join(may),
    ]


def by_rsa(session, key_id, under_rsa, under_aes):
    private = session.get_key(
        id=bytes.fromhex(key_id), object_class=ObjectClass.PRIVATE_KEY
    )
    fresh = private.unwrap_key(
        ObjectClass.SECRET_KEY,
        KeyType.AES,
        open(under_rsa, "rb").read(),
        mechanism=Mechanism.RSA_PKCS_OAEP,
        mechanism_param=(Mechanism.SHA_1, MGF.SHA1, None),
        template={Attribute.UNWRAP: True, Attribute.TOKEN: False},
    )
    key = fresh.unwrap_key(
        ObjectClass.SECRET_KEY,
        KeyType.AES,
        open(under_aes, "rb").read(),
        mechanism=Mechanism.AES_KEY_WRAP_PAD,
        template={Attribute.ENCRYPT: True, Attribute.TOKEN: False},
    )
    return [zeros(key, KeyType.AES)]


def loaded(session, key_id):
    """What the token says of a key: the check value where it may encrypt or decrypt.
    An encrypted block of zeros, or what becomes zeros when it is encrypted again."""
    key = session.get_key(id=bytes.fromhex(key_id), object_class=ObjectClass.SECRET_KEY)
    may = [o for o in OPERATIONS if key[getattr(Attribute, o)]]
    check = ""
    if "ENCRYPT" in may:
        check = zeros(key, key.key_type)
    elif "DECRYPT" in may:
        # A copy of the session's own, which may encrypt.
        copy = key.copy({Attribute.TOKEN: False, Attribute.ENCRYPT: True})
        check = zeros(copy, copy.key_type)
    return [
        key.label,
        check,
        str(key[Attribute.SENSITIVE]),
        str(key[Attribute.EXTRACTABLE]),
        " ".join(may),
    ]


module, label, pin, mode, *rest = sys.argv[1:]
token = pkcs11.lib(module).get_token(token_label=label)
with token.open(rw=True, user_pin=pin) as session:
    if mode == "template":
        for path in rest:
            print("\t".join(by_template(session, path)))
    elif mode == "loaded":
        for key_id in rest:
            print("\t".join(loaded(session, key_id)))
    else:
        print("\t".join(by_rsa(session, *rest)))
