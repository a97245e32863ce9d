//! An issuer of the demonstration: its PIN verification key on printed sheets,
//! its certificates, its file of cards, and what it opens of what goes back.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use conclave_crypto::card::pan::Pan;
use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_crypto::x509::cms::{Recipient, Signer, seal};
use conclave_crypto::x509::rsa_pair::pem;
use conclave_crypto::x509::{self, Purpose, Request};
use conclave_evidence::{Bytes, Hash};
use conclave_keyroom::domain::pin_key::PinUse;

use super::papers::{Papers, pin_key_papers};

/// Its name.
pub const NAME: &str = "BANKX";
/// A key of the issuer's that comes on sheets.
#[derive(Clone, Copy)]
pub struct IssuerKey {
    /// Its label.
    pub label: &'static str,
    /// Its template, TDES-2.
    pub template: &'static str,
    /// What the PIN room does with it.
    pub pin_use: PinUse,
}

/// Its PIN verification key.
pub const PVK: IssuerKey = IssuerKey {
    label: "BANKX.PVK.001",
    template: "pvk-tdes2",
    pin_use: PinUse::Pvv,
};
/// On how many sheets it comes.
pub const SHEETS: u8 = 3;
/// The batch's id, and how many cards it has.
pub const BATCH: (&str, u32) = ("B-0001", 200);

/// The issuer's side.
pub struct Issuer {
    /// The PIN verification key's papers.
    pub pvk: Papers,
    signs: (KeyPair, Vec<u8>),
    receives: (KeyPair, Vec<u8>),
}

/// A certificate as administrators record it.
pub struct Enrolled {
    /// DER.
    pub der: Bytes,
    /// Its SHA-256.
    pub fingerprint: Hash,
}

fn pair(
    name: &str,
    purpose: Purpose,
    now_s: u64,
    random: &mut dyn RandomSource,
) -> Result<(KeyPair, Vec<u8>), String> {
    let pair = KeyPair::generate(random).map_err(|e| e.to_string())?;
    let mut serial = [0x41; 12];
    let end = serial.get_mut(1..).unwrap_or_default();
    random.public(end).map_err(|e| e.to_string())?;
    let request = Request {
        subject: name,
        public: pair.public(),
        purpose,
        serial: &serial,
        not_before: now_s.saturating_sub(3600),
        not_after: now_s.saturating_add(365 * 86_400),
    };
    let issuer = x509::Issuer {
        name,
        public: pair.public(),
    };
    let der =
        x509::issue(issuer, &request, |digest| pair.sign(digest)).map_err(|e| e.to_string())?;
    Ok((pair, der))
}

fn enrolled(der: &[u8]) -> Result<Enrolled, String> {
    let read = Recipient::read(der).map_err(|e| e.to_string())?;
    Ok(Enrolled {
        der: der.to_vec().into(),
        fingerprint: Hash(read.facts().fingerprint),
    })
}

/// A card number of the issuer's test range: its check digit is the one that
/// fits.
pub fn pan(number: u32) -> Result<Pan, String> {
    let found = (0..10).find_map(|check| Pan::checked(&format!("40017{number:010}{check}")).ok());
    found.ok_or_else(|| "no check digit fits".into())
}

pub fn hex(bytes: &[u8]) -> Result<String, String> {
    let mut out = vec![0; bytes.len() * 2];
    base16ct::upper::encode_str(bytes, &mut out)
        .map(str::to_owned)
        .map_err(|e| e.to_string())
}

/// Files the sheets of a key as the issuer has them; their names.
///
/// # Errors
/// In words.
pub fn file_sheets(paper: &Path, label: &str, sheets: &[Secret]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for (index, sheet) in (1u8..).zip(sheets) {
        let mut text = format!("TEST\ncomponent {index} of {SHEETS} of {label}\n");
        for group in hex(sheet.expose())?.as_bytes().chunks(4) {
            let _ = write!(text, "{} ", String::from_utf8_lossy(group));
        }
        text.push('\n');
        let name = format!("TEST-{label}-{index}.txt");
        std::fs::write(paper.join(&name), text).map_err(|e| e.to_string())?;
        names.push(name);
    }
    Ok(names)
}

/// What stands before the private scalar of a key of P-256 in PKCS#8 (RFC 5958, with the
/// private key of RFC 5915), and between it and the point.
const PKCS8: (&[u8], &[u8]) = (
    b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\
      \xCE\x3D\x03\x01\x07\x04\x6D\x30\x6B\x02\x01\x01\x04\x20",
    b"\xA1\x44\x03\x42\x00",
);

