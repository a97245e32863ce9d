//! Files that other systems take: job cards, execs, commands, requests. Told by their
//! first lines; what stands in them is read by those systems, not here.

use conclave_crypto::describe::{Confidence, Described};

use super::looks;

/// Longest text that is looked at, in bytes.
const TEXT_MOST: usize = 4 << 20;

/// A kind of file: what its first lines have, what it is, and what happens to it.
struct Host {
    is: fn(&str) -> bool,
    what: &'static str,
    use_of: &'static str,
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end()
}

/// The first lines: so many bytes hold what tells them apart.
fn head(text: &str) -> &str {
    let end = (0..=text.len().min(600)).rev();
    end.into_iter()
        .find_map(|at| text.get(..at))
        .unwrap_or_default()
}

/// The first line of a list of devices.
const DEVICES: &str = "serial,wwn,type,alias";

const HOSTS: [Host; 18] = [
    Host {
        is: |text| {
            let verbs = ["ADD TYPE(", "UPDATE TYPE(", "DELETE TYPE(", "RENAME TYPE("];
            verbs.iter().any(|verb| text.starts_with(verb))
        },
        what: "control statements for KGUP, z/OS ICSF",
        use_of: "the job with PGM=CSFKGUP reads them from CSFIN",
    },
    Host {
        is: |text| first(text).starts_with("/* REXX"),
        what: "REXX exec, z/OS",
        use_of: "it is run under TSO; read it before",
    },
    Host {
        is: |text| {
            let card = first(text).strip_prefix("//");
            card.is_some_and(|card| card.split_whitespace().nth(1) == Some("JOB"))
        },
        what: "job control (JCL), z/OS",
        use_of: "it is submitted as a job; complete its JOB card",
    },
    Host {
        is: |text| first(text) == ")ATTR" && head(text).contains(")BODY"),
        what: "panel of ISPF, z/OS",
        use_of: "it belongs to an exec that shows it",
    },
    Host {
        is: |text| matches!(first(text), "configure terminal" | "co" | "config"),
        what: "commands for DataPower (CLI)",
        use_of: "they are run at the appliance with exec",
    },
    Host {
        is: |text| text.starts_with('<') && head(text).contains("www.datapower.com/schemas"),
        what: "management request for DataPower (SOMA, XML)",
        use_of: "it is posted to the appliance's XML management interface",
    },
    Host {
        is: |text| {
            let line = first(text).as_bytes();
            let header = line
                .get(..4)
                .is_some_and(|h| h.iter().all(u8::is_ascii_alphanumeric));
            let code = line
                .get(4..6)
                .is_some_and(|c| c.iter().all(u8::is_ascii_alphanumeric));
            header && code && first(text).contains("<ZMK>")
        },
        what: "host commands for payShield",
        use_of: "put the zone master key for <ZMK>; a host or a console test sends them",
    },
    Host {
        is: |text| first(text).starts_with("#!") && head(text).contains("# CONCLAVE-"),
        what: "script of an export bundle",
        use_of: "it is run in the bundle's folder; read it before",
    },
    Host {
        is: |text| head(text).contains("\"format\": \"conclave/service-map/"),
        what: "service map of an export bundle, JSON",
        use_of: "which file is for which role; it holds no secret",
    },
    Host {
        is: |text| text.starts_with('{') && head(text).contains("\"mechanism\": \"CKM_"),
        what: "PKCS#11 template of a wrapped key, JSON",
        use_of: "attributes and check values for C_UnwrapKey; the wrapped key is the file it names",
    },
    Host {
        is: |text| first(text).starts_with("FILE,CKA_CLASS,"),
        what: "PKCS#11 attributes of the keys of a bundle, CSV",
        use_of: "a line for each wrapped key, for people and programs",
    },
    Host {
        is: |text| first(text).starts_with("#!") && head(text).contains("keys of this bundle"),
        what: "script of an export bundle",
        use_of: "it is run in the bundle's folder; read it before",
    },
    Host {
        is: |text| {
            first(text).starts_with("#!")
                && head(text).contains("Loads keys that were wrapped to an RSA key")
        },
        what: "loader for a PKCS#11 token, Python",
        use_of: "it is run in the bundle's folder, with python-pkcs11; read it before",
    },
    Host {
        is: |text| {
            let line = first(text);
            line.starts_with("# Run it with: wsadmin.sh") && line.contains("certificates.py")
        },
        what: "certificates for a partner's key lifecycle manager (wsadmin, Jython)",
        use_of: "it imports certificates alone: no key and no passphrase is in it",
    },
    Host {
        is: |text| first(text).starts_with("# Run it with: wsadmin.sh"),
        what: "script for a key lifecycle manager (wsadmin, Jython)",
        use_of: "it imports pairs, for which it asks the passphrase, or makes the group of data \
                 keys, and ties the drive to them; read it before",
    },
    Host {
        is: |text| first(text) == DEVICES,
        what: "list of devices of a key lifecycle manager, CSV",
        use_of: "drive, world-wide name, type and alias, for the other side's records",
    },
    Host {
        is: |text| head(text).contains("@STORE-PASSPHRASE@"),
        what: "imports for a key lifecycle manager, JSON for its REST interface",
        use_of: "the passphrase is put in where it is used, and stands in no file",
    },
    Host {
        is: |text| {
            text.starts_with('{')
                && text.contains("\"channel\": \"")
                && text.contains("\"check_value_method\"")
        },
        what: "list of the keys of a web PIN channel, JSON",
        use_of: "generation, files, usages and check values, for the channel's program",
    },
];

