//! Which layouts forms may be printed by: those that came with the program,
//! and those that administrators approved on a page of X's. A changed letter is
//! another layout.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::layout_approval::LayoutApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::PrintError;
use super::field::FieldName;
use super::kind::Kind;
use super::layout::Layout;
use super::mailer;
use super::reason::is_sentence;

/// What came with the program and may be printed as it is. Layouts of PIN mailers
/// are not among them: whether a PIN can be read through a closed form is a matter
/// of this station's paper, which nobody has looked at.
const SHIPPED: &[&str] = &[
    include_str!("../../../keymailer-layouts/component.toml"),
    include_str!("../../../keymailer-layouts/component-envelope.toml"),
    include_str!("../../../keymailer-layouts/component-long.toml"),
    include_str!("../../../keymailer-layouts/exchange-letter.toml"),
    include_str!("../../../keymailer-layouts/label-strip.toml"),
    include_str!("../../../keymailer-layouts/password-mailer.toml"),
    include_str!("../../../keymailer-layouts/recovery-words.toml"),
    include_str!("../../../keymailer-layouts/share.toml"),
    include_str!("../../../keymailer-layouts/share-long.toml"),
];

/// Longest word on the inspection.
pub const INSPECTED_MAX: usize = super::reason::SENTENCE_MOST;

/// TRUE for a layout that came with the program and needs no approval.
#[must_use]
pub fn is_shipped(text: &str) -> bool {
    SHIPPED.contains(&text)
}

/// The SHA-256 of a layout file or of its page of X's.
#[must_use]
pub fn digest(bytes: impl AsRef<[u8]>) -> Hash {
    Hash(Sha256::digest(bytes.as_ref()).into())
}

/// The page of X's, as a PDF, on which the layout is approved. It says TEST on
/// every station: it is a sample.
///
/// # Errors
/// [`PrintError`]
pub fn sample_page(layout: &Layout) -> Result<Vec<u8>, PrintError> {
    let mode = conclave_evidence::authority::Mode::Test;
    mailer::sample(layout, mode, PrinterLanguage::Pdf)
}

/// The layout, if forms may be printed by it.
///
/// # Errors
/// [`ActionError`]: it breaks a rule, or nobody approved it.
pub fn may_print(permit: &Permit<'_>, text: &str) -> Result<Layout, ActionError> {
    let layout = Layout::parse(text)
        .map_err(|e| ActionError::rule(e.to_string(), "Have the layout corrected."))?;
    if is_shipped(text) {
        return Ok(layout);
    }
    let digest = digest(text);
    let approved = permit
        .list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)?
        .into_iter()
        .any(|(_, approval)| approval.digest == digest);
    if approved {
        return Ok(layout);
    }
    Err(ActionError::rule(
        format!(
            "the layout {} is not approved on this station",
            layout.name()
        ),
        "Administrators approve it on a page of X's (devices, l).",
    ))
}

/// Whether batches may be printed by a layout of PIN mailers: its outside says
/// which mailer it is. What else says which card's mailer a closed form is? People
/// compare it with the records.
///
/// # Errors
/// Why not, in words.
pub fn check_for_batches(layout: &Layout) -> Result<(), String> {
    match layout.kind() == Kind::PinMailer && !layout.has_outside(FieldName::Sequence) {
        false => Ok(()),
        true => Err(format!(
            "{} has no sequence on its outside: nobody could tell which mailer is on a form",
            layout.name()
        )),
    }
}

/// Approves a layout for printing secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApproveLayout {
    /// The layout's exact text.
    pub layout: String,
    /// SHA-256 of its page of X's, from [`sample_page`].
    pub sample: Hash,
    /// What was inspected: paper, toner, the printed page, against what light.
    pub inspected: String,
}

/// What administrators say of the printed page: one line of plain letters.
///
/// # Errors
/// Why not, in words.
pub fn check_inspected(words: &str) -> Result<(), String> {
    if is_sentence(words) {
        Ok(())
    } else {
        Err(format!(
            "what was inspected is said in 3 to {INSPECTED_MAX} characters"
        ))
    }
}

impl Action for ApproveLayout {
    const NAME: &'static str = "approve-layout";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let mut words = match Layout::parse(&self.layout) {
            Ok(layout) => vec![
                format!(
                    "Approve the layout {}, version {}: {}",
                    layout.name(),
                    layout.version(),
                    layout.kind().words()
                ),
                format!("disclosure: {}", layout.disclosure().words()),
            ],
            Err(_) => vec!["Approve a layout that breaks a rule".into()],
        };
        words.push(format!("SHA-256 of its file {}", digest(&self.layout)));
        words.push(format!("SHA-256 of its page of X's {}", self.sample));
        words.push(format!("inspected: {}", self.inspected));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let layout = Layout::parse(&self.layout)
            .map_err(|e| ActionError::rule(e.to_string(), "Have the layout corrected."))?;
        if let Some(what) = layout.to_be_completed() {
            return Err(ActionError::rule(
                format!("{what} of this layout is not named yet"),
                "Write into the file which one was inspected, and look at its page again.",
            ));
        }
        check_for_batches(&layout)
            .map_err(|why| ActionError::rule(why, "Give it the field sequence outside."))?;
        check_inspected(&self.inspected)
            .map_err(|why| ActionError::rule(why, "Say what you looked at."))?;
        let page = sample_page(&layout)
            .map_err(|e| ActionError::rule(e.to_string(), "Have the layout corrected."))?;
        if digest(&page) != self.sample {
            return Err(ActionError::rule(
                "this is not the page of X's of this layout",
                "Print the page again and look at it.",
            ));
        }
        let digest = digest(&self.layout);
        let record = LayoutApproval {
            digest,
            name: layout.name().to_owned(),
            version: layout.version(),
            sample: self.sample,
            inspected: self.inspected.trim().to_owned(),
            approved_ms: permit.now_ms(),
        };
        let id = LayoutApproval::id_of(&digest);
        Ok(permit.put(Compartment::Directory, LayoutApproval::KIND, id, &record)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["forms may be printed by it from now on".into()]
    }
}
