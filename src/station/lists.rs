//! Everything the screens list, read from what this session may read.

use std::collections::BTreeMap;

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::Action;
use conclave_keyroom::vault::{Compartment, KeysOf, OpenIntent};
use conclave_trades::ceremony::State;
use conclave_trades::ceremony::action::PrintComponent;
use conclave_trades::pin::action::PrintMailers;

use crate::adopt::covers;
use crate::ceremony::rows::{began_ms, titled};
use crate::front::{
    DeviceRow, GroupRow, JournalRow, KeyRow, Lists, PersonRow, ScriptRow, TaskRow, UNKNOWN,
};
use crate::lost_card::live;
use crate::renew::{AddPinRoom, RenewGroups};
use crate::station::Station;
use crate::system_certificates::ending_certificates;
use crate::words;

const DAY_MS: i64 = 86_400_000;

/// A key's expiry becomes a task this many days before (R22).
pub(crate) const EXPIRY_DAYS: i64 = 90;

/// The journal screen shows so many entries at most, the newest first.
const JOURNAL_ROWS: usize = 2000;

pub(crate) fn days_until(now_ms: u64, then_ms: u64) -> i64 {
    let (now, then) = (
        i64::try_from(now_ms).unwrap_or(i64::MAX),
        i64::try_from(then_ms).unwrap_or(i64::MAX),
    );
    (then - now).div_euclid(DAY_MS)
}

/// A group that opens something needs one live card more than its quorum: the
/// next lost one would close it for ever.
fn groups_without_spare(record: &AuthorityRecord) -> impl Iterator<Item = TaskRow> {
    record.groups.iter().filter_map(|group| {
        let (live, m) = (live(record, group.group), usize::from(group.m));
        (group.holds_secret && live <= m).then(|| TaskRow {
            due: "now".into(),
            days: -1,
            what: format!("{}: {live} live cards, {m} needed", group.group.title()),
            who: GroupId::Administrators.title().into(),
            detail: vec![
                "One more lost card and this group can never come together again.".into(),
                "Replace the card that is missing, or add a person: people screen, m.".into(),
            ],
            resume: None,
        })
    })
}

/// Certificates of a card become a task this many days before they expire.
const CERTIFICATE_DAYS: i64 = 90;

impl Station {
    fn certificate_tasks(&self, now_ms: u64) -> Vec<TaskRow> {
        let expiring = self.certificates_expire().into_iter();
        expiring
            .map(|(card, expires_ms)| (card, expires_ms, days_until(now_ms, expires_ms)))
            .filter(|(_, _, days)| *days <= CERTIFICATE_DAYS)
            .map(|(card, expires_ms, days)| TaskRow {
                due: due(days, expires_ms),
                days,
                what: format!("renew the certificates of {}'s card", card.person_name),
                who: GroupId::Administrators.title().into(),
                detail: vec![
                    format!("they expire {}", words::date(expires_ms)),
                    "On the people screen: m, then «Renew a card's certificates».".into(),
                ],
                resume: None,
            })
            .collect()
    }
}

/// `going`: a ceremony is not over.
fn unknown(intent: &OpenIntent, going: bool) -> TaskRow {
    // All that a renewal does is written together with its outcome.
    let (who, meaning) = match intent.action.as_str() {
        RenewGroups::NAME | AddPinRoom::NAME => (
            "Administrators",
            "Nothing of it took place: the old shares and cards work. Begin again.",
        ),
        PrintMailers::NAME => (
            "PIN operators, PIN supervisors",
            "They open the batch (m): what was on its way is unknown, and its forms are looked at.",
        ),
        PrintComponent::NAME => (
            "Key managers, Approvers",
            "A printed component's key is void; resume the ceremony to have it made afresh.",
        ),
        _ if going => (
            "Key managers, Approvers",
            "A ceremony is not over, and its end says what became of its acts: go on with it.",
        ),
        other => ("Administrators", crate::settle::advice(other)),
    };
    TaskRow {
        due: "today".into(),
        days: 0,
        what: format!("{UNKNOWN}{} (journal {})", intent.action, intent.seq),
        who: who.into(),
        detail: vec![
            "The journal has the intent of this act and no outcome: it was interrupted.".into(),
            meaning.into(),
            "When no ceremony is open: s, and administrators sign what was found.".into(),
        ],
        resume: None,
    }
}

