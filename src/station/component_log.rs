//! The component-access log (R13): who touched which component, when, for what and in
//! which package, from the journal; before it the packages that are in custody, to be
//! counted in the safe.

use std::collections::BTreeMap;

use conclave_evidence::Id;
use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::Action;
use conclave_keyroom::vault::{KeyTraits, KeysOf, OpenEntry, VaultError};
use conclave_trades::ceremony::action::{
    AcceptComponent, DestroySheet, PrintComponent, ProveComponent, SealComponent,
};
use conclave_trades::keys::{
    FileComponentReceipt, LiftQuarantine, PrintExchangeLetter, PrintPackageForm, QuarantinePackage,
    packages,
};
use conclave_trades::print::{Block, EjectSheet, Report, Signature};

use crate::station::Station;
use crate::words;

/// What the title begins with.
pub(crate) const TITLE: &str = "Component-access log";

/// The acts that touch a component or its package, and why somebody does it.
const TOUCHES: [(&str, &str); 11] = [
    (PrintComponent::NAME, "printed for its custodian"),
    (EjectSheet::NAME, "sheet handed out"),
    (SealComponent::NAME, "sealed: in"),
    (ProveComponent::NAME, "custody exercise: out, typed"),
    (AcceptComponent::NAME, "typed in to make a key"),
    (DestroySheet::NAME, "destroyed unopened"),
    (QuarantinePackage::NAME, "package not as recorded"),
    (LiftQuarantine::NAME, "quarantine lifted"),
    (PrintPackageForm::NAME, "paper of its package"),
    (PrintExchangeLetter::NAME, "announced to a partner"),
    (FileComponentReceipt::NAME, "received by a partner"),
];

fn purpose(action: &str) -> Option<&'static str> {
    let mut all = TOUCHES.iter();
    all.find(|(name, _)| *name == action).map(|(_, why)| *why)
}

/// One act over a component.
struct Touch {
    seq: u64,
    wall_ms: u64,
    why: &'static str,
    words: Vec<String>,
    signed: Vec<String>,
    end: &'static str,
}

impl Touch {
    fn row(&self) -> Vec<String> {
        let signed = match self.signed.as_slice() {
            [] => "nobody: the group was logged on".to_owned(),
            names => words::list(names),
        };
        vec![
            self.seq.to_string(),
            words::date_time(self.wall_ms),
            self.why.to_owned(),
            self.words.join("; "),
            signed,
            self.end.to_owned(),
        ]
    }
}

/// The acts in their order: each once, with what came of it.
fn touches(entries: Vec<OpenEntry>, chain: Option<&AuthorityChain>) -> Vec<Touch> {
    let mut acts: BTreeMap<Id, Touch> = BTreeMap::new();
    for entry in entries {
        let (header, body) = (entry.header, entry.body.unwrap_or_default());
        let Some(why) = purpose(&header.action) else {
            continue;
        };
        let fresh = |end| Touch {
            seq: header.seq,
            wall_ms: header.wall_ms,
            why,
            words: body.words.clone(),
            signed: Vec::new(),
            end,
        };
        match header.kind {
            EntryKind::Intent => {
                let mut touch = fresh("UNKNOWN: no outcome");
                let who = body
                    .approvals
                    .iter()
                    .map(|a| signer(chain, a.approval.card));
                touch.signed = who.collect();
                acts.insert(header.act, touch);
            }
            EntryKind::Outcome => {
                if let Some(touch) = acts.get_mut(&header.act) {
                    touch.end = "done";
                }
            }
            // A refusal has an act of its own, and nothing was touched.
            EntryKind::Failed => {
                let failed = || fresh("refused or failed");
                acts.entry(header.act).or_insert_with(failed).end = "refused or failed";
            }
            // What people say of it, where the printer did not do it.
            EntryKind::Note => {
                acts.insert(header.act, fresh("by hand"));
            }
            _ => {}
        }
    }
    let mut touches: Vec<Touch> = acts.into_values().collect();
    touches.sort_by_key(|touch| touch.seq);
    touches
}

/// The holder of a card, who may have left since.
fn signer(chain: Option<&AuthorityChain>, card: Id) -> String {
    let records = chain.iter().flat_map(|chain| chain.records().iter().rev());
    let mut holders = records.filter_map(|(_, record)| record.card(card));
    let holder = holders.next().map(|card| card.person_name.clone());
    holder.unwrap_or_else(|| card.short())
}

fn columns(all: &[(&str, u16)]) -> Vec<(String, u16)> {
    let own = |(title, weight): &(&str, u16)| ((*title).to_owned(), *weight);
    all.iter().map(own).collect()
}