/// The text without values that are as long as a key and are none: identifiers of
/// objects, digests of certificates, names of devices, and the MAC of a text that
/// everybody knows.
fn without_names(text: &str) -> String {
    const NAMES: [&str; 3] = ["\"CKA_ID\": \"", "\"fingerprint\": \"", "\"mac\": \""];
    const TABLES: [(&str, &str); 2] = [("FILE,CKA_CLASS,", "CKA_ID"), (DEVICES, "wwn")];
    let table = TABLES
        .iter()
        .find(|(head, _)| first(text).starts_with(head));
    let column = table.and_then(|(_, of)| first(text).split(',').position(|name| name == *of));
    let cut = |line: &str| -> String {
        if let Some(column) = column {
            let mut cells: Vec<&str> = line.split(',').collect();
            if let Some(cell) = cells.get_mut(column) {
                *cell = "";
            }
            return cells.join(",");
        }
        // A script loads a file under a label and an identifier.
        if line.starts_with("load '") {
            return line
                .rsplit_once(' ')
                .map_or("", |(rest, _)| rest)
                .to_owned();
        }
        let mut line = line.to_owned();
        // A file may be one line, with many of each.
        for name in NAMES {
            let mut kept = String::with_capacity(line.len());
            let mut rest = line.as_str();
            while let Some((before, value)) = rest.split_once(name) {
                kept.push_str(before);
                kept.push_str(name);
                rest = value
                    .find('"')
                    .and_then(|end| value.get(end..))
                    .unwrap_or("");
            }
            kept.push_str(rest);
            line = kept;
        }
        line
    };
    let lines: Vec<String> = text.lines().map(cut).collect();
    lines.join("\n")
}

