//! Tasks about sheets in custody: exercises that are due, and what they found.

use std::collections::BTreeSet;

use conclave_evidence::authority::{AuthorityRecord, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::{PartSet, SetState};

use crate::ceremony::exercise::{may_be_opened, whole};
use crate::front::TaskRow;
use crate::incident::{INCIDENT_DAYS, sheet_words};
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
        let package = part.package().unwrap_or("not recorded");
        let aside = match part.quarantine {
            Some(_) => ", in quarantine",
            None => "",
        };
        format!(
            "part {}, package {package}, {}{aside}",
            part.index, part.custodian_name
        )
    }));
    let sheets = match left.len() {
        1 => "1 old sheet".to_owned(),
        n => format!("{n} old sheets"),
    };
    // Its label may be another key's by now.
    let which = match key.state {
        KeyState::Void => format!(" of the void key {}", key.kcv.words()),
        _ => String::new(),
    };
    let what = format!("{}: destroy {sheets}{which}", key.label);
    Some(task(
        "now".into(),
        INCIDENT_DAYS,
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
    tasks.extend(
        key.sheets()
            .filter_map(|(set, c)| in_quarantine(key, set, c)),
    );
    if !key.state.keeps_sheets() {
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

/// Typed sheets of which nobody knows where they are; and those that are kept
/// although another of their set is gone: they prove nothing any more.
fn typed_tasks(label: &str, part: &str, parts: &[Component]) -> Vec<TaskRow> {
    let numbers = |state: ComponentState| -> Vec<String> {
        let these = parts.iter().filter(|c| c.state == state);
        these.map(|c| c.index.to_string()).collect()
    };
    let called = |numbers: &[String]| match numbers {
        [one] => format!("the sheet of {part} {one}"),
        _ => format!("the sheets of {part}s {}", words::list(numbers)),
    };
    let mut tasks = Vec::new();
    let unknown = numbers(ComponentState::Entered);
    if !unknown.is_empty() {
        let mut detail = vec![
            "Each typed sheet is a part of the key. k, the key, w, Where a typed sheet is: kept in \
             a new package, gone back, or destroyed."
                .to_owned(),
        ];
        let here = parts.iter().filter(|c| c.state == ComponentState::Entered);
        detail.extend(here.map(|c| format!("{part} {}, {}", c.index, c.custodian_name)));
        let what = match unknown.len() {
            1 => format!("{label}: record where {} is", called(&unknown)),
            _ => format!("{label}: record where {} are", called(&unknown)),
        };
        let who = "Key managers, Approvers, Custodians";
        tasks.push(task("now".into(), -1, what, who, detail));
    }
    let gone = [ComponentState::Returned, ComponentState::Destroyed];
    let kept = numbers(ComponentState::Sealed);
    let torn = parts.iter().any(|c| gone.contains(&c.state));
    if torn && unknown.is_empty() && !kept.is_empty() {
        tasks.push(task(
            "open".into(),
            NO_DAY,
            format!("{label}: send back or destroy {}", called(&kept)),
            "Key managers, Approvers, Custodians",
            vec![
                "Others of the same set are gone: with what is left nobody makes the key again, \
                 and no exercise proves it. k, the key, w, Where a typed sheet is."
                    .into(),
            ],
        ));
    }
    tasks
}

/// A package in quarantine, wherever it is, until that is lifted or it is destroyed.
fn in_quarantine(key: &KeyRecord, set: Option<&PartSet>, c: &Component) -> Option<TaskRow> {
    let quarantine = c.quarantine.as_ref()?;
    let old = set.is_some_and(|set| set.state != SetState::Kept);
    let mut detail = vec![
        format!("{}: {}", words::date(quarantine.at_ms), quarantine.found),
        "Find out what happened. Was it an error, and nobody has read the sheet: k, the key, w, A \
         package leaves quarantine; nobody who holds it signs that. May somebody know the key: w, \
         Compromised."
            .to_owned(),
    ];
    detail.push(match old {
        true => "Then it is destroyed as it was found: Destroy old sheets, where it stands by \
                 itself."
            .into(),
        false => "Else give the key new ones. Until then a custody exercise passes it over and \
                  proves the others: an opened package tells nobody any more who opened it."
            .into(),
    });
    let what = format!(
        "{}: quarantine, the package of {} {}",
        key.label,
        sheet_words(set),
        c.index
    );
    Some(task(
        "now".into(),
        INCIDENT_DAYS,
        what,
        "Key managers, Approvers",
        detail,
    ))
}

/// What is to be done about the sheets of one set.
fn sheet_tasks(now_ms: u64, label: &str, part: &str, parts: &[Component]) -> Vec<TaskRow> {
    let mut tasks = typed_tasks(label, part, parts);
    for c in parts {
        if c.doubted_ms.is_some() {
            tasks.push(task(
                "now".into(),
                INCIDENT_DAYS,
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
                INCIDENT_DAYS,
                format!("{label}: {part} {} lies in no sealed package", c.index),
                "Key managers, Approvers",
                vec!["It was opened in an exercise that ended early: hold it again, and seal the sheet.".into()],
            ));
        }
    }
    let opened = parts.iter().filter(|c| may_be_opened(c));
    let sheets = opened.clone().count();
    let oldest = opened.filter_map(|c| c.proven_ms.max(c.sealed_ms));
    if let Some(oldest) = oldest.min().filter(|_| whole(parts)) {
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
                format!("custody exercise, {label}, {sheets} sheets"),
                "Custodians",
                vec!["Key managers begin it with the script Custody exercise.".into()],
            ));
        }
    }
    tasks
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use conclave_keyroom::domain::form::KeyForm;
    use conclave_keyroom::domain::key::{CheckValue, Holder, KeySource, Quarantine};
    use conclave_keyroom::domain::part_set::Destroyed;

    pub(crate) fn key(sealed_ms: u64) -> KeyRecord {
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
            recipient_until_ms: None,
            wrapping: None,
            components: vec![Component {
                index: 1,
                of: 1,
                kcv,
                custodian: Id([3; 16]),
                custodian_name: "MEMBER-4".into(),
                group: GroupId::CustodiansA,
                state: ComponentState::Sealed,
                envelope: Some("CE0001".into()),
                witness: None,
                printed_ms: None,
                sealed_ms: Some(sealed_ms),
                gone_ms: None,
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
            begun_under: std::collections::BTreeSet::new(),
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
    fn typed_sheets_are_red_until_it_is_known_where_they_are() {
        let mut of = key(1000 * DAY_MS);
        let mut second = of.components[0].clone();
        second.index = 2;
        of.components.push(second);
        for part in &mut of.components {
            (part.of, part.state, part.sealed_ms) = (2, ComponentState::Entered, None);
        }
        let there = there(&[3, 4]);
        let now = 1001 * DAY_MS;
        let whats = |of: &KeyRecord, now| -> Vec<(String, i64)> {
            let tasks = custody_tasks(now, of, &there);
            tasks.into_iter().map(|t| (t.what, t.days)).collect()
        };
        let task = |what: &str, days| vec![(format!("BANK-LAKE.ZMK.001: {what}"), days)];
        let both = "record where the sheets of components 1 and 2 are";
        assert_eq!(whats(&of, now), task(both, -1));
        of.components[0].state = ComponentState::Sealed;
        of.components[0].sealed_ms = Some(1000 * DAY_MS);
        let one = "record where the sheet of component 2 is";
        assert_eq!(whats(&of, now), task(one, -1));
        assert_eq!(whats(&of, 1400 * DAY_MS), task(one, -1), "not whole yet");
        for gone in [ComponentState::Returned, ComponentState::Destroyed] {
            of.components[1].state = gone;
            let left = "send back or destroy the sheet of component 1";
            assert_eq!(whats(&of, 1400 * DAY_MS), task(left, NO_DAY));
        }
        of.components[1].state = ComponentState::Sealed;
        of.components[1].sealed_ms = Some(1010 * DAY_MS);
        assert!(whats(&of, now).is_empty());
        assert_eq!(
            whats(&of, 1400 * DAY_MS)[0].0,
            "custody exercise, BANK-LAKE.ZMK.001, 2 sheets"
        );
        for part in &mut of.components {
            part.state = ComponentState::Destroyed;
        }
        assert!(whats(&of, 1400 * DAY_MS).is_empty());
    }

    #[test]
    fn a_quarantine_is_red_until_it_is_lifted_or_the_package_destroyed() {
        let mut of = key(1000 * DAY_MS);
        of.components[0].quarantine = Some(Quarantine {
            at_ms: 1000 * DAY_MS,
            found: "the seal is torn".into(),
        });
        let there = there(&[3, 4]);
        let whats = |of: &KeyRecord| -> Vec<String> {
            let tasks = custody_tasks(1400 * DAY_MS, of, &there);
            tasks.into_iter().map(|t| t.what).collect()
        };
        let of_the = |what: &str| format!("{}: quarantine, the package of {what} 1", key(0).label);
        // Nothing is due of a package that nobody opens.
        assert_eq!(whats(&of), [of_the("component")]);
        let told = custody_tasks(1400 * DAY_MS, &of, &there)[0]
            .detail
            .join(" ");
        assert!(told.contains("a custody exercise passes it over"), "{told}");
        for state in [KeyState::Deactivated, KeyState::Compromised] {
            of.state = state;
            assert_eq!(whats(&of), [of_the("component")]);
        }
        of.give_sheets_up(1401 * DAY_MS);
        of.state = KeyState::Destroyed;
        let destroy = format!("{}: destroy 1 old sheet", of.label);
        assert_eq!(whats(&of), [destroy, of_the("old component")]);
        of.others[0].destroyed.push(Destroyed {
            index: 1,
            serial: "CE9999".into(),
            by: Vec::new(),
            ceremony: Id([6; 16]),
            at_ms: 0,
        });
        assert!(whats(&of).is_empty());
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