fn unfinished_card(card: &CardEntry) -> TaskRow {
    TaskRow {
        due: "now".into(),
        days: -1,
        what: format!("finish {}'s new card", card.person_name),
        who: GroupId::Administrators.title().into(),
        detail: vec![
            "It has its share, and not yet its own PUK and management key.".into(),
            "On the people screen: m, then «Finish a new card».".into(),
        ],
        resume: None,
    }
}

pub(crate) fn due(days: i64, then_ms: u64) -> String {
    match days {
        ..0 => "overdue".into(),
        0 => "today".into(),
        _ => words::date(then_ms),
    }
}

/// A key whose cryptoperiod ends soon is replaced (R22).
pub(crate) fn expiry_task(now_ms: u64, key: &KeyRecord) -> Option<TaskRow> {
    let days = days_until(now_ms, key.expires_ms);
    (days <= EXPIRY_DAYS).then(|| TaskRow {
        due: due(days, key.expires_ms),
        days,
        what: format!("replace {}", key.label),
        who: GroupId::KeyManagers.title().into(),
        detail: [format!("{}  {}  {}", key.form, key.usage, key.kcv.words())]
            .into_iter()
            .chain(periods(key))
            .collect(),
        resume: None,
    })
}

/// When it ends; where the recipient has a period of its own, when each does (R21).
pub(crate) fn periods(key: &KeyRecord) -> Vec<String> {
    let ends = words::date(key.expires_ms);
    match key.recipient_until_ms {
        None => vec![format!("expires {ends}")],
        Some(until) => vec![
            format!("makes nothing new after {ends}"),
            format!("opens what came under it until {}", words::date(until)),
        ],
    }
}

impl Station {
    /// All lists.
    #[must_use]
    pub fn lists(&self) -> Lists {
        let (keys, of_keys) = self.inventory();
        let ceremonies = self.ceremonies();
        Lists {
            tasks: self.tasks(of_keys, &ceremonies),
            keys,
            scripts: self.script_rows(),
            ceremonies: self.ceremony_rows(&ceremonies),
            people: self.people_rows(),
            groups: self.group_rows(),
            devices: self.device_rows(),
            batches: self.batch_rows(),
            journal: self.journal_rows(),
        }
    }

