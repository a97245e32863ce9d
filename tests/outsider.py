"""Somebody else's reading of what the demonstration left.

Takes the folder of a demonstration. Knows nothing of the program: it has
pdftotext, XOR, the check values' definitions, psec, openssl, pyjks, and its own
reading of what Thales, Atalla, IBM and ISO 20038 print about their formats. Prints
a line for each thing that agrees; stops with exit code 1 at the first that does
not, and where a format of the list was opened by nothing.
"""

import csv
import hashlib
import itertools
import json
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from xml.etree import ElementTree

warnings.filterwarnings("ignore")

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from cryptography.hazmat.primitives.serialization import PublicFormat, load_der_private_key
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from psec import pin as pins_of
from psec.tr31 import KeyBlock

import jks

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    TripleDES = algorithms.TripleDES

GROUP = re.compile(r"(?<![0-9A-F])[0-9A-F]{4}(?![0-9A-F])")
ESCAPES = re.compile(rb"\x1b(@|[EFPM]|W.|[A-Za-z].)", re.S)


def need(holds, what):
    if not holds:
        sys.exit("NOT SO: " + what)
    print("ok " + what)


def check_value(key, algorithm):
    if algorithm == "AES":
        mac = CMAC(algorithms.AES(key))
        mac.update(bytes(16))
        return "CMAC", mac.finalize().hex().upper()[:10]
    encryptor = Cipher(TripleDES(key), modes.ECB()).encryptor()
    return "ENC-ZERO", encryptor.update(bytes(8)).hex().upper()[:6]


def value(text):
    """The value on a sheet: lines of a number, four groups, a check letter."""
    lines = re.findall(r"^[|\s]*\d+\s+((?:[0-9A-F]{4} ?)+)\s+check [G-Z]", text, re.M)
    return bytes.fromhex("".join("".join(GROUP.findall(line)) for line in lines))


