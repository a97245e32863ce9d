//! Receipts of bundles: what is still to come, and filing what came.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::component_dispatch::ComponentDispatch;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Ask, Field, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::target::{
    BundleRecord, FileReceipt, IMPORT_FOLDER, RECEIPT_DUE_MS, ReadReceipt, Receipt,
};

use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{optional, refused, sole, text};
use crate::front::{FILES_RECEIPT, TaskRow};
use crate::lists::{days_until, due};
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// Where it came as a letter, or was read out.
const TYPED: &str = "typed from a letter";

/// Of a component on its way to a partner.
const COMPONENT: &str = "of a component";

/// So many keys stand on one page at 80 by 24.
const A_PAGE: usize = 6;

fn form(lines: Vec<PromptLine>, fields: Vec<Field>, submit: &str) -> Prompt {
    Prompt {
        code: "receipt".into(),
        act: "Receipt".into(),
        title: "File the receipt of a bundle".into(),
        lines,
        ask: Ask::Form {
            fields,
            submit: submit.into(),
            done: None,
        },
        waiting_for: "key managers".into(),
        safe: "yes, nothing is changed".into(),
        why: "The receipt says what the other side loaded, and saw. Its task ends when every \
              check value is as it should be."
            .into(),
        ..Prompt::default()
    }
}

impl Station {
    /// Bundles by number; none where the session does not read them.
    pub(crate) fn bundles(&self) -> Vec<BundleRecord> {
        let mut all: Vec<BundleRecord> = self
            .door
            .vault()
            .list::<BundleRecord>(Compartment::Export, BundleRecord::KIND)
            .map(|all: Vec<(Id, BundleRecord)>| all.into_iter().map(|(_, b)| b).collect())
            .unwrap_or_default();
        all.sort_by_key(|bundle| bundle.number);
        all
    }

    /// A task for each bundle that no good receipt came back of.
    pub(crate) fn receipt_tasks(&self) -> Vec<TaskRow> {
        let now = self.clock.wall_ms();
        self.bundles()
            .iter()
            .filter(|bundle| bundle.waits())
            .map(|bundle| receipt_task(now, bundle))
            .collect()
    }

