//! The public half of a pair leaves: PEM, DER, a request for a CA, and a
//! signature of the pair over the DER, in a bundle with a signed manifest.

use conclave_crypto::cca::RsaToken;
use conclave_crypto::primitive::rsa::Public;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::rsa_pair;
use conclave_evidence::manifest::{Encoding, FileEntry, KeyLine};
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{Exported, KeyRecord, KeySource, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{fingerprint_hex, public_of};
use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;
use crate::media::{self, check_name};
use crate::target::bundle::{RUN_SHEET, To, kcv, receipt_file, sheet_file, signed, text_digest};
use crate::target::export::{interrupted, nothing_left};
use crate::target::icsf::pkds_loader;
use crate::target::register::{self, BundleState};
use crate::target::sheet_text::check_bundle;
use crate::target::{BundleRecord, Conformance, KeyName, rules};

/// Writes the public half of a pair to an enrolled medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportPublic {
    /// The bundle's number.
    pub bundle: u64,
    /// The key.
    pub key: KeyName,
    /// SHA-256 over SubjectPublicKeyInfo, as two read it back.
    pub fingerprint: Hash,
    /// Who read it back, each with an own card.
    pub by: Vec<Player>,
    /// For whom.
    pub recipient: String,
    /// The medium's record.
    pub medium: Id,
    /// Its name.
    pub medium_name: String,
    /// Its serial.
    pub serial: String,
}

/// What left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedPublic {
    /// Its folder on the medium.
    pub folder: String,
    /// The manifest's digest.
    pub digest: Hash,
    /// SHA-256 of its `manifest.txt`.
    pub text: Hash,
}

fn run_sheet(folder: &str, recipient: &str, key: &KeyRecord, fingerprint: &str) -> String {
    let label = &key.label;
    format!(
        "RUN SHEET  {folder}\nfor {recipient}\nRSA public key {label}\n\
         conformance: {}; {label}.pka and its exec: documented\n\n\
         {}\
         2. Compare the fingerprint with the one that the key room read to you:\n   \
         openssl dgst -sha256 {label}.der\n   {fingerprint}\n\
         3. The pair has signed its own public half:\n   \
         openssl dgst -sha256 -verify {label}.pem -signature {label}.sig {label}.der\n\
         4. Load {label}.pem or {label}.der: one key in two writings. A CA takes\n   \
         {label}.csr, and checks the fingerprint before it signs.\n   \
         For z/OS ICSF, load {label}.pka instead: the exec {label}.pkds.rex\n   \
         does so, and its argument is the label in the PKDS. Documented by IBM,\n   \
         not tried on the target.\n\
         5. Send the receipt back, with the fingerprint that you see.\n",
        Conformance::Proven.words(),
        check_bundle(folder),
    )
}

impl ExportPublic {
    fn record(&self, begun_ms: u64, state: BundleState, manifest: Option<Hash>) -> BundleRecord {
        BundleRecord {
            id: BundleRecord::id_of(self.bundle),
            number: self.bundle,
            recipient: self.recipient.clone(),
            labels: vec![self.key.label.clone()],
            first_under: Vec::new(),
            medium: self.medium_name.clone(),
            state,
            manifest,
            begun_ms,
            keys: vec![self.key.id],
            received: None,
            again: BundleRecord::reading_of(state),
        }
    }

    fn fits(&self, key: &KeyRecord) -> Result<Public, ActionError> {
        rules::same(&self.key, key)?;
        let (facts, public) = public_of(key)?;
        if key.source != KeySource::Here || key.state != KeyState::Active {
            return Err(ActionError::rule(
                format!("{} is not an active pair of this station", key.label),
                "choose another key",
            ));
        }
        if facts.fingerprint != self.fingerprint || public.fingerprint() != self.fingerprint.0 {
            return Err(ActionError::rule(
                "the fingerprint that was read back is another key's",
                "read it back again",
            ));
        }
        Ok(public)
    }

    /// Name, bytes and format of each file of the key, and how sure each is.
    fn files(
        &self,
        permit: &mut Permit<'_>,
        public: &Public,
    ) -> Result<Vec<(String, Vec<u8>, &'static str, Encoding, Conformance)>, ActionError> {
        let stored: StoredKey = permit.get(Compartment::Keys, self.key.id)?;
        if stored.key != self.key.id {
            return Err(ActionError::rule(
                format!("the stored value of {} is another key's", self.key.label),
                "do not use this key before it is known why",
            ));
        }
        let (provider, mark, random) = permit.provider();
        let signature = provider.sign_rsa(&mark, &stored, public.spki(), random)?;
        let request = rsa_pair::request(public, &self.key.label, |message| {
            provider.sign_rsa(&mark, &stored, message, random)
        });
        let request = request
            .ok()
            .and_then(|der| rsa_pair::pem("CERTIFICATE REQUEST", &der))
            .ok_or_else(|| ActionError::rule("no request was made", "nothing left the room"))?;
        let pem = public
            .pem()
            .map_err(|e| ActionError::rule(e.to_string(), "nothing left the room"))?;
        let name = |ending: &str| format!("{}.{ending}", self.key.label);
        let token = cca_token(public)?;
        Ok(vec![
            (
                name("pka"),
                token.clone(),
                "CCA external RSA public key token",
                Encoding::Binary,
                Conformance::Documented,
            ),
            (
                name("pkds.rex"),
                pkds_loader(&token).into_bytes(),
                "REXX that loads the token into a PKDS",
                Encoding::AsciiText,
                Conformance::Documented,
            ),
            (
                name("pem"),
                pem.into_bytes(),
                "SubjectPublicKeyInfo, PEM",
                Encoding::AsciiText,
                Conformance::Proven,
            ),
            (
                name("der"),
                public.spki().to_vec(),
                "SubjectPublicKeyInfo, DER",
                Encoding::Binary,
                Conformance::Proven,
            ),
            (
                name("csr"),
                request.into_bytes(),
                "PKCS#10 request, PEM",
                Encoding::AsciiText,
                Conformance::Proven,
            ),
            (
                name("sig"),
                signature,
                "RSASSA-PKCS1-v1_5 with SHA-256 over the DER",
                Encoding::Binary,
                Conformance::Proven,
            ),
        ])
    }
}