/// What lies in sealed packages today.
fn custody(keys: &[KeyRecord]) -> Block {
    let rows = keys.iter().flat_map(|key| {
        packages(key).into_iter().map(|package| {
            let part = package.part;
            let day = |ms: Option<u64>| ms.map_or_else(|| "-".into(), words::date);
            let backup = part.backup.as_ref().map_or("nobody", |b| b.name.as_str());
            vec![
                key.label.clone(),
                package.part_words().to_lowercase(),
                package.bag.to_owned(),
                format!("{}; backup {backup}", part.custodian_name),
                part.witness.clone().unwrap_or_else(|| "-".into()),
                format!("{}; proven {}", day(part.sealed_ms), day(part.proven_ms)),
                match &part.quarantine {
                    Some(found) => format!("quarantine: {}", found.found),
                    None => String::new(),
                },
            ]
        })
    });
    Block::Table {
        columns: columns(&[
            ("Key", 6),
            ("Part", 3),
            ("Package", 3),
            ("Custodian", 4),
            ("Seen by", 3),
            ("Sealed", 4),
            ("Remark", 3),
        ]),
        rows: rows.collect(),
    }
}

impl Station {
    /// The log as a report; nothing where this session does not open the journal.
    pub(crate) fn component_log(&self) -> Result<Option<Report>, VaultError> {
        let vault = self.door.vault();
        let wanted =
            |header: &conclave_evidence::journal::EntryHeader| purpose(&header.action).is_some();
        let entries = vault.read_journal_where(0, &wanted)?;
        if entries.iter().any(|entry| entry.body.is_none()) {
            return Ok(None);
        }
        let chain = AuthorityChain::verify(vault.authority_chain()?).ok();
        let touches = touches(entries, chain.as_ref());
        let keys = self.keys_of(KeysOf::Traits(KeyTraits::PARTS));
        let newest = vault.newest().map_or(0, |(seq, _)| seq);
        let here = self.paper_station();
        let blocks = vec![
            Block::Facts(vec![
                ("Journal".into(), format!("entries 0 to {newest}")),
                ("Acts".into(), touches.len().to_string()),
            ]),
            Block::Text(
                "Each line stands in the journal under its number, with the cards' signatures. \
                 What was done to a package without the station is not in it: compare with the \
                 safe's own book."
                    .into(),
            ),
            Block::Heading("Packages in custody".into()),
            custody(&keys),
            Block::Heading("Who touched which component".into()),
            Block::Table {
                columns: columns(&[
                    ("Entry", 2),
                    ("UTC", 4),
                    ("Purpose", 4),
                    ("What", 9),
                    ("Signed by", 4),
                    ("End", 3),
                ]),
                rows: touches.iter().map(Touch::row).collect(),
            },
            Block::Heading("Compared with the packages in the safe".into()),
            Block::Signatures(vec![
                Signature {
                    name: String::new(),
                    role: "auditor".into(),
                },
                Signature {
                    name: String::new(),
                    role: "witness".into(),
                },
            ]),
        ];
        let title = format!("{TITLE} up to entry {newest}");
        Ok(Some(self.report_of(here, title, blocks)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_evidence::Hash;
    use conclave_evidence::journal::EntryHeader;
    use conclave_keyroom::vault::EntryBody;

    fn entry(seq: u64, kind: EntryKind, act: u8, action: &str) -> OpenEntry {
        OpenEntry {
            hash: Hash([0; 32]),
            header: EntryHeader {
                seq,
                previous: Hash([0; 32]),
                wall_ms: 1_772_357_400_000,
                mono_ms: 0,
                boot: Id([0; 16]),
                kind,
                act: Id([act; 16]),
                action: action.into(),
                commitment: None,
                roots: None,
            },
            body: Some(EntryBody {
                words: vec![format!("{action} {act}")],
                ..EntryBody::default()
            }),
        }
    }

    #[test]
    fn each_act_stands_once_with_its_end() {
        let seal = SealComponent::NAME;
        let log = touches(
            vec![
                entry(1, EntryKind::Proposed, 1, seal),
                entry(2, EntryKind::Intent, 1, seal),
                entry(3, EntryKind::Outcome, 1, seal),
                entry(4, EntryKind::Intent, 9, "generate-key"),
                entry(5, EntryKind::Intent, 2, PrintComponent::NAME),
                entry(6, EntryKind::Failed, 3, ProveComponent::NAME),
            ],
            None,
        );
        let ends: Vec<_> = log.iter().map(|t| (t.seq, t.why, t.end)).collect();
        assert_eq!(
            ends,
            [
                (2, "sealed: in", "done"),
                (5, "printed for its custodian", "UNKNOWN: no outcome"),
                (6, "custody exercise: out, typed", "refused or failed"),
            ]
        );
        assert!(log[0].row().contains(&"seal-component 1".to_owned()));
    }
}
