//! RACF: PKCS#12 in both forms, a REXX that asks for the passphrase on a panel,
//! and the job with certificates of authorities and key rings.

use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;

use super::{HandOver, HandedKey, StoreTarget, rule, steps, text, value};
use crate::target::{Conformance, Payload, TargetError};
use conclave_keyroom::domain::target_system::Settings;

/// RACF of z/OS, RACDCERT.
pub struct Racf;

/// RACDCERT WITHLABEL (z/OS Security Server RACF Command Language Reference).
const LABEL_MOST: usize = 32;
/// Columns of a card that are read.
const CARD: usize = 71;
const FB80: Option<u32> = Some(80);
/// A data set's name.
const DATA_SET_MOST: usize = 44;

/// A data set for the at-th file of a kind: `HLQ.K001.P12`.
fn data_set(
    over: &HandOver<'_>,
    letter: char,
    at: usize,
    last: &str,
) -> Result<String, TargetError> {
    let prefix = value(over.settings, "data-set-prefix")?;
    Ok(format!("{prefix}.{letter}{at:03}.{last}"))
}

/// A command in cards: continued with a hyphen where it is long, broken between
/// words alone.
fn command(words: &[String]) -> Vec<String> {
    let mut cards = Vec::new();
    let mut card = String::from(" ");
    for word in words {
        if card.len() + word.len() + 3 > CARD {
            cards.push(format!("{card} -"));
            card = "   ".into();
        }
        card.push(' ');
        card.push_str(word);
    }
    cards.push(card);
    cards
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

/// The label of an authority: of the bundle, since a key's label may fill what
/// RACF takes.
fn authority_label(over: &HandOver<'_>, at: usize) -> String {
    format!("{}.CA{at}", over.folder)
}

/// CA certificates of all chains, each once, in the order of the bundle.
fn authorities<'a>(over: &'a HandOver<'_>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for file in over.keys.iter().flat_map(|k| k.certificates.iter().skip(1)) {
        if !all.contains(&file.as_str()) {
            all.push(file);
        }
    }
    all
}

impl Racf {
    fn job(over: &HandOver<'_>) -> Result<Vec<String>, TargetError> {
        let settings = over.settings;
        let (user, ring) = (value(settings, "user")?, value(settings, "ring")?);
        let id = format!("ID({user})");
        let mut lines = words(&[
            "//CONCRING JOB (ACCT),'KEY RING',CLASS=A,MSGCLASS=X",
            "//* Complete the JOB card. Submit it after the exec CONCRACF has",
            "//* loaded the keys. Nothing secret stands in it.",
            "//RING     EXEC PGM=IKJEFT01",
            "//SYSTSPRT DD SYSOUT=*",
            "//SYSTSIN  DD *",
        ]);
        if settings.value("new-ring") == Some("yes") {
            lines.extend(command(&words(&[
                "RACDCERT",
                &format!("ADDRING({ring})"),
                &id,
            ])));
        }
        for at in 1..=authorities(over).len() {
            let label = authority_label(over, at);
            lines.extend(command(&words(&[
                "RACDCERT",
                "CERTAUTH",
                &format!("ADD('{}')", data_set(over, 'A', at, "CRT")?),
                "TRUST",
                &format!("WITHLABEL('{label}')"),
            ])));
            lines.extend(command(&words(&[
                "RACDCERT",
                &id,
                "CONNECT(CERTAUTH",
                &format!("LABEL('{label}')"),
                &format!("RING({ring})"),
                "USAGE(CERTAUTH))",
            ])));
        }
        for (at, key) in over.keys.iter().enumerate() {
            let mut connect = words(&[
                "RACDCERT",
                &id,
                &format!("CONNECT({id}"),
                &format!("LABEL('{}')", key.alias),
                &format!("RING({ring})"),
            ]);
            if at == 0 {
                connect.push("DEFAULT".into());
            }
            connect.push("USAGE(PERSONAL))".into());
            lines.extend(command(&connect));
        }
        lines.extend(words(&["  SETROPTS RACLIST(DIGTCERT DIGTRING) REFRESH"]));
        lines.extend(command(&words(&[
            "RACDCERT",
            &id,
            &format!("LISTRING({ring})"),
        ])));
        lines.push("/*".into());
        Ok(lines)
    }

