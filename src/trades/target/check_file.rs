//! What is this file, and does it open under a key of this house? Told before
//! anything is imported: nothing is changed, and nothing but a check value is told.
//!
//! Tries count as at the import: each answers a question about the wrapping key.

use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check_formats::{Came, Claims, Verdict};
use super::export::KeyName;
use super::{import_tries, rules};
use crate::ceremony::action::{method, not_published};
use crate::inspect::inspect;
use crate::media::{IMPORT_FOLDER, check_name, import_file, not_read};

/// The longest cryptogram that is typed, in characters.
pub const TYPED_MOST: usize = 600;
/// The largest file that is looked at, in bytes.
const FILE_MOST: usize = 1 << 20;
/// What is looked at, for the words.
const WHAT: &str = "the file";
/// So many fields of a description stand on the screen.
const FIELDS_MOST: usize = 8;

/// Where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum CheckFrom {
    /// A file in the import folder of an enrolled medium.
    File {
        /// The medium's record.
        medium: Id,
        /// The file's name.
        name: String,
    },
    /// A cryptogram or block, typed. It is no secret.
    Typed(String),
}

/// Says what a file is and whether it opens under a wrapping key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckFile {
    /// The key of this house that it should be under.
    pub under: KeyName,
    /// What is looked at.
    pub from: CheckFrom,
    /// The partner's check value, upper-case hex; empty where there is none.
    pub value: String,
    /// How the partner made it; empty for the usual method of the key's cipher.
    pub method: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFile {
    /// It opens as it says, and is the partner's key where a value was typed.
    pub good: bool,
    /// What the file is, told without a key.
    pub what: Vec<String>,
    /// What came of it under the wrapping key.
    pub answer: Vec<String>,
}

/// What a file is, in a few lines.
fn described(bytes: &[u8]) -> Vec<String> {
    let found = inspect(bytes);
    let Some(first) = found.first().and_then(|found| found.may_be.first()) else {
        return vec!["The file is of no format that is known here.".into()];
    };
    let mut lines = vec![format!("{} ({})", first.what, first.confidence.word())];
    for field in first.fields.iter().take(FIELDS_MOST) {
        let meaning = match field.meaning.as_str() {
            "" => String::new(),
            meaning => format!(": {meaning}"),
        };
        let value: String = field.value.chars().take(40).collect();
        lines.push(format!("{} {value}{meaning}", field.name));
    }
    let unusual = first.unusual.iter();
    lines.extend(unusual.map(|remark| format!("unusual: {remark}")));
    lines
}

impl CheckFile {
    fn claims(&self) -> Result<Claims, ActionError> {
        if self.value.is_empty() {
            return Ok(Claims {
                tdes: None,
                aes: None,
                hmac: None,
            });
        }
        let of = |form: KeyForm, usual: &str| {
            let name = match self.method.as_str() {
                "" => usual,
                name => name,
            };
            method(form, name).and_then(|method| Claim::new(&self.value, method))
        };
        let claims = Claims {
            tdes: of(KeyForm::Tdes2, "ENC-ZERO"),
            aes: of(KeyForm::Aes128, "CMAC"),
            hmac: of(KeyForm::HmacSha256, "SHA2VP1"),
        };
        if claims.tdes.is_none() && claims.aes.is_none() && claims.hmac.is_none() {
            return Err(ActionError::rule(
                "what was typed is no check value",
                "Type it from the partner's letter, in capitals.",
            ));
        }
        Ok(claims)
    }

    fn bytes(&self, permit: &Permit<'_>, ports: &mut Ports<'_>) -> Result<Vec<u8>, ActionError> {
        match &self.from {
            CheckFrom::Typed(text) => Ok(text.as_bytes().to_vec()),
            CheckFrom::File { medium, name } => {
                import_file(permit, ports, (*medium, name), FILE_MOST, WHAT)
            }
        }
    }
}

impl Action for CheckFile {
    const NAME: &'static str = "check-file";
    type Out = CheckedFile;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let what = match &self.from {
            CheckFrom::File { name, .. } => format!("{IMPORT_FOLDER}/{name}"),
            CheckFrom::Typed(text) => {
                let digest = Hash(Sha256::digest(text.as_bytes()).into());
                format!("what was typed, SHA-256 {digest},")
            }
        };
        let mut words = vec![format!(
            "look whether {what} opens under {}, KCV {}",
            self.under.label, self.under.kcv
        )];
        if !self.value.is_empty() {
            words.push(format!("the partner's check value: {}", self.value));
        }
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        match &self.from {
            CheckFrom::File { name, .. } => check_name(name).map_err(|e| not_read(WHAT, &e))?,
            CheckFrom::Typed(text) if text.len() > TYPED_MOST => {
                return Err(ActionError::rule(
                    format!("more than {TYPED_MOST} characters are not typed"),
                    "Bring it on a medium.",
                ));
            }
            CheckFrom::Typed(_) => {}
        }
        self.claims()?;
        let now = beforehand.now_ms();
        let under: KeyRecord = beforehand.get(Compartment::Catalogue, self.under.id)?;
        rules::same(&self.under, &under)?;
        rules::unwrapping(&under, now)?;
        import_tries::take(beforehand, &under)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<CheckedFile, ActionError> {
        let under: KeyRecord = permit.get(Compartment::Catalogue, self.under.id)?;
        let claims = self.claims()?;
        let bytes = match self.bytes(permit, ports) {
            Ok(bytes) => bytes,
            // Nothing was tried: a missing stick or a mistyped name costs no try.
            Err(ActionError::Device { what, advice }) => {
                import_tries::give_back(permit, under.id)?;
                return Ok(CheckedFile {
                    good: false,
                    what: vec![advice],
                    answer: vec![format!("{what}.")],
                });
            }
            Err(error) => return Err(error),
        };
        let what = described(&bytes);
        let Some(came) = Came::read(&bytes) else {
            import_tries::give_back(permit, under.id)?;
            return Ok(CheckedFile {
                good: false,
                what,
                answer: vec!["Nothing in it is unwrapped under a wrapping key.".into()],
            });
        };
        let verdict = match came.beforehand(under.form, &claims) {
            Some(verdict) => verdict,
            None => self.tried(permit, &under, &came, &claims)?,
        };
        if verdict.good || !verdict.tried {
            import_tries::give_back(permit, under.id)?;
        }
        Ok(CheckedFile {
            good: verdict.good,
            what,
            answer: verdict.answer,
        })
    }

    fn outcome(&self, out: &CheckedFile) -> Vec<String> {
        out.answer.clone()
    }
}

impl CheckFile {
    fn tried(
        &self,
        permit: &mut Permit<'_>,
        under: &KeyRecord,
        came: &Came,
        claims: &Claims,
    ) -> Result<Verdict, ActionError> {
        let stored: StoredKey = permit.get(Compartment::Keys, under.id)?;
        if stored.key != under.id || stored.form != under.form {
            return Err(ActionError::rule(
                format!("the stored value of {} is another key's", under.label),
                "do not use this key before it is known why",
            ));
        }
        not_published(permit, &under.label, &stored)?;
        let mut verdict = None;
        let (provider, mark, _) = permit.provider();
        provider.open(&mark, &[&stored], &mut |secrets| {
            if let [wrapping] = secrets {
                verdict = Some(came.open(wrapping, under.form, claims));
            }
        })?;
        verdict.ok_or_else(|| super::import::no_key(&under.label))
    }
}
