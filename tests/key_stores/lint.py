"""Grammar of what is made for each system: the files of one folder, by their names.
Says nothing where all is in order."""
import base64, csv, json, os, re, sys
from xml.dom import minidom
folder = sys.argv[1]
L = r"[A-Z][A-Z0-9.]{0,31}"
RACF = [
    r"RACDCERT ADDRING\([A-Za-z0-9._-]{1,237}\) ID\([A-Z#$@][A-Z0-9#$@]{0,7}\)",
    r"RACDCERT ID\(\w+\) ADD\('[A-Z0-9#$@.]{1,44}'\) TRUST WITHLABEL\('[^']{1,32}'\) PASSWORD\('[^']{1,100}'\)( (PKDS(\((" + L + r"|\*)\))?|ICSF|PCICC))?",
    r"RACDCERT CERTAUTH ADD\('[A-Z0-9#$@.]{1,44}'\) TRUST WITHLABEL\('[^']{1,32}'\)",
    r"RACDCERT ID\(\w+\) CONNECT\(CERTAUTH LABEL\('[^']{1,32}'\) RING\([\w.-]+\) USAGE\(CERTAUTH\)\)",
    r"RACDCERT ID\(\w+\) CONNECT\(ID\(\w+\) LABEL\('" + L + r"'\) RING\([\w.-]+\)( DEFAULT)? USAGE\(PERSONAL\)\)",
    r"RACDCERT ID\(\w+\) LISTRING\([\w.-]+\)",
    r"SETROPTS RACLIST\(DIGTCERT DIGTRING\) REFRESH",
]
N = r"[A-Za-z0-9_.-]{1,32}"
# IBM's command reference: the password map is kept by password-map in crypto mode. Older
# firmware has an object on one line; from 10 on key, certificate and idcred are modes.
FILE = r"cert:///[\w.-]+"
ABOUT = [r"configure terminal", r"switch domain [A-Za-z0-9_.-]{1,64}", "crypto", "password-map"]
OLDER = [r"key " + N + " " + FILE + " password-alias " + N, r"certificate " + N + " " + FILE,
         r"idcred " + N + " " + N + " " + N + "( ca " + N + ")*"]
MODES = [r"key (" + N + r")\n file-name (" + FILE + r")\n password-alias (" + N + r")\n exit",
         r"certificate (" + N + r")\n file-name (" + FILE + r")\n exit",
         r"idcred (" + N + r")\n key (" + N + r")\n certificate (" + N + r")(\n ca (" + N + r"))*\n exit"]
KDB = [r"\S+ -keydb -create -db \S+ -pw \"\$KDB\" -type cms -stash",
       r"\S+ -cert -add -db \S+ -pw \"\$KDB\" -label \S+ -file \S+ -format ascii",
       r"\S+ -cert -import -file \S+\.p12 -pw \"\$STORE\" -type pkcs12 -target \S+ -target_pw \"\$KDB\" -target_type cms -label \S+ -new_label \S+",
       r"\S+ -cert -details -db \S+ -pw \"\$KDB\" -label \S+"]
JYTHON = [r"import java.lang.System as System", r"def ask\(words\):", r"    return ''.join\(.*\)", r"word = ask\(.*\) \+ ask\(.*\)", r"word = None",
       r"print AdminTask.tklmKeyImport\('\[-alias \S+ -fileName \S+ -keyStoreName defaultKeyStore -usage (LTO|3592|DS5000|DS8000) -type privatekey -password ' \+ word \+ '\]'\)",
       r"print AdminTask.tklmCertImport\('\[-fileName \S+\.crt -alias \S+ -format base64 -keyStoreName defaultKeyStore -usage (3592|DS5000|DS8000)\]'\)",
       r"print AdminTask.tklmDeviceAdd\('\[-type (LTO|3592|DS5000|DS8000) -serialNumber \w+ -attributes \"(\{aliasOne \S+\} \{aliasTwo \S+\}|\{symAlias \S+\})\"\]'\)",
       r"print AdminTask.tklmGroupCreate\('\[-name \S+ -type keygroup -usage LTO\]'\)",
       r"print AdminTask.tklmGroupEntryAdd\('\[-name \S+ -type keygroup -entry \"\{type key\} \{alias [a-z]{3}[0-9a-f]{18}\}\"\]'\)"]
def grammar(name, lines, rules):
    for line in lines:
        if not any(re.fullmatch(rule, line) for rule in rules):
            print(name + ": " + line)
DP = "http://www.datapower.com/schemas/management"
def children(node):
    return [n for n in node.childNodes if n.nodeType == n.ELEMENT_NODE]
def soma(name, document):
    """The envelope, and one request in it: files, objects, or an action."""
    envelope = document.documentElement
    way = [envelope.localName] + [n.localName for n in children(envelope)]
    request = children(children(envelope)[0])[0]
    if way != ["Envelope", "Body"] or (request.namespaceURI, request.localName) != (DP, "request") or not request.getAttribute("domain"):
        print(name + ": no request of the management interface")
    inside = children(request)
    if name == "soma-files.xml":
        put = []
        for node in inside:
            if (node.namespaceURI, node.localName) != (DP, "set-file"): print(name + ": " + node.tagName)
            file = node.getAttribute("name").removeprefix("cert:///")
            if "/" in file: print(name + ": " + file)
            elif base64.b64decode(node.firstChild.data, validate=True) != open(os.path.join(folder, file), "rb").read():
                print(name + ": another content for " + file)
            put.append(file)
        there = sorted(n for n in os.listdir(folder) if n.endswith((".p12", ".crt", ".jks")))
        if sorted(put) != there: print(name + ": carries %s of %s" % (put, there))
    elif name == "soma-objects.xml":
        ORDER = {"CryptoKey": ["mAdminState", "Filename", "Alias"], "CryptoCertificate": ["mAdminState", "Filename"],
                 "CryptoIdentCred": ["mAdminState", "Key", "Certificate"]}
        if [n.localName for n in inside] != ["set-config"]: print(name + ": no set-config")
        for node in children(inside[0]):
            parts = [n.localName for n in children(node)]
            while node.localName == "CryptoIdentCred" and parts[-1] == "CA": parts.pop()
            if parts != ORDER.get(node.localName) or not node.getAttribute("name"):
                print(name + ": " + node.toxml())
    elif [n.toxml() for n in inside] != ["<dp:do-action><SaveConfig/></dp:do-action>"]:
        print(name + ": no SaveConfig")
for name in sorted(os.listdir(folder)):
    data = open(os.path.join(folder, name), "rb").read()
    if name == "issued.racf":
        grammar(name, data.decode("ascii").splitlines(), RACF)
        continue
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
        if lines[:4] != [l for l in lines[:4] if any(re.fullmatch(r, l) for r in ABOUT)]:
            print(name + ": its beginning")
        if lines[-3:] != ["exit", "write memory", "exit"]: print(name + ": its end")
        objects = re.split(r"\n(?! )", "\n".join(lines[4:-3]))
        grammar(name, objects, OLDER if "older" in name else MODES)
    elif name.endswith(".xml"):
        soma(name, minidom.parseString(data))
    elif name.endswith(".sh"):
        grammar(name, [l.strip() for l in lines if re.match(r"\s*(runmqakm|gsk8capicmd_64) ", l)], KDB)
    elif name.endswith(".py"):
        grammar(name, [l for l in lines if not l.startswith("#")], JYTHON)
    elif name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".csv"):
        rows = list(csv.reader(lines))
        if len({len(row) for row in rows}) != 1: print(name + ": rows of other lengths")