    fn exec(over: &HandOver<'_>) -> Result<Vec<String>, TargetError> {
        let settings = over.settings;
        let user = value(settings, "user")?;
        let mut lines = words(&[
            "/* REXX: loads the keys of one bundle into RACF.",
            "   The passphrase is typed on the panel CONCPW, whose fields do not",
            "   show it. It is in no data set and in no listing. */",
            "trace off",
            "address ispexec",
            "h1 = ''; h2 = ''",
            "'DISPLAY PANEL(CONCPW)'",
            "if rc <> 0 then exit 8",
            "pw = strip(h1) || strip(h2)",
            "h1 = ''; h2 = ''",
            "'VPUT (H1 H2) SHARED'",
            "if length(pw) <> 56 then do",
            "  say 'each half has 28 characters'; exit 8; end",
            "worst = 0",
        ]);
        for (at, key) in (1..).zip(&over.keys) {
            let pkds = pkds(key, settings)?;
            lines.push(format!("call load '{}',,", data_set(over, 'K', at, "P12")?));
            lines.push(format!("  '{}',,", key.alias));
            lines.push(format!("  '{pkds}'"));
        }
        lines.extend(words(&[
            "pw = ''",
            "exit worst",
            "load: procedure expose pw worst",
            "  parse arg dsn, label, pkds",
            "  x = outtrap('said.')",
            "  address tso,",
        ]));
        lines.push(format!("    \"RACDCERT ID({user}) ADD('\"dsn\"') TRUST\","));
        lines.extend(words(&[
            "    \"WITHLABEL('\"label\"') PASSWORD('\"pw\"')\" pkds",
            "  code = rc",
            "  x = outtrap('off')",
            "  do i = 1 to said.0",
            "    if pos(pw, said.i) = 0 then say said.i",
            "  end",
            "  say label 'return code' code",
            "  worst = max(worst, code)",
            "  return",
        ]));
        Ok(lines)
    }
}

/// `PKDS(LABEL)`, in the spelling of the release; nothing where the key stays
/// in RACF's own database.
fn pkds(key: &HandedKey<'_>, settings: &Settings) -> Result<String, TargetError> {
    Ok(match value(settings, "private-key")? {
        "PKDS" => format!("PKDS({})", key.alias),
        "RACF" => String::new(),
        old => old.to_owned(),
    })
}

