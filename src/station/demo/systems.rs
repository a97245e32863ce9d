//! The hand-overs of the demonstration: a system of each kind on record, keys
//! and key stores for each, a letter.

use conclave_evidence::GroupId;
use conclave_trades::keys::packages;

use super::{DemoError, Demonstration};
use crate::key_papers::package_words;
use crate::rsa_keys::LEAVES;

/// In a form: the first of the choices.
pub const FIRST: &str = "<first>";
/// In a form: the last of the choices.
pub const LAST: &str = "<last>";

/// For how many days an exception lasts.
const DAYS: &str = "90";
/// Why without a key block, as both quorums read it.
const WHY: &str = "the system takes nothing better before its next release";

/// The pairs whose private halves leave.
const PAIR: &str = "OUR.TLS.001";
const SECOND: &str = "OUR.TLS.002";

/// The printer of the letter, and the sheet's name in `paper/`.
const REPORTS: &str = "REP-1";
/// The letter's name among the papers.
pub const LETTER: &str = "TEST-LETTER-BANK-LAKE.ZPK.001.pdf";

/// The zone master key whose components have papers, and their names.
const ANNOUNCED: &str = "BANK-LAKE.ZMK.001";
const PAPERS: [(&str, &str); 3] = [
    ("envelopes", "TEST-ENVELOPE-BANK-LAKE.ZMK.001-1.pdf"),
    ("label strips", "TEST-STRIP-BANK-LAKE.ZMK.001-1.pdf"),
    ("exchange letter", "TEST-EXCHANGE-BANK-LAKE.ZMK.001.pdf"),
];

/// The medium, as in the main job.
const STICK: &str = "STICK-1";

/// Keys that wrap for one kind of system each: label and template.
const WRAPPING: [(&str, &str); 10] = [
    ("BANK-LAKE.ZMK.A", "zmk-tdes2-tr31-a"),
    ("BANK-LAKE.ZMK.C", "zmk-tdes2-tr31-c"),
    ("BANK-HILL.ZMK.E", "zmk-aes256-tr31-e"),
    ("BANK-LAKE.ZMK.U", "zmk-tdes2-variant"),
    ("BANK-LAKE.ZMK.S", "zmk-tdes2-thales-s"),
    ("BANK-LAKE.LMK.06-07", "lmk-pair"),
    ("BANK-LAKE.KEK.AKB", "zmk-tdes2-akb"),
    ("BANK-LAKE.KEK.VAR", "zmk-tdes2-atalla"),
    ("BANK-LAKE.KEK.CCA", "zmk-tdes2-cca"),
    ("BANK-HILL.KEK.KWP", "zmk-aes256-kwp"),
];

