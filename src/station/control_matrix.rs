//! Who may do what, as a page for auditors: the groups and their people, each action
//! with who stands behind it, the roles that exclude one another, and what supports
//! PCI DSS 3.7.1 to 3.7.8 (R23).
//!
//! Who stands behind an action is read from the table of the auditors' page, which a
//! test holds against the door, action by action: there is one such table.

use conclave_evidence::GroupId;
use conclave_evidence::authority::CardState;
use conclave_keyroom::domain::people::conflict;
use conclave_keyroom::vault::VaultError;
use conclave_trades::print::{Block, Report, Signature};

use crate::station::Station;
use crate::words;

/// What the title begins with.
pub(crate) const TITLE: &str = "Controls";

const PAGE: &str = include_str!("../../docs/auditors.md");

/// Columns of the matrix: title, and the groups that it is for. Any custodian group
/// stands for the one that a component belongs to.
const COLUMNS: [(&str, &[GroupId]); 8] = [
    ("Adm", &[GroupId::Administrators]),
    ("KM", &[GroupId::KeyManagers]),
    ("App", &[GroupId::Approvers]),
    (
        "Cust",
        &[
            GroupId::CustodiansA,
            GroupId::CustodiansB,
            GroupId::CustodiansC,
        ],
    ),
    ("Aud", &[GroupId::Auditors]),
    ("Rec", &[GroupId::Recovery]),
    ("PINo", &[GroupId::PinOperators]),
    ("PINs", &[GroupId::PinSupervisors]),
];

const LEGEND: &str = "Q: a quorum of the group signs this very act with its cards. 1: one of the \
                      group, named in the act, signs it. L: the group's quorum is logged on, and \
                      without it the vault does not open. M: within a mandate that both quorums \
                      signed when the ceremony or batch was opened. S: signatures in the new \
                      authority record. Nobody counts for two groups in one act.";

/// PCI DSS v4 requirement, what the station does towards it, and where it shows.
const DSS: [[&str; 3]; 8] = [
    [
        "3.7.1 generation of strong keys",
        "keys come from a health-tested random source by a template; a ceremony with its mandate",
        "minutes and transcripts; journal: generate-key, generate-rsa",
    ],
    [
        "3.7.2 secure distribution",
        "wrapped under a key at least as strong, or in components; receipts of what arrived",
        "bundles and their manifests; exchange letters; tasks for receipts",
    ],
    [
        "3.7.3 secure storage",
        "sealed under secrets that a quorum's cards alone put together; components in packages",
        "component-access log; backups; the vault's published format",
    ],
    [
        "3.7.4 changes at the end of the cryptoperiod",
        "each template has a cryptoperiod; 90 days before its end a task stands there",
        "key list; tasks",
    ],
    [
        "3.7.5 retirement, replacement, destruction",
        "states of SP 800-57; compromise names all that lies under the key; witnessed destruction",
        "journal: deactivate-key, declare-compromised, destroy-key, destroy-sheet",
    ],
    [
        "3.7.6 split knowledge and dual control",
        "nobody ever holds two parts of a key; no act on a key by one person",
        "the matrix below; custody history of each key; component-access log",
    ],
    [
        "3.7.7 no unauthorised substitution",
        "records are authenticated and under a signed root; an older copy is noticed by the cards",
        "conclave-verify over journal, bundles and backup",
    ],
    [
        "3.7.8 custodians acknowledge their duties",
        "a custodian without a signed form that is in force does nothing",
        "custodian forms; journal: custodian-form",
    ],
];

/// A row of the page's table: the action, and who stands behind it.
fn stands_behind(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().skip_while(|l| !l.starts_with("| action |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        Some((cells.next()?.trim_matches('`'), cells.next()?))
    })
    .collect()
}

/// The mark of one group in one row.
fn mark(who: &str, groups: &[GroupId]) -> String {
    let mut marks = Vec::new();
    for part in who.split(',').map(str::trim) {
        let of = |group: &GroupId| {
            let name = group.to_string();
            match part.strip_suffix(" signs").or(part.strip_suffix(" sign")) {
                Some(one) if one == format!("a person of {name}") => Some("1"),
                Some(all) if all == name => Some("Q"),
                _ if part == format!("{name} logged on") => Some("L"),
                _ => None,
            }
        };
        marks.extend(groups.iter().find_map(of));
    }
    marks.join(" ")
}

