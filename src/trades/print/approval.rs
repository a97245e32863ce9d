//! Which layouts forms may be printed by: those that came with the program,
//! and those that administrators approved on a page of X's. A changed letter is
//! another layout.

use conclave_crypto::secret::Secret;
use conclave_evidence::show::utc;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::layout_approval::{LayoutApproval, LayoutSample};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::enrolment::{fit, on_record};
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
    include_str!("../../../keymailer-layouts/component-rsa.toml"),
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
    holds(permit, &layout, text)?;
    Ok(layout)
}

/// The layout that a batch was opened with: approved still, and read by the rules of
/// then. One that an update brought is for new batches.
///
/// # Errors
/// [`ActionError`]: it was withdrawn since.
pub fn may_go_on(permit: &Permit<'_>, text: &str) -> Result<Layout, ActionError> {
    let layout = Layout::as_approved(text)
        .map_err(|e| ActionError::rule(e.to_string(), "Have the layout corrected."))?;
    holds(permit, &layout, text)?;
    Ok(layout)
}

/// The layout came with the program, or its approval holds.
fn holds(permit: &Permit<'_>, layout: &Layout, text: &str) -> Result<(), ActionError> {
    if is_shipped(text) {
        return Ok(());
    }
    let digest = digest(text);
    let approved = permit
        .list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)?
        .into_iter()
        .any(|(_, approval)| approval.holds(&digest));
    if approved {
        return Ok(());
    }
    Err(ActionError::rule(
        format!(
            "the layout {} is not approved on this station",
            layout.name()
        ),
        "Administrators approve it on a page of X's (devices, l).",
    ))
}

/// The layout, if printing may begin by it: what [`may_print`] allows, but no
/// version that a newer one of its name has replaced. A batch under way is printed
/// to its end by the layout that it was opened with.
///
/// # Errors
/// [`ActionError`]
pub fn may_begin(permit: &Permit<'_>, text: &str) -> Result<Layout, ActionError> {
    let layout = may_print(permit, text)?;
    match newest(permit, layout.name())? {
        Some(newest) if newest > layout.version() => Err(ActionError::rule(
            format!(
                "this is version {} of the layout {}, and version {newest} is approved",
                layout.version(),
                layout.name()
            ),
            "Use the newest; to go back to an older text, give it the next version and have it \
             approved.",
        )),
        _ => Ok(layout),
    }
}

/// The newest version of the layouts of a name that was ever approved: one that was
/// withdrawn brings none before it back.
fn newest(permit: &Permit<'_>, name: &str) -> Result<Option<u32>, ActionError> {
    let all = permit.list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)?;
    let of_name = all.iter().filter(|(_, approval)| approval.name == name);
    Ok(of_name.map(|(_, approval)| approval.version).max())
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

const NOT_PRINTED: &str = "Print its page of X's on the printer and the paper of its forms first \
                           (devices, x), and look at that page.";

/// Approves a layout for printing secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApproveLayout {
    /// The layout's exact text.
    pub layout: String,
    /// SHA-256 of its page of X's, from [`sample_page`].
    pub sample: Hash,
    /// The printer of the page that was inspected, one for such forms.
    pub printer: String,
    /// When that page was printed, wall clock: the newest of this layout there.
    pub printed_ms: u64,
    /// What was inspected: paper, toner, the printed page, against what light.
    pub inspected: String,
}

impl ApproveLayout {
    /// Each text has a version of its own: the name and version on record mean one
    /// file, and what is newer is clear.
    fn counts_up(&self, permit: &Permit<'_>, layout: &Layout) -> Result<(), ActionError> {
        let own = digest(&self.layout);
        let shipped = SHIPPED
            .iter()
            .filter_map(|text| Layout::parse(text).ok())
            .filter(|shipped| shipped.name() == layout.name())
            .map(|shipped| shipped.version());
        let all = permit.list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)?;
        let approved = all
            .iter()
            .filter(|(_, one)| one.name == layout.name() && one.digest != own)
            .map(|(_, one)| one.version);
        match shipped.chain(approved).max() {
            Some(known) if known >= layout.version() => Err(ActionError::rule(
                format!(
                    "version {known} of the layout {} is another text, and this is version {}",
                    layout.name(),
                    layout.version()
                ),
                format!("Give it version {} or higher.", known.saturating_add(1)),
            )),
            _ => Ok(()),
        }
    }
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
        words.push(format!(
            "printed on {}, {}",
            self.printer,
            utc(self.printed_ms)
        ));
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
        self.counts_up(permit, &layout)?;
        let page = sample_page(&layout)
            .map_err(|e| ActionError::rule(e.to_string(), "Have the layout corrected."))?;
        if digest(&page) != self.sample {
            return Err(ActionError::rule(
                "this is not the page of X's of this layout",
                "Print the page again and look at it.",
            ));
        }
        let digest = digest(&self.layout);
        let mode = permit.authority()?.mode;
        let enrolled = on_record(permit)?;
        let printer = fit(mode, &enrolled, &self.printer, layout.kind().purpose())
            .map_err(|e| ActionError::rule(e.to_string(), NOT_PRINTED))?;
        let printed = permit
            .list::<LayoutSample>(Compartment::Directory, LayoutSample::KIND)?
            .into_iter()
            .find(|(_, one)| one.digest == digest && one.printer == printer.id);
        match printed {
            None => {
                return Err(ActionError::rule(
                    format!(
                        "no page of X's of this layout was printed on {}",
                        self.printer
                    ),
                    NOT_PRINTED,
                ));
            }
            Some((_, one)) if one.printed_ms != self.printed_ms => {
                return Err(ActionError::rule(
                    "another page of X's of this layout was printed last",
                    "Look at the newest one.",
                ));
            }
            Some(_) => {}
        }
        let record = LayoutApproval {
            digest,
            name: layout.name().to_owned(),
            version: layout.version(),
            sample: self.sample,
            printer: self.printer.clone(),
            printed_ms: self.printed_ms,
            inspected: self.inspected.trim().to_owned(),
            approved_ms: permit.now_ms(),
            withdrawn: None,
        };
        let id = LayoutApproval::id_of(&digest);
        Ok(permit.put(Compartment::Directory, LayoutApproval::KIND, id, &record)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["forms may be printed by it from now on".into()]
    }
}