/// A system: name, title of its profile, and its pages of fields.
type System = (
    &'static str,
    &'static str,
    &'static [&'static [&'static str]],
);

const TR31: &str = "TR-31 key blocks (ANSI X9.143)";

const SYSTEMS: &[System] = &[
    ("LAKE TR-31 A", TR31, &[&["longest", "", ""]]),
    ("LAKE TR-31 C", TR31, &[&["longest", "", ""]]),
    ("HILL TR-31 E", TR31, &[&["longest", "", ""]]),
    (
        "LAKE PAYSHIELD",
        "Thales payShield",
        &[&["variant", "00", "zone", "0001", ""]],
    ),
    (
        "LAKE PAYSHIELD KB",
        "Thales payShield",
        &[&["key-block", "00", "zone", "0001", ""]],
    ),
    (
        "LAKE PAYSHIELD LMK",
        "Thales payShield, under the LMK (legacy)",
        &[
            &["allowed", "zone", "", "", "", "BANK-LAKE.LMK.06-07"],
            &["", "", "", "", "", ""],
            &["", "", "", "", "", ""],
            &["", "", "", ""],
        ],
    ),
    ("LAKE ATALLA", "Atalla (HP, Utimaco)", &[&["", "refused"]]),
    (
        "LAKE ICSF",
        "z/OS ICSF: DES tokens, KGUP, REXX",
        &[
            &["KEYROOM.KEK.IMP", "SYS1.CSFCKDS", "", ".", "YES", "ASCII"],
            &["KEYLOAD", "ACCT", "A", "H"],
        ],
    ),
    (
        "HILL NSHIELD",
        "nCipher nShield (Security World)",
        &[&["token", "refused"]],
    ),
    (
        "HILL TOKEN",
        "PKCS#11 token, AES-KWP",
        &[&[
            "/usr/lib/softhsm/libsofthsm2.so",
            "hill",
            "01",
            "AES_KEY_WRAP_PAD",
            "no",
        ]],
    ),
    (
        "LAKE RACF",
        "RACF key rings, by RACDCERT",
        &[&["WEBSRV", "TLSRING", "yes", "KEYROOM", "PKDS"]],
    ),
    ("LAKE DATAPOWER", "IBM DataPower", &[&["payments"]]),
    (
        "LAKE MQ",
        "CMS key database of IBM GSKit, by PKCS#12",
        &[&["runmqakm", "/var/mqm/qmgrs/QM1/ssl/key.kdb", "QM1"]],
    ),
    (
        "LAKE DISK",
        "Tape and disk: ISKLM, SKLM, GKLM",
        &[
            &["DS8000", "123456789012", "", "/opt/keys", "conclave", "lto"],
            &["yes"],
        ],
    ),
    (
        "HILL TAPE",
        "Tape and disk: ISKLM, SKLM, GKLM",
        &[
            &["LTO", "210987654321", "", "/opt/keys", "conclave", "lto"],
            &["no"],
        ],
    ),
    (
        "LAKE ACSP",
        "Network HSM service (ACSP), TLS stores and key map",
        &[
            &[
                "hsm.lake.example",
                "2001",
                "TLS",
                "CCA",
                "BANK.ZPK.1",
                "cards",
            ],
            &["BANK.CVK.1", "issuing", "", "", "", ""],
            &["", "", "", "", "", ""],
        ],
    ),
];

/// Which key for which system under which key, and whether it needs a reason.
const HAND_OVERS: &[(&str, &str, &str, bool)] = &[
    (
        "BANK-LAKE.ZPK.001",
        "LAKE TR-31 A",
        "BANK-LAKE.ZMK.A (tr31-a)",
        true,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE TR-31 C",
        "BANK-LAKE.ZMK.C (tr31-c)",
        true,
    ),
    (
        "BANK-HILL.ZPK.001",
        "HILL TR-31 E",
        "BANK-HILL.ZMK.E (tr31-e)",
        false,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE PAYSHIELD",
        "BANK-LAKE.ZMK.U (thales-variant)",
        true,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE PAYSHIELD KB",
        "BANK-LAKE.ZMK.S (thales-s)",
        false,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE PAYSHIELD LMK",
        "BANK-LAKE.LMK.06-07 (thales-lmk)",
        true,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE ATALLA",
        "BANK-LAKE.KEK.AKB (atalla-akb)",
        false,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE ATALLA",
        "BANK-LAKE.KEK.VAR (atalla-variant)",
        true,
    ),
    (
        "BANK-LAKE.ZPK.001",
        "LAKE ICSF",
        "BANK-LAKE.KEK.CCA (cca-ecb)",
        true,
    ),
    (
        "BANK-HILL.ZPK.001",
        "HILL NSHIELD",
        "BANK-HILL.KEK.KWP (aes-kwp)",
        true,
    ),
    (
        "BANK-HILL.ZPK.001",
        "HILL TOKEN",
        "BANK-HILL.KEK.KWP (aes-kwp)",
        true,
    ),
];

/// A store for no system on record, as the list of systems calls it.
const ALONE: &str = "a key store alone";

/// The name of the sheets with the halves of a store's passphrase.
pub(super) fn store_sheets(system: Option<&str>) -> String {
    format!("STORE-{}", system.unwrap_or(ALONE).replace(' ', "-"))
}

/// A hand-over in stores: for which system (or in a store alone), in which stores, which
/// key first and which with it, and why, where a store is weaker than the key in it.
const STORES: [(&str, &str, &str, &str, &str); 7] = [
    (ALONE, "pkcs12 jks jceks", PAIR, "", ""),
    ("LAKE RACF", "", PAIR, "", ""),
    ("LAKE DATAPOWER", "", PAIR, "", ""),
    ("LAKE MQ", "", PAIR, "", ""),
    ("LAKE DISK", "", PAIR, "", ""),
    ("HILL TAPE", "", "BANK-HILL.DEK.001", "", WHY),
    // The service takes a pair for each side.
    ("LAKE ACSP", "", PAIR, SECOND, ""),
];

/// What is chosen where a data key may leave in either way.
const IN_A_STORE: &str = "in a key store";

fn row(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

impl Demonstration {
    /// Systems on record, and everything that is made for them.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn hand_over(&mut self) -> Result<(), DemoError> {
        self.logon(GroupId::KeyManagers, &[])?;
        self.logon(GroupId::Approvers, &[])?;
        for (label, template) in WRAPPING {
            self.ceremony("generate-zmk.toml", label, row(&[label, template, "2"]))?;
        }
        self.logout()?;
        self.logon(GroupId::Administrators, &[])?;
        self.enrol_report_printer()?;
        for (name, profile, pages) in SYSTEMS {
            self.stage(&format!("record {name}"));
            let mut rows = vec![row(&["a new system", name, profile])];
            rows.extend(pages.iter().map(|page| row(page)));
            self.hands.forms.insert("system.record".into(), rows);
            let end = self.station.record_system(&mut self.hands);
            self.done(name, end)?;
        }
        self.hands.forms.remove("system.record");
        self.logout()?;
        self.logon(GroupId::KeyManagers, &[])?;
        self.logon(GroupId::Approvers, &[])?;
        for (label, system, under, reason) in HAND_OVERS {
            self.stage(&format!("hand {label} over to {system}"));
            let why = if *reason { WHY } else { "" };
            let fields = row(&[system, "", under, STICK, why, DAYS]);
            self.hands.forms.insert("hand-over".into(), vec![fields]);
            let id = self.key_id(label)?;
            let end = self.station.hand_over(id, &mut self.hands);
            self.done(system, end)?;
        }
        self.key_stores()?;
        self.public_half()?;
        self.letter()?;
        self.papers()?;
        self.logout()
    }

    fn enrol_report_printer(&mut self) -> Result<(), DemoError> {
        let Some(printer) = self.printers.0.get(2) else {
            return Err(self.failed("report printer", "there is none"));
        };
        let device = format!("{} serial {}", printer.device(), printer.serial());
        let fields = row(&[REPORTS, &device, "reports", "PDF"]);
        self.stage("enrol a report printer");
        self.hands
            .forms
            .insert("enrol.printer".into(), vec![fields]);
        let end = self.station.ask_printer(&mut self.hands);
        self.done("enrol a printer", end)
    }

    fn key_id(&mut self, label: &str) -> Result<conclave_evidence::Id, DemoError> {
        let keys = self.station.keys();
        let found = keys.into_iter().find(|key| key.label == label);
        found
            .map(|key| key.id)
            .ok_or_else(|| self.failed(label, "it is not there"))
    }

    /// A pair that may leave, in stores; the halves of each passphrase are filed
    /// beside the other paper.
    fn key_stores(&mut self) -> Result<(), DemoError> {
        self.stage("make RSA pairs that may leave");
        for printer in &self.printers.0 {
            drop(printer.take_sheet());
        }
        let fields = row(&[PAIR, "2048", "365", "S0 signatures", LEAVES]);
        self.hands.forms.insert("rsa.new".into(), vec![fields]);
        let end = self.station.make_rsa(None, &mut self.hands);
        self.done(PAIR, end)?;
        let fields = row(&[SECOND, "2048", "365", "S0 signatures", LEAVES]);
        self.hands.forms.insert("rsa.new".into(), vec![fields]);
        let end = self.station.make_rsa(None, &mut self.hands);
        self.done(SECOND, end)?;
        self.hands.choices = vec![IN_A_STORE.into()];
        for (system, stores, key, also, why) in STORES {
            self.stage(&format!("key store: {system}"));
            let id = self.key_id(key)?;
            let alone = if stores.is_empty() { "" } else { "BANK-LAKE" };
            let fields = row(&[system, also, stores, alone, FIRST, LAST, STICK, "", why]);
            if let Some(sheets) = &mut self.hands.sheets {
                sheets.name = store_sheets((system != ALONE).then_some(system));
            }
            self.hands
                .forms
                .insert("store.parameters".into(), vec![fields]);
            let end = self.station.hand_over(id, &mut self.hands);
            self.done(system, end)?;
            self.hands.file_half();
        }
        self.hands.choices.clear();
        Ok(())
    }

    /// The public half of a pair, with what ICSF loads it by.
    fn public_half(&mut self) -> Result<(), DemoError> {
        self.stage("export the public half of a pair");
        let fields = row(&["BANK-LAKE", STICK]);
        self.hands.forms.insert("rsa.export".into(), vec![fields]);
        let id = self.key_id(PAIR)?;
        let end = self.station.export_public(id, &mut self.hands);
        self.done("export a public key", end)
    }

    /// The papers of a zone master key's components: an envelope and a strip for the
    /// first, and the letter that announces all of them.
    fn papers(&mut self) -> Result<(), DemoError> {
        self.stage("print an envelope, a label strip and the letter to the partner");
        let key = self
            .station
            .keys()
            .into_iter()
            .find(|k| k.label == ANNOUNCED);
        let key = key.ok_or_else(|| self.failed(ANNOUNCED, "it is not there"))?;
        let first = packages(&key).first().map(package_words);
        let first = first.ok_or_else(|| self.failed(ANNOUNCED, "no component is sealed"))?;
        let ways = ["in person", "by courier", "by registered post"];
        let ways = ways.get(..key.components.len()).unwrap_or(&ways);
        let letter = [
            "BANK-LAKE",
            "1 Lake Road",
            "3011 Bern",
            "",
            "",
            "",
            "L-1",
            "by our messenger",
            REPORTS,
        ];
        let one = [first.as_str(), REPORTS];
        let forms: [(&str, &[&str]); 3] = [
            ("papers.packages", &one),
            ("papers.letter", &letter),
            ("papers.ways", ways),
        ];
        for (choice, sheet) in PAPERS {
            for (code, fields) in forms {
                self.hands.forms.insert(code.into(), vec![row(fields)]);
            }
            self.hands.choices = vec![choice.into()];
            let end = self.station.print_key_papers(key.id, &mut self.hands);
            self.hands.choices.clear();
            self.done(choice, end)?;
            self.take_report(sheet)?;
        }
        Ok(())
    }

    /// What lies in the report printer, filed among the papers.
    fn take_report(&mut self, sheet: &str) -> Result<(), DemoError> {
        let Some(printer) = self.printers.0.get(2).cloned() else {
            return Err(self.failed(sheet, "there is no report printer"));
        };
        printer
            .save_as(sheet)
            .map_err(|e| self.failed(sheet, e.to_string()))?;
        drop(printer.take_sheet());
        Ok(())
    }

    /// A key under a zone master key as a letter for the partner.
    fn letter(&mut self) -> Result<(), DemoError> {
        self.stage("print a letter for the partner");
        // Minutes of earlier acts lie in the tray; they are filed already.
        for printer in &self.printers.0 {
            drop(printer.take_sheet());
        }
        let fields = row(&["BANK-LAKE.ZMK.U", "BANK-LAKE", REPORTS, WHY, DAYS]);
        self.hands
            .forms
            .insert("letter.parameters".into(), vec![fields]);
        let id = self.key_id("BANK-LAKE.ZPK.001")?;
        let end = self.station.print_key_letter(id, &mut self.hands);
        self.done("letter", end)?;
        self.take_report(LETTER)
    }
}