    /// All key records, by label; none where the session does not read them.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyRecord> {
        let mut keys: Vec<KeyRecord> = self
            .door
            .vault()
            .list::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND)
            .map(|all: Vec<(Id, KeyRecord)>| all.into_iter().map(|(_, key)| key).collect())
            .unwrap_or_default();
        keys.sort_by(|a, b| a.label.cmp(&b.label));
        keys
    }

    /// A few key records among all, by label; none where the session does not
    /// read them.
    #[must_use]
    pub fn keys_of(&self, which: KeysOf<'_>) -> Vec<KeyRecord> {
        let found = self.door.vault().keys_of(which).unwrap_or_default();
        let mut keys: Vec<KeyRecord> = found.into_iter().map(|(_, key)| key).collect();
        keys.sort_by(|a, b| a.label.cmp(&b.label));
        keys
    }

    /// Whether a key that is not void has this label: it is used once.
    pub(crate) fn label_taken(&self, label: &str) -> bool {
        let keys = self.keys_of(KeysOf::Label(label));
        keys.iter().any(|key| key.state != KeyState::Void)
    }

    /// The key of this label; of those that are void the last one, and only
    /// where there is no other.
    pub(crate) fn key_labelled(&self, label: &str) -> Option<KeyRecord> {
        let keys = self.keys_of(KeysOf::Label(label));
        let live = keys.iter().find(|key| key.state != KeyState::Void);
        live.or(keys.last()).cloned()
    }

    /// All ceremonies, open ones first.
    #[must_use]
    pub fn ceremonies(&self) -> Vec<State> {
        let mut all: Vec<State> = self
            .door
            .vault()
            .list::<State>(Compartment::Catalogue, State::KIND)
            .map(|all: Vec<(Id, State)>| all.into_iter().map(|(_, state)| state).collect())
            .unwrap_or_default();
        all.sort_by_key(|state| (state.over, std::cmp::Reverse(began_ms(state))));
        all
    }

    fn tasks(&self, of_keys: Vec<TaskRow>, ceremonies: &[State]) -> Vec<TaskRow> {
        let now = self.clock.wall_ms();
        let mut tasks = of_keys;
        tasks.extend(self.damage_task());
        let guard = self.door.vault().guard().ok();
        if let Some(why) = guard.and_then(|guard| guard.locked) {
            tasks.push(TaskRow {
                due: "today".into(),
                days: 0,
                what: "unlock the station".into(),
                who: GroupId::Administrators.title().into(),
                detail: vec![why, "Administrators press u on the first screen.".into()],
                resume: None,
            });
        }
        if let Ok(record) = self.door.vault().authority() {
            tasks.extend(groups_without_spare(record));
        }
        if self.is_open() {
            tasks.extend(self.adoption_task());
            tasks.extend(self.pin_key_tasks(now));
            tasks.extend(self.pin_batch_tasks(now));
        }
        if let Some((done, of)) = self.session.checking {
            tasks.push(TaskRow {
                due: "now".into(),
                days: -1,
                what: format!("records are checked, {done} of {of}"),
                who: "nobody: it goes on by itself".into(),
                detail: vec![
                    "Keys and ceremonies come when it is done; nothing is changed before.".into(),
                ],
                resume: None,
            });
        }
        if !self.door.vault().genesis_unfinished().unwrap_or(true) {
            tasks.extend(self.unfinished().iter().map(unfinished_card));
            tasks.extend(self.certificate_tasks(now));
            tasks.extend(self.form_tasks(now));
            tasks.extend(self.backup_task());
            tasks.extend(self.reading_tasks());
            tasks.extend(self.receipt_tasks());
            tasks.extend(self.dispatch_tasks());
            tasks.extend(self.pin_certificate_tasks(now));
            tasks.extend(ending_certificates(now, &self.target_systems()));
        }
        let going = ceremonies.iter().any(|state| !state.over);
        let unknown_acts = self.unknown_acts();
        tasks.extend(unknown_acts.iter().map(|intent| unknown(intent, going)));
        for state in ceremonies.iter().filter(|state| !state.over) {
            let title = titled(state);
            if let Some(index) = state.window {
                tasks.push(TaskRow {
                    due: "now".into(),
                    days: -1,
                    what: format!("{title}: component {index} was interrupted, the key is lost"),
                    who: "Key managers, Approvers".into(),
                    detail: vec![
                        "Enter ends the ceremony: its key becomes void.".into(),
                        "Destroy every printed sheet of it under witness.".into(),
                    ],
                    resume: Some(state.ceremony.to_string()),
                });
                continue;
            }
            tasks.push(TaskRow {
                due: "today".into(),
                days: 0,
                what: format!("go on: {title}"),
                who: "Key managers, Approvers".into(),
                detail: vec!["Enter resumes it at its last safe boundary.".into()],
                resume: Some(state.ceremony.to_string()),
            });
        }
        tasks.sort_by_key(|task| task.days);
        tasks
    }

    fn unknown_acts(&self) -> Vec<OpenIntent> {
        if !self.is_open() {
            return Vec::new();
        }
        self.door.vault().open_intents().unwrap_or_default()
    }

    pub(crate) fn key_row(&self, key: &KeyRecord) -> KeyRow {
        let usage = match key.usage.as_str() {
            "K0" => "K0 zone master key",
            "K1" => "K1 key-block protection key",
            "P0" => "P0 PIN encryption",
            "D0" => "D0 data encryption",
            "B0" => "B0 base derivation key",
            "C0" => "C0 card verification",
            "M1" | "M3" | "M6" => "message authentication",
            "V1" | "V2" => "PIN verification",
            "S0" => "S0 RSA signatures",
            "S1" => "S1 RSA certificates",
            "K2" => "K2 RSA, TR-34",
            "K3" => "K3 RSA, wraps keys",
            "D1" => "D1 RSA, data",
            other => other,
        };
        KeyRow {
            id: Some(key.id),
            label: key.label.clone(),
            algorithm: match &key.rsa {
                Some(rsa) => format!("RSA-{}", rsa.bits),
                None => key.form.name().into(),
            },
            usage: usage.into(),
            kcv: key.kcv.value.clone(),
            kcv_method: key.kcv.method.clone(),
            state: match key.is_process_only(self.clock.wall_ms()) {
                true => "process only".into(),
                false => key.state.words().into(),
            },
            template: key.template.clone(),
            under: key
                .delivered()
                .next_back()
                .map(|e| e.under.clone())
                .unwrap_or_default(),
            expires: words::date(key.expires_ms),
            days_left: Some(days_until(self.clock.wall_ms(), key.expires_ms)),
            detail: Vec::new(),
        }
    }

    fn script_rows(&self) -> Vec<ScriptRow> {
        self.data
            .scripts()
            .into_iter()
            .map(|(file, script)| match script {
                Ok(script) => ScriptRow {
                    file,
                    title: script.title.clone(),
                    summary: script.summary.clone(),
                    digest: script.digest.to_string().chars().take(8).collect(),
                    refused: None,
                },
                Err(why) => ScriptRow {
                    title: file.clone(),
                    file,
                    summary: String::new(),
                    digest: String::new(),
                    refused: Some(why),
                },
            })
            .collect()
    }

    fn people_rows(&self) -> Vec<PersonRow> {
        let Ok(record) = self.door.vault().authority() else {
            return Vec::new();
        };
        let directory: BTreeMap<Id, Person> = self
            .door
            .vault()
            .list::<Person>(Compartment::Directory, "person")
            .map(|all: Vec<(Id, Person)>| all.into_iter().collect())
            .unwrap_or_default();
        if directory.is_empty() {
            return Vec::new();
        }
        let mut rows: Vec<PersonRow> = directory
            .values()
            .map(|person| PersonRow {
                name: person.name.clone(),
                reports_to: person.reports_to.clone(),
                roles: person.roles.iter().map(|g| g.title().to_owned()).collect(),
                cards: record
                    .cards
                    .iter()
                    .filter(|c| c.person == person.id)
                    .map(|c| (c.card.short(), card_words(c.state).to_owned()))
                    .collect(),
            })
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    fn group_rows(&self) -> Vec<GroupRow> {
        let Ok(record) = self.door.vault().authority() else {
            return Vec::new();
        };
        record
            .groups
            .iter()
            .map(|group| {
                let cards: Vec<_> = group
                    .members
                    .iter()
                    .filter_map(|m| record.card(m.card))
                    .collect();
                let live = cards
                    .iter()
                    .filter(|c| c.state == CardState::Active)
                    .count();
                GroupRow {
                    name: group.group.title().into(),
                    m: group.m,
                    n: u8::try_from(group.members.len()).unwrap_or(u8::MAX),
                    live: u8::try_from(live).unwrap_or(u8::MAX),
                    members: cards.iter().map(|c| c.person_name.clone()).collect(),
                }
            })
            .collect()
    }

    fn device_rows(&self) -> Vec<DeviceRow> {
        let mut rows = Vec::new();
        for reader in self.readers.states().unwrap_or_default() {
            rows.push(DeviceRow {
                kind: "reader".into(),
                name: reader.id.to_string(),
                purpose: "cards".into(),
                state: if reader.card_present {
                    "card in"
                } else {
                    "empty"
                }
                .into(),
            });
        }
        for printer in self.enrolled_printers() {
            rows.push(DeviceRow {
                kind: "printer".into(),
                name: printer.name,
                purpose: printer.purpose.words().into(),
                state: format!("{}, serial {}", printer.device, printer.serial),
            });
        }
        for medium in self.media_on_record() {
            let condemned = self.condemned(&medium);
            rows.push(DeviceRow {
                kind: "medium".into(),
                name: medium.name,
                purpose: match condemned {
                    Ok(None) => "exports".into(),
                    Ok(Some(_)) => "CONDEMNED".into(),
                    Err(_) => "NOT READ".into(),
                },
                state: match (&condemned, &medium.plate) {
                    (Err(error), _) => error.to_string(),
                    (Ok(Some(why)), _) => match why.at_ms() {
                        Some(at_ms) => format!("{}: {}", words::date(at_ms), why.reason()),
                        None => why.reason(),
                    },
                    (Ok(None), None) => format!("serial {}", medium.serial),
                    (Ok(None), Some(plate)) => format!("plate {plate}, {}", medium.serial),
                },
            });
        }
        for partner in self.pin_partners() {
            let until = partner.signer.until_ms.min(partner.recipient.until_ms);
            rows.push(DeviceRow {
                kind: "issuer".into(),
                name: partner.issuer,
                purpose: "PIN batches".into(),
                state: format!("certificates until {}", words::date(until)),
            });
        }
        for template in self.pin_templates() {
            rows.push(DeviceRow {
                kind: "template".into(),
                name: template.name,
                purpose: "PIN batches".into(),
                state: format!("approved {}", words::date(template.approved_ms)),
            });
        }
        for system in self.target_systems() {
            let missing = system.settings.missing().len();
            let certificates = system.settings.certificates.values();
            let until = certificates.map(|one| one.until_ms).min();
            rows.push(DeviceRow {
                kind: "system".into(),
                purpose: system.target().into(),
                state: match (missing, until) {
                    (0, Some(until)) => format!("certificate until {}", words::date(until)),
                    (0, None) => "complete".into(),
                    (some, _) => format!("{some} not filled in"),
                },
                name: system.name,
            });
        }
        rows
    }

    fn journal_rows(&self) -> Vec<JournalRow> {
        if !self.is_open() {
            return Vec::new();
        }
        let newest = self.door.vault().newest().map_or(0, |(seq, _)| seq);
        let first = newest.saturating_sub(JOURNAL_ROWS as u64);
        let unauthenticated = self.door.vault().unauthenticated();
        let mut rows: Vec<JournalRow> = self
            .door
            .vault()
            .read_journal(first)
            .unwrap_or_default()
            .into_iter()
            .map(|entry| JournalRow {
                seq: entry.header.seq,
                at: format!(
                    "{} {}",
                    words::date(entry.header.wall_ms),
                    words::clock(entry.header.wall_ms)
                ),
                kind: match covers(&unauthenticated, entry.header.seq) {
                    true => "UNAUTH.".into(),
                    false => entry.header.kind.name().into(),
                },
                action: entry.header.action,
                words: entry.body.map(|b| b.words.join("; ")).unwrap_or_default(),
                hash: entry.hash,
            })
            .collect();
        rows.reverse();
        rows
    }
}

fn card_words(state: CardState) -> &'static str {
    match state {
        CardState::Active => "active",
        CardState::Suspended => "suspended",
        CardState::Revoked => "revoked",
    }
}