/// Files a pair of the issuer's as its programs keep it: the private test key, and the
/// certificate in PEM and in DER.
fn file_pair(
    folder: &Path,
    name: &str,
    (pair, certificate): &(KeyPair, Vec<u8>),
) -> Result<(), String> {
    let (head, middle) = PKCS8;
    let key = [head, pair.secret().expose(), middle, pair.public()].concat();
    let none = || "no PEM was made".to_owned();
    let key = pem("PRIVATE KEY", &key).ok_or_else(none)?;
    let text = pem("CERTIFICATE", certificate).ok_or_else(none)?;
    for (ending, bytes) in [
        ("-key.pem", key.as_bytes()),
        (".pem", text.as_bytes()),
        (".der", certificate),
    ] {
        file(folder.join(format!("TEST-{NAME}-{name}{ending}")), bytes)?;
    }
    Ok(())
}

impl Issuer {
    /// Makes what the issuer brings. Its sheets and its two test keys are filed in
    /// `paper` for whoever checks the demonstration, or practises the issuer's part.
    ///
    /// # Errors
    /// No randomness, or a file, in words.
    pub fn prepare(
        paper: &Path,
        now_ms: u64,
        random: &mut dyn RandomSource,
    ) -> Result<(Self, PinKeyFiles), String> {
        let (pvk, sheets) = pin_key_papers(SHEETS, random)?;
        let now_s = now_ms / 1000;
        let made = Self {
            pvk,
            signs: pair("BANKX cards", Purpose::Approval, now_s, random)?,
            receives: pair("BANKX host", Purpose::KeyManagement, now_s, random)?,
        };
        let mut files = PinKeyFiles::default();
        for name in file_sheets(paper, PVK.label, &sheets)? {
            files.components.push(format!("paper/{name}"));
        }
        file_pair(paper, "cards", &made.signs)?;
        file_pair(paper, "host", &made.receives)?;
        files.host_key = "paper/TEST-BANKX-host-key.pem".into();
        files.host_certificate = "paper/TEST-BANKX-host.pem".into();
        Ok((made, files))
    }

    /// The certificate that signs its files.
    ///
    /// # Errors
    /// In words.
    pub fn signer(&self) -> Result<Enrolled, String> {
        enrolled(&self.signs.1)
    }

    /// The certificate that what goes back is encrypted to.
    ///
    /// # Errors
    /// In words.
    pub fn recipient(&self) -> Result<Enrolled, String> {
        enrolled(&self.receives.1)
    }

    /// Its file of so many cards, in the layout of the template `csv-pvv`.
    ///
    /// # Errors
    /// In words.
    pub fn cards(&self, (batch, count): (&str, u32)) -> Result<String, String> {
        let mut total = 0u128;
        let mut lines = String::new();
        for number in 1..=count {
            let pan = pan(number)?;
            let digits = pan.digits();
            total += digits.parse::<u128>().map_err(|e| e.to_string())?;
            let _ = writeln!(
                lines,
                "{digits};00;2912;HOLDER {number:05};{number} LAKE STREET;10000 TOWN;;en;REF-{number:05}"
            );
        }
        let total = total % 10u128.pow(16);
        Ok(format!("{batch};{NAME};{count};{total}\n{lines}"))
    }

    /// The file as it comes: signed, and encrypted to the PIN room.
    ///
    /// # Errors
    /// In words.
    pub fn sealed(
        &self,
        cards: &str,
        to: &[u8],
        now_ms: u64,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, String> {
        let to = Recipient::read(to).map_err(|e| e.to_string())?;
        let by = Signer::read(&self.signs.1).map_err(|e| e.to_string())?;
        let sign = |digest: &[u8; 32]| self.signs.0.sign(digest).ok();
        seal(cards.as_bytes(), &to, &by, now_ms / 1000, sign, random).map_err(|e| e.to_string())
    }
}

/// Files of the issuer's, relative to the demonstration's folder.
#[derive(Default)]
pub struct PinKeyFiles {
    /// The sheets of the PIN verification key.
    pub components: Vec<String>,
    /// Its host's private test key, PKCS#8 in PEM.
    pub host_key: String,
    /// Its host's certificate, in PEM.
    pub host_certificate: String,
}

/// A new file below the demonstration's folder.
///
/// # Errors
/// In words.
pub fn file(path: PathBuf, bytes: &[u8]) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    }
    std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

/// The sheets in a tray of PDFs, which lie one behind another.
pub fn pdfs(tray: &Secret) -> Vec<&[u8]> {
    let bytes = tray.expose();
    let mark = b"%PDF-";
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let each = starts.iter().zip(ends);
    each.filter_map(|(from, to)| bytes.get(*from..to)).collect()
}