def pdf_text(path):
    command = ["pdftotext", "-layout", str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def escp_text(path):
    """A line printer's bytes without its commands."""
    return ESCAPES.sub(b"", path.read_bytes()).decode("ascii", "replace")


def combine(folder, demo, key):
    total = bytes(key["bits"] // (7 if key["algorithm"] == "TDES" else 8))
    parts = [c for c in demo["components"] if c["key"] == key["label"]]
    need(2 <= len(parts) <= 9, f"{key['label']} has {len(parts)} components")
    for part in parts:
        name = f"{key['label']} component {part['index']}"
        text = pdf_text(folder / part["pdf"])
        paper = value(text)
        need(len(paper) == len(total), f"{name}: {len(paper)} bytes on paper")
        need(value(escp_text(folder / part["escp"])) == paper, f"{name}: both sheets agree")
        method, kcv = check_value(paper, key["algorithm"])
        need((method, kcv) == (part["kcv_method"], part["kcv"]), f"{name}: {kcv} ({method})")
        need(f"{kcv} ({method})" in text, f"{name}: the sheet says so")
        need(f"COMPONENT {part['index']} of {part['of']}" in text, f"{name}: i of n on the sheet")
        need(part["custodian"] in text, f"{name}: the custodian on the sheet")
        total = bytes(a ^ b for a, b in zip(total, paper))
    method, kcv = check_value(total, key["algorithm"])
    need((method, kcv) == (key["kcv_method"], key["kcv"]), f"{key['label']}: {kcv} ({method})")
    return total


def product(a, b):
    """In GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    out = 0
    while b:
        if b & 1:
            out ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return out


INVERSE = {a: b for a in range(1, 256) for b in range(1, 256) if product(a, b) == 1}


def at_zero(shares):
    """Lagrange: the secret of Shamir's shares, byte by byte."""
    total = bytes(len(shares[0][1]))
    for x, values in shares:
        weight = 1
        for other, _ in shares:
            if other != x:
                weight = product(weight, product(other, INVERSE[other ^ x]))
        total = bytes(a ^ product(weight, b) for a, b in zip(total, values))
    return total


def shared(folder, demo, keys):
    papers = {}
    for share in demo["shares"]:
        name = f"{share['key']} share {share['index']}"
        text = pdf_text(folder / share["pdf"])
        paper = value(text)
        need(value(escp_text(folder / share["escp"])) == paper, f"{name}: both sheets agree")
        need(f"SHARE {share['index']} of {share['of']}" in text, f"{name}: i of n on the sheet")
        need(f"any {share['needed']} of the {share['of']} shares" in text, f"{name}: m of n on the sheet")
        need(share["custodian"] in text, f"{name}: the custodian on the sheet")
        papers.setdefault((share["key"], share["needed"]), []).append((share["index"], paper))
    for (label, needed), shares in papers.items():
        key = keys[label]
        for chosen in itertools.combinations(shares, needed):
            method, kcv = check_value(at_zero(chosen), key["algorithm"])
            names = " and ".join(str(x) for x, _ in chosen)
            need((method, kcv) == (key["kcv_method"], key["kcv"]), f"{label}: shares {names} make {kcv}")
        method, kcv = check_value(at_zero(shares[: needed - 1]), key["algorithm"])
        need(kcv != key["kcv"], f"{label}: one share less does not")
    need(papers, "there are shares")


def ecb(key, data):
    decryptor = Cipher(TripleDES(key), modes.ECB()).decryptor()
    return decryptor.update(data)


def cbc(key, iv, data, encrypt=False):
    cipher = Cipher(TripleDES(key), modes.CBC(iv))
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return worker.update(data)


def changed(key, at, byte):
    """The key with one byte changed at each of these places."""
    out = bytearray(key)
    for place in at:
        out[place] ^= byte
    return bytes(out)


def variant_u(kek, data):
    """Scheme U: each part under a variant of the second half (payShield)."""
    return b"".join(
        ecb(changed(kek, [8], byte), data[at : at + 8]) for at, byte in ((0, 0xA6), (8, 0x5A))
    )


def legacy_block(kek, header, data, mac, length):
    """The method of TR-31 A, as Thales blocks of version 0 and AKB have it, with
    the MAC over header and ciphertext."""
    encrypting = bytes(b ^ 0x45 for b in kek)
    authenticating = bytes(b ^ 0x4D for b in kek)
    whole = cbc(authenticating, bytes(8), header + data, encrypt=True)[-8:]
    need(whole[: len(mac)] == mac, "its MAC holds")
    return cbc(encrypting, header[:8], data)[: length or None]


def derived(kbpk, purpose, length=256):
    """X9.143: a key of AES-256 derived with CMAC; purpose 1 authenticates, 2 counts."""
    out = b""
    for counter in (1, 2):
        mac = CMAC(algorithms.AES(kbpk))
        mac.update(bytes([counter, 0, purpose, 0, 0, 4, length >> 8, length & 0xFF]))
        out += mac.finalize()
    return out


def block_e(kbpk, text):
    """ISO 20038, version E: AES in counter mode, the MAC over the clear is the counter."""
    need(text[0] == "E" and int(text[1:5]) == len(text), "its version and length")
    need(text[12:14] == "00", "no optional blocks")
    header, mac = text[:16].encode(), bytes.fromhex(text[-32:])
    counting = Cipher(algorithms.AES(derived(kbpk, 2)), modes.CTR(mac)).decryptor()
    clear = counting.update(bytes.fromhex(text[16:-32]))
    whole = CMAC(algorithms.AES(derived(kbpk, 1)))
    whole.update(header + clear)
    need(whole.finalize() == mac, "its MAC holds")
    return clear[2 : 2 + int.from_bytes(clear[:2], "big") // 8]


def cca_token(kek, data):
    left, right = data[32:40], data[40:48]
    need(sum(int.from_bytes(data[i : i + 4], "big") for i in range(0, 60, 4)) % 2**32
         == int.from_bytes(data[60:], "big"), "its validation value")
    return cca_parts(kek, (left, right), data[16:32])


def cca_parts(kek, vectors, data):
    """Each part under the key with the part's control vector on both halves."""
    return b"".join(
        ecb(bytes(a ^ b for a, b in zip(kek, cv * 2)), data[at : at + 8])
        for cv, at in zip(vectors, (0, 8))
    )


def all_the_same(found, count, what):
    need(len(found) == count and len(set(found)) == 1, f"{what}: {count} times the same key")
    return found[0]


# IBM's control vectors of these two key types, left and right.
VECTORS = {
    "OPINENC": ("0024770003410000", "0024770003210000"),
    "IPINENC": ("00215F0003410000", "00215F0003210000"),
}


def clear_of(format, data, kek):
    """The key in a file of this format, by somebody else's reading of it."""
    text = data.decode("latin-1")
    if format == "tr31-e":
        return block_e(kek, text)
    if format == "kgup":
        joined = re.sub(r",\s*\n\s*", ",", text)
        adds = re.findall(r"ADD TYPE\((\w+)\),LABEL\([\w.]+\),.*?KEY\(([0-9A-F,]+)\)", joined)
        found = [
            cca_parts(kek, map(bytes.fromhex, VECTORS[kind]), bytes.fromhex(value.replace(",", "")))
            for kind, value in adds
        ]
        return all_the_same(found, 2, "KGUP statements")
    if format == "rexx":
        tokens = re.findall(r"token =,\n((?:'[0-9A-F]+'(?:\|\|,)?\n)+)", text)
        tokens = [bytes.fromhex("".join(re.findall(r"'([0-9A-F]+)'", t))) for t in tokens]
        return all_the_same([cca_token(kek, t) for t in tokens], 2, "tokens in the exec")
    if format in ("thales-variant", "thales-lmk"):
        need(text[0] == "U", "scheme U")
        return variant_u(kek, bytes.fromhex(text[1:]))
    if format == "atalla-variant":
        # Variant 1, of PIN keys: the number times 8, on each half.
        return ecb(changed(kek, [0, 8], 1 << 3), bytes.fromhex(text))
    if format == "thales-keyblock":
        need(text[0] == "S" and int(text[2:6]) == len(text) - 1, "its length")
        header, rest = text[1:17].encode(), bytes.fromhex(text[17:-8])
        plain = legacy_block(kek, header, rest, bytes.fromhex(text[-8:]), 0)
        return plain[2 : 2 + int.from_bytes(plain[:2], "big") // 8]
    if format == "akb":
        header, body, mac = text.split(",")
        return legacy_block(kek, header.encode(), bytes.fromhex(body), bytes.fromhex(mac), 16)
    if format == "cca-des":
        return cca_token(kek, data)
    if format in ("nshield", "pkcs11"):
        return aes_key_unwrap_with_padding(kek, data)
    return None


def passphrase(folder, papers):
    """Of the two halves on paper: seven groups of four each."""
    halves = []
    for path in papers:
        reader = pdf_text if path.endswith(".pdf") else escp_text
        text = reader(folder / path).split("THE HALF:", 1)[1]
        groups = re.findall(r"(?<![A-Z0-9])[A-HJ-NP-Z2-9]{4}(?![A-Z0-9])", text)
        need(len(groups) >= 7, f"{path}: a half of seven groups")
        halves.append("".join(groups[:7]))
    need(len(halves) == 2, "two halves")
    return "".join(halves)


def private_keys(path, word):
    """The private keys in a store, PKCS#8, by openssl or pyjks."""
    if path.suffix == ".p12":
        command = ["openssl", "pkcs12", "-in", str(path), "-nocerts", "-nodes"]
        command += ["-passin", f"pass:{word}"]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            done = subprocess.run(command + ["-legacy"], check=True, capture_output=True)
        der = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]
        return [subprocess.run(der, input=done.stdout, check=True, capture_output=True).stdout]
    store = jks.KeyStore.load(str(path), word)
    return [entry.pkey_pkcs8 for entry in store.private_keys.values()]


def data_key(folder, export, keys):
    """A data key in a JCEKS store: by keytool under its alias, by pyjks with its value."""
    path, key = folder / export["path"], keys[export["key"]]
    word = passphrase(folder, export["passphrase"])
    command = ["keytool", "-list", "-storetype", "JCEKS", "-keystore", str(path)]
    listed = subprocess.run(command + ["-storepass", word], check=True, capture_output=True)
    aliases = re.findall(r"^(\w+), .*SecretKeyEntry", listed.stdout.decode(), re.M)
    need(len(aliases) == 1, f"{path.name}: keytool lists one secret key")
    need(re.fullmatch(r"[a-z]{3}[0-9a-f]{18}", aliases[0]), f"{path.name}: alias {aliases[0]}")
    entries = jks.KeyStore.load(str(path), word).secret_keys
    need(list(entries) == aliases, f"{path.name}: pyjks has the same alias")
    method, kcv = check_value(entries[aliases[0]].key, key["algorithm"])
    need((method, kcv) == (key["kcv_method"], key["kcv"]), f"{export['key']} in {path.name}: {kcv}")
    scripts = (path.parent / "load-keys.py").read_text()
    for command in ("tklmGroupCreate", "tklmGroupEntryAdd", "tklmDeviceAdd"):
        need(command in scripts, f"load-keys.py: {command}")
    need(f"{{alias {aliases[0]}}}" in scripts, "load-keys.py: the group has that alias")


def certificates_alone(path):
    """Each certificate that a partner's key manager imports is in the bundle."""
    names = re.findall(r"tklmCertImport\('\[-fileName \S*?/([^/ ]+) ", path.read_text())
    need(names, f"{path.name}: it imports certificates")
    for name in names:
        certificate = load_pem_x509_certificate((path.parent / name).read_bytes())
        subject = certificate.subject.rfc4514_string()
        need(Path(name).stem in subject, f"{path.name}: {name} is of {subject}")


def public_token(folder, export):
    """IBM's external RSA token in the exec: its modulus is the PEM's beside it."""
    path = folder / export["path"]
    digits = re.search(r"token =,\n((?:'[0-9A-F]+'(?:\|\|,)?\n)+)", path.read_text()).group(1)
    token = bytes.fromhex("".join(re.findall(r"'([0-9A-F]+)'", digits)))
    need(token == path.with_name(f"{export['key']}.pka").read_bytes(), f"{path.name}: the token")
    two = lambda at: int.from_bytes(token[at : at + 2], "big")
    need(token[0] == 0x1E and two(2) == len(token) and token[8] == 4, "its header and section")
    e, n = token[20 : 20 + two(14)], token[20 + two(14) :]
    need(len(n) == two(18), "as long as it says")
    numbers = load_pem_public_key(path.with_name(f"{export['key']}.pem").read_bytes()).public_numbers()
    of = (int.from_bytes(e, "big"), int.from_bytes(n, "big"))
    need(of == (numbers.e, numbers.n), f"{path.name}: the public key of {export['key']}")


def store(folder, export, keys):
    """A pair in a store: its fingerprint begins as its check value."""
    path = folder / export["path"]
    if keys[export["key"]]["algorithm"] != "RSA":
        return data_key(folder, export, keys)
    found = private_keys(path, passphrase(folder, export["passphrase"]))
    need(len(found) == 1, f"{path.name}: one private key")
    public = load_der_private_key(found[0], None).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(spki).hexdigest().upper()[:16]
    key = keys[export["key"]]
    need(digest == key["kcv"] == export["kcv"], f"{export['key']} in {path.name}: {digest}")
    wrong = False
    try:
        private_keys(path, "ANOTHER-PASSPHRASE")
    except Exception:  # each tool has its own
        wrong = True
    need(wrong, f"{path.name} opens under no other passphrase")


def letter(folder, export, keys, wrapping):
    """The cryptogram on the letter, typed as it stands there."""
    text = pdf_text(folder / export["path"])
    behind = text.split("Cryptogram, scheme U", 1)[1]
    lines = re.findall(r"^\d+\s+((?:[0-9A-F]{4} ?)+)", behind, re.M)
    data = bytes.fromhex("".join("".join(GROUP.findall(line)) for line in lines))
    return variant_u(wrapping[export["under"]], data)


def script(export, data):
    """Scripts and lists, read for their grammar by somebody else's parser."""
    name, text = export["path"], data.decode()
    if name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".xml"):
        ElementTree.fromstring(text)
    elif name.endswith(".csv"):
        rows = list(csv.reader(text.splitlines()))
        need(rows and len({len(row) for row in rows}) == 1, f"{name}: columns alike")
    elif name.endswith(".py"):
        # wsadmin's Jython speaks Python 2: brackets are all that can be said here.
        need(text.count("(") == text.count(")") and text.count("[") == text.count("]"), f"{name}: brackets")
    elif name.endswith(".sh"):
        subprocess.run(["sh", "-n"], input=data, check=True)
    elif name.endswith((".jcl", ".rexx", ".cli")):
        need(all(len(line) <= 255 for line in text.splitlines()), f"{name}: lines of a record")
        if name.endswith(".jcl"):
            need(all(len(line) <= 71 for line in text.splitlines()), f"{name}: cards")
            need(text.startswith("//"), f"{name}: a job")
    else:
        return False
    need(True, f"{name} reads")
    return True


def opened(folder, export, keys, wrapping):
    name, format = export["key"], export["format"]
    data = (folder / export["path"]).read_bytes()
    need(data, f"{export['path']} is there")
    if format in ("pkcs12", "jks", "jceks"):
        return store(folder, export, keys)
    if export["path"].endswith(".pkds.rex"):
        return public_token(folder, export)
    if export["path"].endswith("import-certificates.py"):
        certificates_alone(folder / export["path"])
    if not export["under"]:
        return need(script(export, data), f"{export['path']} is known here")
    need(export["under"] in wrapping, f"{export['under']} stands on paper")
    key, kek = keys[name], wrapping[export["under"]]
    if format[:5] == "tr31-" and format != "tr31-e":
        block = data.decode()
        need(block.strip() == block, f"{export['path']} holds the block alone")
        reader = KeyBlock(kek)
        clear = reader.unwrap(block)
        head = reader.header
        need(format == "tr31-" + head.version_id.lower(), f"{name}: version {head.version_id}")
        need(head.key_usage == key["usage"], f"{name}: usage {head.key_usage}")
        need(head.algorithm == key["algorithm"][0], f"{name}: algorithm {head.algorithm}")
    elif format == "partner-letter":
        clear = letter(folder, export, keys, wrapping)
    else:
        clear = clear_of(format, data, kek)
    need(clear is not None, f"{name} as {format} is opened")
    size = key["bits"] // (7 if key["algorithm"] == "TDES" else 8)
    need(len(clear) == size, f"{name} as {format}: {size} bytes")
    method, kcv = check_value(clear, key["algorithm"])
    need((method, kcv) == (key["kcv_method"], key["kcv"]), f"{name} as {format}: {kcv} ({method})")
    need(kcv == export["kcv"], f"{name}: the export says the same")


def manifest_of(path):
    """The digest that is read aloud: over the first field of the signed manifest."""
    data = path.read_bytes()
    need(data.startswith(b"\x82\x78\x1aconclave/signed-manifest/1\xa2"), f"{path}: its mark")
    at = data.index(b"\x68manifest") + 9
    width = {0x58: 1, 0x59: 2, 0x5A: 4}[data[at]]
    start = at + 1 + width
    inner = data[start : start + int.from_bytes(data[at + 1 : start], "big")]
    return hashlib.sha256(inner).hexdigest()


def digits_below(text, title):
    """The two lines of digits below a title, in groups of four."""
    lines = text.split(title, 1)[1].splitlines()[1:3]
    return "".join("".join(line.split()) for line in lines).lower()


def bundle(folder):
    """A bundle, by its texts and SHA-256 alone."""
    text = (folder / "manifest.txt").read_text()
    said = digits_below(text, "\nManifest, SHA-256")
    need(said == manifest_of(folder / "manifest.cbor"), f"{folder.name}: the manifest's digest")
    names = re.findall(r"^File +(\S+)$", text, re.M)
    for name, part in zip(names, re.split(r"^File +\S+$", text, flags=re.M)[1:]):
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digits_below(part, "  file, SHA-256") != digest:
            need(False, f"{folder.name}: {name} is the file of manifest.txt")
    there = {path.name for path in folder.iterdir()}
    more = there - set(names) - {"manifest.txt", "manifest.cbor", "authority.cbor"}
    need(names and not more, f"{folder.name}: its {len(names)} files, and none more")
    sheet = (folder / "runsheet.txt").read_text()
    need("sha256sum manifest.txt" in " ".join(sheet.split()), f"{folder.name}: its sheet says how to check it")


PIN = re.compile(r"(?:^|\s)((?:\d ){3}\d)(?=\s{2,}|$)", re.M)


def returned(folder, batch):
    """What went back to the issuer, by the commands of the issuers' page."""
    cms = ["openssl", "cms", "-binary", "-inform", "DER"]
    here = {name: str(folder / batch[name]) for name in ["output", "host_certificate", "host_key", "signer"]}
    with tempfile.TemporaryDirectory() as place:
        opening = ["-decrypt", "-in", here["output"], "-out", "signed"]
        opening += ["-recip", here["host_certificate"], "-inkey", here["host_key"]]
        subprocess.run(cms + opening, cwd=place, check=True)
        checking = ["-verify", "-in", "signed", "-CAfile", here["signer"]]
        checking += ["-partial_chain", "-purpose", "any"]
        done = subprocess.run(cms + checking, cwd=place, check=True, capture_output=True)
    return done.stdout.decode()


def mailers(folder, batch):
    """The PINs on the sheets, by the holder's number: the last sheet counts."""
    pins, seen = {}, 0
    for path in batch["mailers"]:
        text = pdf_text(folder / path)
        holder = re.search(r"HOLDER (\d{5})", text).group(1)
        found = PIN.findall(text)
        if len(found) != 1:
            need(False, f"{path}: one PIN of four digits")
        pins[holder] = found[0].replace(" ", "")
        seen += 1
    return pins, seen


def pin_batch(folder, batch):
    components = []
    for path in batch["pvk_components"]:
        lines = (folder / path).read_text().splitlines()
        components.append(bytes.fromhex("".join(GROUP.findall(lines[2]))))
    pvk = bytes(a ^ b ^ c for a, b, c in zip(*components))
    rows = (folder / batch["input"]).read_text().splitlines()
    cards = [row.split(";") for row in rows[1:]]
    need(rows[0].split(";")[2] == str(len(cards)), f"the file has its {len(cards)} cards")
    pins, seen = mailers(folder, batch)
    need(len(pins) == len(cards), "each card has a mailer")
    need(seen == len(cards) + 1, "one mailer was torn, and printed anew")
    text = returned(folder, batch).splitlines()
    need(text[0].startswith("batch;B-0001;BANKX;"), "the output is that batch's")
    need(text[-1] == f"count;{len(cards)};{len(cards)};0", "and every card is issued")
    for card, row in zip(cards, text[2:]):
        number, holder = card[0], card[3].split(" ")[1]
        pvv = pins_of.generate_visa_pvv(pvk, "1", pins[holder], number)
        if row != f"{number};00;issued;{pvv};1;;":
            need(False, f"card {holder}: the PIN on paper has the PVV {pvv}")
    need(True, f"the PINs of {len(cards)} mailers have the PVVs that went back")
    sheet = pdf_text(folder / batch["reconciliation"])
    for what, count in [
        ("mailers confirmed", len(cards)),
        ("PINs replaced", 1),
        ("forms spoiled", 1),
        ("forms missing, an incident", 0),
        ("forms unaccounted for", 0),
    ]:
        need(re.search(rf"{what}\s+{count}\b", sheet), f"the sheet says {what}: {count}")
    need(re.search(r"test prints\s+1: MAIL-1", sheet), "a page of X's came before the batch")
    need(re.search(r"flushed in the end\s+yes", sheet), "the printer was flushed in the end")


def main(folder):
    demo = json.loads((folder / "demo.json").read_text())
    keys = {key["label"]: key for key in demo["keys"]}
    wrapping = {
        label: combine(folder, demo, keys[label])
        for label in sorted({c["key"] for c in demo["components"]})
    }
    need(wrapping, "there are wrapping keys")
    shared(folder, demo, keys)
    for export in demo["exports"]:
        opened(folder, export, keys, wrapping)
    # A and C use a key itself, B, D and E what is derived of it.
    blocks = [e for e in demo["exports"] if e["format"].startswith("tr31-")]
    for under in sorted({e["under"] for e in blocks}):
        made = {e["format"] for e in blocks if e["under"] == under}
        need(len(made) == 1, f"{under} makes one version of TR-31 blocks: {sorted(made)}")
    need(demo["exports"], "there are exports")
    bundles = sorted(path.parent for path in folder.glob("media/*/manifest.cbor"))
    need(bundles, "there are bundles")
    for one in bundles:
        bundle(one)
    pin_batch(folder, demo["pin_batch"])


main(Path(sys.argv[1]))