impl StoreTarget for Racf {
    fn name(&self) -> &'static str {
        "racf"
    }

    fn title(&self) -> &'static str {
        "RACF key rings, by RACDCERT"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pkcs12Legacy, Kind::Pkcs12]
    }

    fn usual(&self, _: &Settings) -> Vec<Kind> {
        self.kinds().to_vec()
    }

    fn store_each(&self, _: &Settings) -> bool {
        true
    }

    fn check(&self, keys: &[&KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        for key in keys {
            if key.label.len() > LABEL_MOST {
                return Err(rule(
                    format!(
                        "{}: a label of RACF has at most {LABEL_MOST} characters",
                        key.label
                    ),
                    "make a pair with a shorter label",
                ));
            }
            let fits = key
                .label
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'.');
            let starts = key
                .label
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_uppercase());
            if value(settings, "private-key")? == "PKDS" && !(fits && starts) {
                return Err(rule(
                    format!("{}: a label of the PKDS has A-Z, 0-9 and dots", key.label),
                    "make a pair with such a label, or keep the key in RACF's database",
                ));
            }
        }
        let longest = value(settings, "data-set-prefix")?.len() + ".K001.P12".len();
        if longest > DATA_SET_MOST {
            return Err(rule(
                format!("a data set's name has at most {DATA_SET_MOST} characters"),
                "shorten the prefix in the record of the system",
            ));
        }
        Ok(())
    }

    fn companions(&self, over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        let panel = words(&[
            ")ATTR",
            " _ TYPE(INPUT) INTENS(NON) CAPS(ON)",
            ")BODY",
            "%------------------- PASSPHRASE OF THE KEY STORE -------------------",
            "+",
            "+  Each types their own half; the other looks away.",
            "+",
            "%  HALF 1%===>_H1                            +",
            "%  HALF 2%===>_H2                            +",
            "+",
            "%  ENTER+to go on,%END+to stop.",
            ")INIT",
            "  &H1 = ''",
            "  &H2 = ''",
            ")PROC",
            "  VER (&H1,NB,LEN,EQ,28)",
            "  VER (&H2,NB,LEN,EQ,28)",
            ")END",
        ]);
        Ok(vec![
            text("CONCRACF.rexx", "REXX exec", &Self::exec(over)?, FB80),
            text("CONCPW.panel", "ISPF panel", &panel, FB80),
            text("CONCRING.jcl", "job for key rings", &Self::job(over)?, FB80),
        ])
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let said = |text: &str, values: &[(&str, &str)]| steps(self, over, text, values);
        let mut steps = said("before", &[]);
        for (at, key) in (1..).zip(&over.keys) {
            if let (Ok(name), Some((kind, file))) =
                (data_set(over, 'K', at, "P12"), key.stores.first())
            {
                let values = [
                    ("file", file.as_str()),
                    ("name", name.as_str()),
                    ("kind", kind.title()),
                ];
                steps.extend(said("store", &values));
            }
        }
        for (at, file) in (1..).zip(authorities(over)) {
            if let Ok(name) = data_set(over, 'A', at, "CRT") {
                let label = authority_label(over, at);
                let values = [
                    ("file", file),
                    ("name", name.as_str()),
                    ("label", label.as_str()),
                ];
                steps.extend(said("authority", &values));
            }
        }
        for text in ["steps", "errors", "after"] {
            steps.extend(said(text, &[]));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use conclave_keyroom::domain::key::CheckValue;

    use super::super::samples;
    use super::*;

    #[test]
    fn an_authority_has_a_label_that_racf_takes() {
        let kcv = CheckValue {
            value: String::new(),
            method: String::new(),
        };
        let label = "X".repeat(LABEL_MOST);
        let key = samples::key(&label, kcv);
        let texts = [
            ("user", "TLS"),
            ("ring", "RING"),
            ("data-set-prefix", "SYS1"),
        ];
        let values: BTreeMap<String, String> = texts
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();
        let settings = Settings {
            values,
            ..Settings::default()
        };
        let over = HandOver {
            folder: "CONCLAVE-9999-PRODUCTION",
            mode: "PRODUCTION",
            recipient: "LAKE",
            settings: &settings,
            holders: ["Gus", "Hal"],
            keys: vec![HandedKey {
                key: &key,
                alias: label.clone(),
                stores: Vec::new(),
                certificates: ["", ".ca1", ".ca2"]
                    .map(|which| format!("{label}{which}.crt"))
                    .into(),
                until: None,
            }],
            files: Vec::new(),
        };
        let job = Racf::job(&over).unwrap().join("\n");
        let labels: Vec<&str> = job
            .split("LABEL('")
            .skip(1)
            .filter_map(|rest| rest.split('\'').next())
            .collect();
        assert_eq!(labels.len(), 5, "{job}");
        assert!(
            labels.iter().all(|label| label.len() <= LABEL_MOST),
            "{job}"
        );
        assert!(job.contains("CONCLAVE-9999-PRODUCTION.CA2"), "{job}");
    }
}
