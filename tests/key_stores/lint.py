"""Grammar of what is made for each system: the files of one folder, by their names.
Says nothing where all is in order."""
import csv, json, os, re, sys
from xml.dom import minidom
folder = sys.argv[1]
L = r"[A-Z][A-Z0-9.]{0,31}"
RACF = [
    r"RACDCERT ADDRING\([A-Za-z0-9._-]{1,237}\) ID\([A-Z#$@][A-Z0-9#$@]{0,7}\)",
    r"RACDCERT CERTAUTH ADD\('[A-Z0-9#$@.]{1,44}'\) TRUST WITHLABEL\('[^']{1,32}'\)",
    r"RACDCERT ID\(\w+\) CONNECT\(CERTAUTH LABEL\('[^']{1,32}'\) RING\([\w.-]+\) USAGE\(CERTAUTH\)\)",
    r"RACDCERT ID\(\w+\) CONNECT\(ID\(\w+\) LABEL\('" + L + r"'\) RING\([\w.-]+\)( DEFAULT)? USAGE\(PERSONAL\)\)",
    r"RACDCERT ID\(\w+\) LISTRING\([\w.-]+\)",
    r"SETROPTS RACLIST\(DIGTCERT DIGTRING\) REFRESH",
]
N = r"[A-Za-z0-9_.-]{1,32}"
CLI = [r"configure terminal", r"switch domain [A-Za-z0-9_.-]{1,64}", r"crypto", r"password-alias " + N,
       r"key " + N + r" cert:///[\w.-]+ password-alias " + N, r"certificate " + N + r" cert:///[\w.-]+",
       r"idcred " + N + " " + N + " " + N + "( ca " + N + ")*", "exit", "write memory"]
KDB = [r"\S+ -keydb -create -db \S+ -pw \"\$KDB\" -type cms -stash",
       r"\S+ -cert -add -db \S+ -pw \"\$KDB\" -label \S+ -file \S+ -format ascii",
       r"\S+ -cert -import -file \S+\.p12 -pw \"\$STORE\" -type pkcs12 -target \S+ -target_pw \"\$KDB\" -target_type cms -label \S+ -new_label \S+",
       r"\S+ -cert -details -db \S+ -pw \"\$KDB\" -label \S+"]
JYTHON = [r"import java.lang.System as System", r"def ask\(words\):", r"    return ''.join\(.*\)", r"word = ask\(.*\) \+ ask\(.*\)", r"word = None",
       r"print AdminTask.tklmKeyImport\('\[-alias \S+ -fileName \S+ -keyStoreName defaultKeyStore -usage (LTO|3592|DS5000|DS8000) -type privatekey -password ' \+ word \+ '\]'\)",
       r"print AdminTask.tklmDeviceAdd\('\[-type (LTO|3592|DS5000|DS8000) -serialNumber \w+ -attributes \"(\{aliasOne \S+\} \{aliasTwo \S+\}|\{symAlias \S+\})\"\]'\)",
       r"print AdminTask.tklmGroupCreate\('\[-name \S+ -type keygroup -usage LTO\]'\)",
       r"print AdminTask.tklmGroupEntryAdd\('\[-name \S+ -type keygroup -entry \"\{type key\} \{alias [a-z]{3}[0-9a-f]{18}\}\"\]'\)"]
def grammar(name, lines, rules):
    for line in lines:
        if not any(re.fullmatch(rule, line) for rule in rules):
            print(name + ": " + line)
for name in sorted(os.listdir(folder)):
    data = open(os.path.join(folder, name), "rb").read()
    if not name.endswith((".jcl", ".rexx", ".panel", ".cli", ".xml", ".sh", ".py", ".json", ".csv", ".txt")):
        continue
    text = data.decode("ascii")
    lines = text.rstrip("\n").split("\n")
    if name.endswith((".jcl", ".rexx", ".panel")):
        for line in lines:
            if len(line) > 71: print(name + " is wider than a card: " + line)
    if name.endswith(".jcl"):
        commands, now = [], ""
        for line in lines:
            if line.startswith("//") or line == "/*": continue
            part = line.strip()
            now += part[:-1] if part.endswith(" -") else part
            if not part.endswith(" -"):
                commands.append(now); now = ""
        if now: print(name + ": a continuation leads nowhere")
        grammar(name, commands, RACF)
    elif name.endswith(".rexx"):
        if not text.startswith("/* REXX"): print(name + ": does not begin as REXX")
        bare = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for line in bare.split("\n"):
            rest = re.sub(r"\"[^\"]*\"|'[^']*'", "", line)
            if "'" in rest or '"' in rest: print(name + ": a quote is open: " + line)
    elif name.endswith(".cli"):
        grammar(name, lines, CLI)
    elif name.endswith(".xml"):
        minidom.parseString(data)
    elif name.endswith(".sh"):
        grammar(name, [l.strip() for l in lines if re.match(r"\s*(runmqakm|gsk8capicmd_64) ", l)], KDB)
    elif name.endswith(".py"):
        grammar(name, [l for l in lines if not l.startswith("#")], JYTHON)
    elif name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".csv"):
        rows = list(csv.reader(lines))
        if len({len(row) for row in rows}) != 1: print(name + ": rows of other lengths")
