"""What a stranger can compute from a demonstration's folder: pdftotext, XOR,
psec and a CMAC. Nothing of Conclave is used.

usage: outsider.py DIR        prints one line a fact; exit 1 at the first that differs
"""

import json
import re
import subprocess
import sys
import warnings
from functools import reduce
from pathlib import Path

warnings.simplefilter("ignore")

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from psec import des, tr31

GROUPS = re.compile(r"^\s*\d\s+((?:[0-9A-F]{4}\s+)+)check\s+[G-Z]\s*$")


def check_value(algorithm, key):
    if algorithm == "TDES":
        return "ENC-ZERO", des.generate_kcv(key, 3).hex().upper()
    mac = CMAC(algorithms.AES(key))
    mac.update(bytes(16))
    return "CMAC", mac.finalize().hex().upper()[:10]


def value_on(text):
    lines = [GROUPS.match(line) for line in text.splitlines()]
    return bytes.fromhex("".join(m.group(1) for m in lines if m).replace(" ", ""))


def pdf_text(path):
    run = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    )
    return run.stdout


def same(what, found, told):
    if found != told:
        sys.exit(f"{what}: found {found}, the file says {told}")
    print(f"{what}: {told}")


def main(folder):
    told = json.loads((folder / "demo.json").read_text())
    keys = {key["label"]: key for key in told["keys"]}
    parts = {}
    for part in told["components"]:
        what = f"{part['key']} component {part['index']} of {part['of']}"
        value = value_on(pdf_text(folder / part["pdf"]))
        key = keys[part["key"]]
        same(f"{what} bytes", len(value), {112: 16, 128: 16, 168: 24, 192: 24, 256: 32}[key["bits"]])
        same(what, check_value(key["algorithm"], value), (part["kcv_method"], part["kcv"]))
        parts.setdefault(part["key"], {})[part["index"]] = value
        same(f"{what} parts", part["of"], 3)
    zone = {}
    for label, values in parts.items():
        assert sorted(values) == [1, 2, 3], label
        key = reduce(lambda a, b: bytes(x ^ y for x, y in zip(a, b)), values.values())
        told_key = keys[label]
        same(
            label,
            check_value(told_key["algorithm"], key),
            (told_key["kcv_method"], told_key["kcv"]),
        )
        zone[label] = key
    for export in told["exports"]:
        block = (folder / export["path"]).read_text()
        header, key = tr31.unwrap(zone[export["under"]], block)
        told_key = keys[export["key"]]
        algorithm = {"T": "TDES", "A": "AES"}[header.algorithm]
        same(f"{export['key']} version", f"tr31-{header.version_id.lower()}", export["format"])
        same(f"{export['key']} algorithm", algorithm, told_key["algorithm"])
        same(f"{export['key']} usage", header.key_usage, told_key["usage"])
        same(export["key"], check_value(algorithm, key)[1], export["kcv"])
        same(f"{export['key']} record", export["kcv"], told_key["kcv"])
    same("zone master keys", len(zone), 2)
    same("exports", len(told["exports"]), 4)


main(Path(sys.argv[1]))
