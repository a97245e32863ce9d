//! Tasks about sheets in custody: exercises that are due, and what they found.

use std::collections::BTreeSet;

use conclave_evidence::authority::{AuthorityRecord, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::{PartSet, SetState};

use crate::front::TaskRow;
use crate::words;

/// A sheet is proven at least once a year.
const EXERCISE_DAYS: u64 = 365;
/// An exercise becomes a task this long before.
const AHEAD_DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;

fn task(due: String, days: i64, what: String, who: &str, detail: Vec<String>) -> TaskRow {
    TaskRow {
        due,
        days,
        what,
        who: who.into(),
        detail,
        resume: None,
    }
}

/// Who can come as a custodian of which group: members with an active card.
#[derive(Default)]
pub(crate) struct Custodians(BTreeSet<(Id, GroupId)>);

impl Custodians {
    pub(crate) fn of(record: &AuthorityRecord) -> Self {
        let groups = record.groups.iter().filter(|g| g.group.is_custodian());
        let members = groups.flat_map(|g| g.members.iter().map(|m| (g.group, m.card)));
        let active = members.filter_map(|(group, card)| {
            let card = record.card(card)?;
            (card.state == CardState::Active).then_some((card.person, group))
        });
        Self(active.collect())
    }

    fn has_custodian(&self, of: &Component) -> bool {
        self.0.contains(&(of.custodian, of.group))
    }

    fn has_backup(&self, of: &Component) -> bool {
        let backup = of.backup.as_ref();
        backup.is_some_and(|b| self.0.contains(&(b.person, of.group)))
    }
}

/// A task without a day: it is in nobody's way now.
const NO_DAY: i64 = 90;

/// Components whose custodian cannot come, or who have nobody to come in their
/// place (R16).
fn people_tasks(key: &KeyRecord, there: &Custodians, tasks: &mut Vec<TaskRow>) {
    let kept = |c: &&Component| matches!(c.state, ComponentState::Sealed | ComponentState::Entered);
    let mut alone = Vec::new();
    let sets = key.others.iter().filter(|s| s.state == SetState::Kept);
    let parts = key.components.iter().chain(sets.flat_map(|s| &s.parts));
    for c in parts.filter(kept) {
        if !there.has_custodian(c) {
            let detail = match c.backup.as_ref().filter(|_| there.has_backup(c)) {
                Some(backup) => format!(
                    "{} takes over: hold a custody exercise, in which {} opens the package and seals it again.",
                    backup.name, backup.name
                ),
                None => "Nobody may open the package any more: re-issue the components, or replace the key.".into(),
            };
            tasks.push(task(
                "now".into(),
                -1,
                format!(
                    "{}: {}, who holds component {}, cannot come",
                    key.label, c.custodian_name, c.index
                ),
                "Key managers, Approvers",
                vec![format!("{}: no active card", c.group.title()), detail],
            ));
        } else if !there.has_backup(c) {
            alone.push(c.index.to_string());
        }
    }
    if !alone.is_empty() {
        tasks.push(task(
            "open".into(),
            NO_DAY,
            format!(
                "{}: no backup for component {}",
                key.label,
                words::list(&alone)
            ),
            "Administrators, Key managers",
            vec![
                "Add a person to the custodian's group (people screen, m).".into(),
                "The next custody exercise of the key names them as the backup.".into(),
            ],
        ));
    }
}

/// The sheets of a set that nobody wants any more.
fn to_destroy(key: &KeyRecord, set: &PartSet) -> Option<TaskRow> {
    let left = set.left();
    if left.is_empty() {
        return None;
    }
    let why = match set.state {
        SetState::Void => "The set became void before it was whole.",
        _ if key.state == KeyState::Destroyed => "The key is destroyed: nothing needs them.",
        _ => "A newer set stands in its place.",
    };
    let mut detail = vec![
        why.to_owned(),
        "Key managers begin it with the script Destroy old sheets: two people, unopened.".into(),
    ];
    detail.extend(left.iter().map(|part| {
        let package = part.envelope.as_deref().unwrap_or("not recorded");
        format!(
            "part {}, package {package}, {}",
            part.index, part.custodian_name
        )
    }));
    let sheets = match left.len() {
        1 => "1 old sheet".to_owned(),
        n => format!("{n} old sheets"),
    };
    let what = format!("{}: destroy {sheets}", key.label);
    Some(task(
        "now".into(),
        -1,
        what,
        "Key managers, Approvers",
        detail,
    ))
}

/// What is to be done about a key's sheets.
pub(crate) fn custody_tasks(now_ms: u64, key: &KeyRecord, there: &Custodians) -> Vec<TaskRow> {
    let mut tasks: Vec<TaskRow> = key
        .others
        .iter()
        .filter_map(|s| to_destroy(key, s))
        .collect();
    if !matches!(key.state, KeyState::Active | KeyState::Suspended) {
        return tasks;
    }
    people_tasks(key, there, &mut tasks);
    tasks.extend(sheet_tasks(
        now_ms,
        &key.label,
        "component",
        &key.components,
    ));
    for set in key.others.iter().filter(|s| s.state == SetState::Kept) {
        tasks.extend(sheet_tasks(now_ms, &key.label, "share", &set.parts));
    }
    tasks
}

/// What is to be done about the sheets of one set.
fn sheet_tasks(now_ms: u64, label: &str, part: &str, parts: &[Component]) -> Vec<TaskRow> {
    let mut tasks = Vec::new();
    for c in parts {
        if let Some(quarantine) = &c.quarantine {
            tasks.push(task(
                "now".into(),
                -1,
                format!("{label}: quarantine, the package of {part} {}", c.index),
                "Key managers, Approvers",
                vec![
                    format!("{}: {}", words::date(quarantine.at_ms), quarantine.found),
                    "Find out what happened. Was it an error, and nobody has read the sheet: k, \
                     the key, w, A package leaves quarantine. An exercise that proves the sheet \
                     is not enough. May somebody know the key: w, Compromised. Else give the key \
                     new components."
                        .into(),
                ],
            ));
        }
        if c.doubted_ms.is_some() {
            tasks.push(task(
                "now".into(),
                -1,
                format!("{label}: the sheet of {part} {} was not proven", c.index),
                "Key managers, Approvers",
                vec![
                    format!("custodian {}", c.custodian_name),
                    format!(
                        "The key cannot be put together with this {part} again: give it new ones, or hold the exercise again with the right sheet."
                    ),
                ],
            ));
        }
        if c.opened.is_some() {
            tasks.push(task(
                "now".into(),
                -1,
                format!("{label}: {part} {} lies in no sealed package", c.index),
                "Key managers, Approvers",
                vec!["It was opened in an exercise that ended early: hold it again, and seal the sheet.".into()],
            ));
        }
    }
    let sheets = parts.iter().filter(|c| c.state == ComponentState::Sealed);
    let oldest = sheets.filter_map(|c| c.proven_ms.max(c.sealed_ms)).min();
    if let Some(oldest) = oldest {
        let due_ms = oldest + EXERCISE_DAYS * DAY_MS;
        if now_ms + AHEAD_DAYS * DAY_MS >= due_ms {
            let left = i64::try_from(due_ms / DAY_MS).unwrap_or(i64::MAX)
                - i64::try_from(now_ms / DAY_MS).unwrap_or(0);
            tasks.push(task(
                if left < 0 {
                    "overdue".into()
                } else {
                    words::date(due_ms)
                },
                left,
                format!("custody exercise, {label}, {} sheets", parts.len()),
                "Custodians",
                vec!["Key managers begin it with the script Custody exercise.".into()],
            ));
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_keyroom::domain::form::KeyForm;
    use conclave_keyroom::domain::key::{CheckValue, Holder, KeySource};

    fn key(sealed_ms: u64) -> KeyRecord {
        let kcv = CheckValue {
            value: "08D7B4".into(),
            method: "ENC-ZERO".into(),
        };
        KeyRecord {
            id: Id([1; 16]),
            label: "BANK-LAKE.ZMK.001".into(),
            form: KeyForm::Tdes2,
            usage: "K0".into(),
            mode_of_use: "B".into(),
            exportability: "N".into(),
            template: "zmk-tdes2 v1".into(),
            kcv: kcv.clone(),
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([2; 16]),
            created_ms: 0,
            expires_ms: u64::MAX,
            wrapping: None,
            components: vec![Component {
                index: 1,
                of: 2,
                kcv,
                custodian: Id([3; 16]),
                custodian_name: "MEMBER-4".into(),
                group: GroupId::CustodiansA,
                state: ComponentState::Sealed,
                envelope: Some("CE0001".into()),
                witness: None,
                printed_ms: None,
                sealed_ms: Some(sealed_ms),
                commitment: None,
                opened: None,
                proven_ms: None,
                doubted_ms: None,
                quarantine: None,
                backup: Some(Holder {
                    person: Id([4; 16]),
                    name: "MEMBER-5".into(),
                }),
                former: Vec::new(),
            }],
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        }
    }

    fn there(people: &[u8]) -> Custodians {
        let members = people.iter().map(|n| (Id([*n; 16]), GroupId::CustodiansA));
        Custodians(members.collect())
    }

    #[test]
    fn a_custodian_who_left_is_red_and_names_who_takes_over() {
        let of = key(1000 * DAY_MS);
        let now = 1001 * DAY_MS;
        assert!(custody_tasks(now, &of, &there(&[3, 4])).is_empty());
        let left = custody_tasks(now, &of, &there(&[4]));
        assert_eq!((left.len(), left[0].days), (1, -1));
        assert!(left[0].what.contains("MEMBER-4, who holds component 1"));
        assert!(left[0].detail[1].starts_with("MEMBER-5 takes over"));
        let both = custody_tasks(now, &of, &there(&[]));
        assert!(both[0].detail[1].contains("replace the key"));
        let alone = custody_tasks(now, &of, &there(&[3]));
        assert_eq!((alone.len(), alone[0].days), (1, NO_DAY));
        assert!(alone[0].what.contains("no backup for component 1"));
    }

    #[test]
    fn an_exercise_is_due_a_year_after_the_last_proof() {
        let mut of = key(1000 * DAY_MS);
        assert!(custody_tasks(1300 * DAY_MS, &of, &there(&[3, 4])).is_empty());
        let due = custody_tasks(1340 * DAY_MS, &of, &there(&[3, 4]));
        assert_eq!((due.len(), due[0].days), (1, 25));
        assert!(due[0].what.contains("custody exercise"));
        assert_eq!(
            custody_tasks(1400 * DAY_MS, &of, &there(&[3, 4]))[0].due,
            "overdue"
        );
        of.components[0].proven_ms = Some(1399 * DAY_MS);
        assert!(custody_tasks(1400 * DAY_MS, &of, &there(&[3, 4])).is_empty());
    }

    #[test]
    fn a_doubted_sheet_and_an_open_one_are_red() {
        let mut of = key(1000 * DAY_MS);
        of.components[0].doubted_ms = Some(1);
        of.components[0].opened = Some(Id([4; 16]));
        let tasks = custody_tasks(1001 * DAY_MS, &of, &there(&[3, 4]));
        assert_eq!(tasks.len(), 2);
        assert!(tasks.iter().all(|t| t.days < 0));
        of.state = KeyState::Void;
        assert!(custody_tasks(1001 * DAY_MS, &of, &there(&[3, 4])).is_empty());
    }
}