    /// Files a receipt, from a medium or typed: key managers sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn file_receipt(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let media = self.enrolled_media();
        let mut from = vec![TYPED.to_owned()];
        from.extend(media.iter().map(|m| m.name.clone()));
        if self.dispatches().iter().any(ComponentDispatch::waits) {
            from.push(COMPONENT.to_owned());
        }
        let mut prompt = form(
            vec![PromptLine::note(format!(
                "A file lies in the folder {IMPORT_FOLDER} of the medium.",
            ))],
            vec![
                sole("From", from),
                optional("File", "", "of a medium, for example receipt-0001.txt", 60),
                optional("Bundle", "", "of a letter: its number", 6),
            ],
            "go on",
        );
        let values = match filled(people, &mut prompt) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        if value(0) == COMPONENT {
            return self.file_component_receipt(people);
        }
        let receipt = if let Some(medium) = media.iter().find(|m| m.name == value(0)) {
            let read = ReadReceipt {
                medium: medium.id,
                file: value(1).to_owned(),
            };
            match self.act(&read, "Read a receipt", people) {
                Ok(receipt) => receipt,
                Err(undone) => return self.undone(undone),
            }
        } else if value(0) != TYPED {
            return Err(refused(
                "Where does the receipt come from?",
                "Choose the medium, or that it is typed from a letter.",
            ));
        } else {
            let number = value(2).parse().unwrap_or(0);
            let bundles = self.bundles();
            let Some(bundle) = bundles.into_iter().find(|b| b.number == number) else {
                return Err(refused(
                    match value(2) {
                        "" => "Which bundle is it of?".into(),
                        typed => format!("There is no bundle {typed}."),
                    },
                    "Its number stands on the receipt.",
                ));
            };
            match self.typed_receipt(&bundle, people) {
                Ok(receipt) => receipt,
                Err(why) => return stopped(why),
            }
        };
        let action = FileReceipt { receipt };
        let title = format!("Receipt of bundle {:04}", action.receipt.bundle);
        match self.act(&action, &title, people) {
            Ok(received) if received.differs.is_empty() => Ok(ActEnd::Done {
                good: true,
                title: format!("Bundle {:04} is received", action.receipt.bundle),
                lines: vec!["Every check value is as it should be.".into()],
            }),
            Ok(received) => {
                let mut lines = received.differs;
                lines.push("The task stays. Call them: nothing of this may be used.".into());
                Ok(ActEnd::Done {
                    good: false,
                    title: format!("Bundle {:04}: NOT as it should be", action.receipt.bundle),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    /// A receipt from paper: digest and name, then the keys, a page at a time.
    fn typed_receipt(
        &self,
        bundle: &BundleRecord,
        people: &mut dyn People,
    ) -> Result<Receipt, Interrupted> {
        let labels: Vec<String> = bundle
            .keys
            .iter()
            .filter_map(|id| {
                self.door
                    .vault()
                    .get_kind::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND, *id)
                    .ok()
            })
            .map(|key| key.label)
            .collect();
        let mut prompt = form(
            vec![PromptLine::note(format!(
                "Bundle {:04} for {}. As the letter has it, not as this station has it.",
                bundle.number, bundle.recipient
            ))],
            vec![
                text("Digest", "", "of the manifest, 16 digits or more", 80),
                text("Received by", "", "who says so", 60),
            ],
            "go on to the check values",
        );
        loop {
            let head = filled(people, &mut prompt)?;
            let mut lines = vec![format!("bundle {}", bundle.number)];
            for (word, value) in ["manifest", "received-by"].iter().zip(&head) {
                lines.push(format!("{word} {}", value.trim()));
            }
            for page in labels.chunks(A_PAGE) {
                let mut of_keys = form(
                    vec![PromptLine::note(
                        "The check value that they saw, key by key.",
                    )],
                    page.iter()
                        .map(|l| optional(l, "", "hex digits", 80))
                        .collect(),
                    "go on",
                );
                let seen = filled(people, &mut of_keys)?;
                for (label, value) in page.iter().zip(&seen) {
                    let value = value.trim();
                    if !value.is_empty() {
                        lines.push(format!("key {label} {value}"));
                    }
                }
            }
            match Receipt::parse(lines.join("\n").as_bytes()) {
                Ok(receipt) => return Ok(receipt),
                Err(error) => {
                    prompt.refused = Some(refused(
                        format!("That is no receipt: {error}."),
                        "Type it again from the letter.",
                    ));
                }
            }
        }
    }
}

fn receipt_task(now_ms: u64, bundle: &BundleRecord) -> TaskRow {
    let until = bundle.begun_ms.saturating_add(RECEIPT_DUE_MS);
    let mut detail = vec![
        format!("for {}", bundle.recipient),
        format!("left {} on {}", words::date(bundle.begun_ms), bundle.medium),
    ];
    let differs = bundle.received.as_ref().map(|r| r.differs.clone());
    let (what, days) = match &differs {
        Some(differs) => {
            detail.extend(differs.iter().cloned());
            (
                format!("bundle {:04} was NOT received as sent", bundle.number),
                0,
            )
        }
        None => (
            format!("receipt of bundle {:04}", bundle.number),
            days_until(now_ms, until),
        ),
    };
    detail.push(FILES_RECEIPT.into());
    detail.push("Lost, or of no use there: v makes it void.".into());
    TaskRow {
        due: match differs {
            Some(_) => "today".into(),
            None => due(days, until),
        },
        days,
        what,
        who: GroupId::KeyManagers.title().into(),
        detail,
        resume: None,
    }
}