impl Action for ExportPublic {
    const NAME: &'static str = "export-public";
    type Out = ExportedPublic;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        vec![
            format!(
                "export the public key {} as bundle {:04} for {}",
                self.key.label, self.bundle, self.recipient
            ),
            format!("to medium {}, serial {}", self.medium_name, self.serial),
            format!("fingerprint SHA-256 {}", fingerprint_hex(&self.fingerprint)),
            format!("read back by {}", by.join(" and ")),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        rules::recipient(&self.recipient)?;
        two_people(&self.by, "the key's fingerprint is read back")?;
        let key: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        self.fits(&key)?;
        for ending in ["pem", "der", "csr", "sig", "pka", "pkds.rex"] {
            check_name(&format!("{}.{ending}", self.key.label)).map_err(|_| {
                ActionError::rule(
                    format!("the label {} makes no plain file name", self.key.label),
                    "give the key a label that is no device name",
                )
            })?;
        }
        let medium: MediumRecord = beforehand.get(Compartment::Directory, self.medium)?;
        if medium.serial != self.serial || medium.name != self.medium_name {
            return Err(ActionError::rule(
                format!("{} is not the medium that was approved", medium.name),
                "propose the export again",
            ));
        }
        media::in_use(&medium, |place, id| beforehand.get(place, id))?;
        let now = beforehand.now_ms();
        register::take(beforehand, &self.record(now, BundleState::Begun, None))
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<ExportedPublic, ActionError> {
        media::single(ports.media, &self.serial).map_err(nothing_left)?;
        let mut key: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let public = self.fits(&key)?;
        let files = self.files(permit, &public)?;
        let production = permit.authority()?.mode == conclave_evidence::authority::Mode::Production;
        let folder = media::bundle_folder(self.bundle, production);
        let fingerprint = fingerprint_hex(&self.fingerprint);
        let sheet = run_sheet(&folder, &self.recipient, &key, &fingerprint);
        let conformance = Conformance::Proven.words();
        let mut entries: Vec<FileEntry> = files
            .iter()
            .map(|(name, bytes, format, encoding, sure)| {
                let (size, sha256) = FileEntry::measure(bytes);
                FileEntry {
                    name: name.clone(),
                    size,
                    sha256,
                    format: (*format).into(),
                    encoding: *encoding,
                    lrecl: None,
                    conformance: sure.words().into(),
                    keys: vec![KeyLine {
                        label: key.label.clone(),
                        algorithm: "RSA".into(),
                        bits: u32::try_from(public.bits()).unwrap_or(u32::MAX),
                        usage: key.usage.clone(),
                        kcv: Some(kcv(&key.kcv)),
                        under: None,
                    }],
                }
            })
            .collect();
        entries.push(sheet_file(conformance, &sheet));
        let mut written: Vec<(String, Vec<u8>)> = files
            .into_iter()
            .map(|(name, bytes, ..)| (name, bytes))
            .collect();
        written.push((RUN_SHEET.into(), sheet.into_bytes()));
        let (form, entry) = receipt_file(&folder, self.bundle, &self.recipient, &[&key]);
        entries.push(entry);
        written.push(form);
        let to = To {
            number: self.bundle,
            recipient: &self.recipient,
            medium_name: &self.medium_name,
            serial: &self.serial,
        };
        let (bundle, digest) = signed(&to, permit, entries, written)?;
        if let Err(cut) = media::emit(permit, ports.media, &self.serial, &bundle) {
            media::condemn_after(permit, ports.media, self.medium, &cut.cause);
            return Err(interrupted(self.bundle, cut));
        }
        let now = permit.now_ms();
        let record = self.record(now, BundleState::Written, Some(digest));
        permit.put(Compartment::Export, BundleRecord::KIND, record.id, &record)?;
        key.exports.push(Exported {
            bundle: self.bundle,
            recipient: self.recipient.clone(),
            under: "nothing: public".into(),
            format: "spki".into(),
            at_ms: now,
            exception_until_ms: None,
            void_ms: None,
        });
        permit.put(Compartment::Catalogue, KeyRecord::KIND, key.id, &key)?;
        Ok(ExportedPublic {
            folder: bundle.folder().to_owned(),
            digest,
            text: text_digest(&bundle),
        })
    }

    fn outcome(&self, out: &ExportedPublic) -> Vec<String> {
        vec![
            format!("{} was written and read back", out.folder),
            format!("manifest SHA-256 {}", out.digest),
            format!("manifest.txt SHA-256 {}", out.text),
        ]
    }
}

/// The key as ICSF and CCA keep it.
fn cca_token(public: &Public) -> Result<Vec<u8>, ActionError> {
    let unwritten = |why: String| ActionError::rule(why, "nothing left the room");
    let modulus = public.modulus().map_err(|e| unwritten(e.to_string()))?;
    let exponent = public.exponent().to_be_bytes();
    let token = RsaToken::make(&exponent, &modulus).map_err(|e| unwritten(e.to_string()))?;
    let bytes = token.to_bytes();
    match RsaToken::parse(&bytes) {
        Ok(read) if read == token => Ok(bytes),
        _ => Err(unwritten("the token does not read back".into())),
    }
}