fn matrix() -> Block {
    let mut columns = vec![("Action".to_owned(), 6)];
    columns.extend(COLUMNS.iter().map(|(title, _)| ((*title).to_owned(), 2)));
    columns.push(("other".to_owned(), 2));
    let rows = stands_behind(PAGE).into_iter().map(|(action, who)| {
        let mut row = vec![action.to_owned()];
        row.extend(COLUMNS.iter().map(|(_, groups)| mark(who, groups)));
        let mandate = who.split(',').any(|part| part.trim() == "mandate");
        row.push(match (mandate, who.contains("signatures of its own")) {
            (true, _) => "M".to_owned(),
            (_, true) => "S".to_owned(),
            _ => String::new(),
        });
        row
    });
    Block::Table {
        columns,
        rows: rows.collect(),
    }
}

fn separation() -> Block {
    let mut rows = Vec::new();
    for (at, first) in GroupId::ALL.iter().enumerate() {
        for second in GroupId::ALL.iter().skip(at + 1) {
            if let Some(found) = conflict(*first, *second) {
                rows.push(vec![
                    first.title().to_owned(),
                    second.title().to_owned(),
                    found.rule.to_owned(),
                ]);
            }
        }
    }
    Block::Table {
        columns: vec![
            ("Nobody is".into(), 3),
            ("and".into(), 3),
            ("for".into(), 8),
        ],
        rows,
    }
}

impl Station {
    /// The report.
    pub(crate) fn control_matrix(&self) -> Result<Report, VaultError> {
        let record = self.door.vault().authority()?;
        let groups = record.groups.iter().map(|group| {
            let cards = group.members.iter().filter_map(|m| record.card(m.card));
            let names = cards.map(|card| match card.state {
                CardState::Active => card.person_name.clone(),
                _ => format!("{} (card not active)", card.person_name),
            });
            let names: Vec<String> = names.collect();
            vec![
                group.group.title().to_owned(),
                format!("{} of {}", group.m, group.members.len()),
                words::list(&names),
            ]
        });
        let controls = DSS.iter().map(|row| row.map(str::to_owned).to_vec());
        let newest = self.door.vault().newest().map_or(0, |(seq, _)| seq);
        let here = self.paper_station();
        let table = |columns: &[(&str, u16)], rows: Vec<Vec<String>>| Block::Table {
            columns: columns.iter().map(|(t, w)| ((*t).into(), *w)).collect(),
            rows,
        };
        let blocks = vec![
            Block::Facts(vec![("Journal".into(), format!("as of entry {newest}"))]),
            Block::Heading("Groups and their people".into()),
            table(
                &[("Group", 3), ("Quorum", 2), ("People", 9)],
                groups.collect(),
            ),
            Block::Heading("Who stands behind each action".into()),
            Block::Text(LEGEND.into()),
            matrix(),
            Block::Heading("Roles that exclude one another".into()),
            separation(),
            Block::Heading("PCI DSS 3.7: what supports each requirement, and its evidence".into()),
            Block::Text(
                "The station supports these requirements. Whether the house meets them an \
                 assessor says."
                    .into(),
            ),
            table(
                &[("Requirement", 4), ("On this station", 6), ("Evidence", 5)],
                controls.collect(),
            ),
            Block::Signatures(vec![Signature {
                name: String::new(),
                role: "auditor".into(),
            }]),
        ];
        let title = format!("{TITLE}: roles, actions, evidence");
        Ok(self.report_of(here, title, blocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part of every row is a mark: nothing of the table is lost.
    #[test]
    fn each_row_of_the_page_is_whole_in_the_matrix() {
        let rows = stands_behind(PAGE);
        assert!(rows.len() > 80, "{}", rows.len());
        for (action, who) in rows {
            let marks: usize = COLUMNS
                .iter()
                .map(|(_, groups)| mark(who, groups).split_whitespace().count())
                .sum();
            let others = who.split(',').map(str::trim);
            let said = ["mandate", "nobody who held it", "those who hold the run"];
            let others = others.filter(|p| said.contains(p) || p.contains("of its own"));
            let parts = who.split(',').count();
            assert_eq!(marks + others.count(), parts, "{action}: {who}");
        }
    }

    #[test]
    fn auditors_change_nothing() {
        for (action, who) in stands_behind(PAGE) {
            assert_eq!(mark(who, &[GroupId::Auditors]), "", "{action}");
        }
        let cell = |who| mark(who, &[GroupId::KeyManagers]);
        assert_eq!(cell("key-managers sign, approvers sign"), "Q");
        assert_eq!(cell("mandate, key-managers logged on"), "L");
        assert_eq!(
            cell("key-managers logged on, a person of key-managers signs"),
            "L 1"
        );
    }
}