/// Describes a file for another system.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if bytes.len() > TEXT_MOST {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let host = HOSTS.iter().find(|host| (host.is)(text))?;
    let mut said = Described::new(host.what, Confidence::Likely);
    said.field("lines", text.lines().count().to_string(), "");
    said.field("use", "for another system", host.use_of);
    let kgup = host.what.contains("KGUP") || text.contains("PGM=CSFKGUP");
    let words = |line: &str| -> Vec<String> {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words.map(str::to_owned).collect()
    };
    let clear = text
        .lines()
        .zip(1usize..)
        .find(|(line, _)| kgup && words(line).iter().any(|word| word == "CLEAR"));
    if let Some((_, at)) = clear {
        said.clear_secret(format!(
            "line {at} says CLEAR: the key that it adds is not encrypted"
        ));
    } else if kgup && text.contains("TRANSKEY(") {
        said.field("keys", "encrypted", "under the key that TRANSKEY names");
    } else if let Some(at) = looks::key_line(&without_names(text)) {
        said.unusual(format!(
            "line {at} has hexadecimal digits{}",
            looks::KEY_LIKE
        ));
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn a_line_each_by_their_first_lines() {
        for (text, what) in [
            (
                "ADD TYPE(OPINENC),\nLABEL(A),\nTRANSKEY(K),\nKEY(628926DE19761FD7)\n",
                "KGUP",
            ),
            ("/* REXX */\nexit\n", "REXX"),
            ("//KEYLOAD  JOB (ACCT)\n", "JCL"),
            (")ATTR\n)BODY\n", "ISPF"),
            ("configure terminal\ncrypto\n", "DataPower"),
            (
                "<?xml version=\"1.0\"?>\n<a xmlns:dp=\"http://www.datapower.com/schemas/management\">",
                "SOMA",
            ),
            ("0001A6001<ZMK>U0000U%00\n", "payShield"),
            ("#!/bin/sh\n# CONCLAVE-0015-TEST TEST: loads\n", "script"),
            (
                "{\n  \"format\": \"conclave/service-map/1\"\n}",
                "service map",
            ),
            (
                "{\n  \"file\": \"A.kwp\",\n  \"mechanism\": \"CKM_AES_KEY_WRAP_PAD\"}",
                "PKCS#11 template",
            ),
            ("FILE,CKA_CLASS,CKA_KEY_TYPE\n", "PKCS#11 attributes"),
            (
                "#!/bin/sh\n# Takes the keys of this bundle into\n",
                "script",
            ),
            (
                "#!/usr/bin/env python3\n\"\"\"Loads keys that were wrapped to an RSA key of",
                "loader",
            ),
            (
                "# Run it with: wsadmin.sh -username USER\n",
                "makes the group",
            ),
            (
                "# Run it with: wsadmin.sh -f import-certificates.py\n",
                "certificates for a partner",
            ),
            ("serial,wwn,type,alias\n", "list of devices"),
            ("[\n {\"password\": \"@STORE-PASSPHRASE@\"}\n]\n", "imports"),
            (
                "{\"channel\": \"RETAIL\", \"keys\": [{\"check_value_method\": \"CMAC\"}]}",
                "web PIN",
            ),
        ] {
            let said = describe(text.as_bytes()).unwrap();
            let words = format!("{}: {}", said.what, said.fields[1].meaning);
            assert!(words.contains(what) && !said.clear_secret, "{said:?}");
        }
        for text in ["", "ADD", "// a comment", "<a/>", "0001", "#!/bin/sh\nls"] {
            assert!(describe(text.as_bytes()).is_none(), "{text}");
        }
    }

    /// DES weak keys, as published, in the place of a key and of what is none.
    #[test]
    fn an_identifier_is_no_key_and_a_key_beside_it_is_told() {
        let key = "0101010101010101FEFEFEFEFEFEFEFE";
        let json = |name: &str| {
            format!(
                "{{\n  \"mechanism\": \"CKM_X\",\n  \"{name}\": \"{key}\", \"b\": {{\"CKA_ID\": \
                 \"{key}\"}}\n}}\n"
            )
        };
        let table =
            |label: &str| format!("FILE,CKA_CLASS,CKA_LABEL,CKA_ID\nA.kwp,CKO,{label},{key}\n");
        let devices = "serial,wwn,type,alias\n1,0101010101010101,DS8000,a\n".to_owned();
        let script = format!("#!/bin/sh\n# the keys of this bundle\nload 'A.kwp' 'A' {key}\n");
        for text in [json("CKA_ID"), json("mac"), table("A"), devices, script] {
            let said = describe(text.as_bytes()).unwrap();
            assert!(said.unusual.is_empty(), "{text}: {said:?}");
        }
        for text in [json("value"), table(key)] {
            let said = describe(text.as_bytes()).unwrap();
            assert!(said.unusual[0].contains("hexadecimal"), "{text}: {said:?}");
        }
    }

    /// DES weak keys, as published.
    #[test]
    fn a_clear_key_for_kgup_is_loud() {
        let text = "ADD TYPE(DATA) LABEL(A) CLEAR,\nKEY(0101010101010101)\n";
        let said = describe(text.as_bytes()).unwrap();
        assert!(said.clear_secret && !format!("{said:?}").contains("0101"));
        let job = "//A JOB (B)\n0101010101010101FEFEFEFEFEFEFEFE\n";
        let said = describe(job.as_bytes()).unwrap();
        assert!(said.unusual[0].contains("line 2"), "{said:?}");
    }
}
