//! Making a bundle void that people know is worthless.

use conclave_evidence::Id;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::target::{BundleRecord, BundleState, VoidBundle};

use crate::ceremony::begin::{choose, refused, text};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// The longest reason.
const REASON_MOST: usize = 200;

fn named(bundle: &BundleRecord) -> String {
    format!(
        "{:04} on {} for {}",
        bundle.number, bundle.medium, bundle.recipient
    )
}

/// The end of an act whose bundle did not read back: nobody reads a digest of it to the
/// other side.
pub(crate) fn counts_no_more(bundle: u64, mut lines: Vec<String>) -> ActEnd {
    lines.push("No digest of it is read to the other side.".into());
    ActEnd::Done {
        good: false,
        title: format!("Bundle {bundle:04} counts no more"),
        lines,
    }
}

impl Station {
    /// Makes a bundle void: both quorums sign which one, and why.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn void_bundle(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let mut bundles = self.bundles();
        bundles.retain(BundleRecord::may_be_void);
        if bundles.is_empty() {
            return Err(refused(
                "No bundle is on its way.",
                "One that was received as sent is not made void.",
            ));
        }
        let mut prompt = Prompt {
            code: "void-bundle".into(),
            act: "Void a bundle".into(),
            title: "Which bundle counts no more?".into(),
            lines: vec![PromptLine::note(
                "For one that is lost, destroyed, or of no use to the other side. Its keys stay as \
                 they are, and count as not sent with it.",
            )],
            ask: Ask::Form {
                fields: vec![
                    choose("Bundle", bundles.iter().map(named).collect()),
                    text(
                        "Reason",
                        "",
                        "what became of it, in one sentence",
                        REASON_MOST,
                    ),
                ],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "No receipt of it is wanted then. A key that may be known outside is declared \
                  compromised besides (k, the key)."
                .into(),
            ..Prompt::default()
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            bundles
                .iter()
                .find(|bundle| named(bundle) == value(0))
                .map(|bundle| VoidBundle::of(bundle, value(1)))
                .ok_or_else(|| refused("Which bundle?", "Choose one."))
        });
        let action = match action {
            Ok(action) => action,
            Err(why) => return stopped(why),
        };
        let number = action.bundle;
        match self.act(&action, &format!("Void bundle {number:04}"), people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("Bundle {number:04} counts no more"),
                lines: vec![
                    "No receipt of it is wanted, and none of its keys was delivered with it."
                        .into(),
                    format!(
                        "Destroy what it left on {}, where you have it.",
                        action.medium
                    ),
                ],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// A bundle that has just left is worth nothing: both quorums, who are here, make it
    /// void. What came of it, for the screen.
    pub(crate) fn void_worthless(
        &mut self,
        bundle: u64,
        reason: &str,
        people: &mut dyn People,
    ) -> String {
        let vault = self.door.vault();
        let record = vault.get::<BundleRecord>(Compartment::Export, BundleRecord::id_of(bundle));
        let title = format!("Void bundle {bundle:04}");
        let void = record.is_ok_and(|record| {
            let action = VoidBundle::of(&record, reason);
            self.act(&action, &title, people).is_ok()
        });
        match void {
            true => format!("Bundle {bundle:04} counts no more."),
            false => format!("Bundle {bundle:04} STILL counts here: make it void (tasks, v)."),
        }
    }

    /// The bundles of a ceremony's key that its end made void, in words.
    pub(crate) fn voided_with(&self, key: Id) -> Vec<String> {
        let of_key = |bundle: &&BundleRecord| {
            bundle.keys.contains(&key) && bundle.state == BundleState::Void
        };
        let bundles = self.bundles();
        let void = bundles.iter().filter(of_key);
        void.map(|bundle| {
            format!(
                "bundle {:04} counts no more: destroy what it left on {}",
                bundle.number, bundle.medium
            )
        })
        .collect()
    }
}
