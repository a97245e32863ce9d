//! Certificates of a system on record: each from a medium, its fingerprint typed by two
//! administrators from its owner's letter; and the task before its end.

use std::collections::BTreeMap;

use conclave_evidence::GroupId;
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::target_system::{ProfileField, TargetProfile, TargetSystem};
use conclave_keyroom::door::DoorError;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::state::Player;
use conclave_trades::keys::fingerprint_hex;
use conclave_trades::target::{IMPORT_FOLDER, ReadPartnerCertificate, system_certificate};

use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{choose, one, optional, refused};
use crate::front::TaskRow;
use crate::lists::{days_until, due};
use crate::station::Station;
use crate::words;

/// What a record has, or does not have, stays.
const AS_ON_RECORD: &str = "as on record";
const CERTIFICATE: &str = "Certificate";
const NONE: &str = "none";
const FROM_A_FILE: &str = "from a file";
const NONE_FROM_NOW: &str = "none from now on";

/// The end of a certificate becomes a task this many days before: its owner has to
/// make another one, and send the letter with its SHA-256.
const CERTIFICATE_DAYS: i64 = 90;

/// The longest name of a file.
const FILE_MOST: usize = 60;

/// Certificates by field, and who typed the fingerprints of new ones.
pub(crate) type Certificates = (BTreeMap<String, EnrolledCertificate>, Vec<Player>);

/// What was chosen for one field.
enum Chosen {
    Stays,
    None,
    File(MediumRecord, String),
}

fn undone(refusal: Refusal) -> Undone {
    Undone::Interrupted(Interrupted::Refused(refusal))
}

/// A certificate as people recognise it, in lines of a prompt.
fn told(what: &str, certificate: &EnrolledCertificate) -> Vec<PromptLine> {
    let digest = fingerprint_hex(&certificate.fingerprint);
    let short: String = certificate.subject.chars().take(50).collect();
    let (first, second) = digest.split_at_checked(32).unwrap_or((&digest, ""));
    vec![
        PromptLine::note(format!(
            "{what}: {short}, until {}",
            words::date(certificate.until_ms)
        )),
        PromptLine::note(format!("SHA-256 {first}")),
        PromptLine::note(format!("        {second}")),
    ]
}

/// What can be done. A generation keeps its certificate: its record takes another one
/// with the next generation only.
fn remedy(system: &TargetSystem) -> String {
    let generation = system.settings.value("generation");
    let next = generation.and_then(|text| text.parse::<u32>().ok()?.checked_add(1));
    let with = match next {
        Some(next) => format!(
            "It comes with the next generation, and not by itself: y, the system, with \
             generation {next}, its first day and the new certificate; then the keys of \
             generation {next}."
        ),
        None => "Then, on the devices screen: y, the system.".into(),
    };
    format!(
        "Ask its owner for another one, with its SHA-256 by letter. {with} What left before stays \
         as it is."
    )
}

/// Certificates of systems that end soon, or have ended.
pub(crate) fn ending_certificates(now_ms: u64, systems: &[TargetSystem]) -> Vec<TaskRow> {
    let mut tasks = Vec::new();
    for system in systems {
        for (field, certificate) in &system.settings.certificates {
            let days = days_until(now_ms, certificate.until_ms);
            if days > CERTIFICATE_DAYS {
                continue;
            }
            let asked = system.settings.profile.fields.iter();
            let title = asked.clone().find(|one| one.name == *field);
            let title = title.map_or(field.as_str(), |one| one.title.as_str());
            let (ends, blocks) = if days < 0 {
                ("ended", "Nothing leaves for the system until then.")
            } else {
                (
                    "ends",
                    "Once it has ended, nothing more leaves for the system.",
                )
            };
            tasks.push(TaskRow {
                due: due(days, certificate.until_ms),
                days,
                what: format!(
                    "new certificate of {}: {}",
                    system.name,
                    title.to_lowercase()
                ),
                who: GroupId::Administrators.title().into(),
                detail: vec![
                    format!("the old one {ends} {}", words::date(certificate.until_ms)),
                    blocks.into(),
                    remedy(system),
                ],
                resume: None,
            });
        }
    }
    tasks
}

impl Station {
    /// The certificates that a profile asks for: those of the record, or new ones.
    pub(crate) fn system_certificates(
        &mut self,
        profile: &TargetProfile,
        old: Option<&TargetSystem>,
        people: &mut dyn People,
    ) -> Result<Certificates, Undone> {
        let mut all = BTreeMap::new();
        let mut by = Vec::new();
        for field in profile.fields.iter().filter(|field| field.certificate) {
            let had = old.and_then(|old| old.settings.certificates.get(&field.name));
            let media = self.enrolled_media();
            let why = profile.lines("certificate").join(" ");
            let mut prompt = certificate_prompt(field, &why, old, &media);
            loop {
                let chosen = ask_certificate(&mut prompt, &media, people);
                let (medium, file) = match chosen.map_err(Undone::Interrupted)? {
                    Chosen::None => break,
                    Chosen::Stays => {
                        all.extend(had.map(|had| (field.name.clone(), had.clone())));
                        break;
                    }
                    Chosen::File(medium, file) => (medium, file),
                };
                let read = ReadPartnerCertificate {
                    medium: medium.id,
                    file: file.clone(),
                };
                let der = match self.act(&read, "Read a certificate", people) {
                    Ok(der) => der,
                    // A mistyped name does not throw away the pages before.
                    Err(Undone::Door(error)) => {
                        let mut refusal = self.door_refusal(&error);
                        refusal.happened = format!("File {file}: {}", refusal.happened);
                        prompt.refused = Some(refusal);
                        continue;
                    }
                    Err(undone) => return Err(undone),
                };
                let two = self.two_administrators().map_err(undone)?;
                let label = format!("the {}", field.title.to_lowercase());
                let from = "its owner's letter";
                let (typed, who) = self
                    .typed_by(&two, &label, from, None, people)
                    .map_err(undone)?;
                match system_certificate(&der.0, &typed) {
                    Ok(certificate) => {
                        all.insert(field.name.clone(), certificate);
                        by = who;
                        break;
                    }
                    Err(why) => {
                        let why = DoorError::Failed(why);
                        prompt.refused = Some(self.door_refusal(&why));
                    }
                }
            }
        }
        Ok((all, by))
    }
}

/// Why it is asked for, where the profile has no words of its own.
const WHY: &str = "What is encrypted to a certificate opens for whoever has its private key. Two \
                   people type its SHA-256 from its owner's letter; who issued it is not checked. \
                   A generation keeps its certificate: another one comes with the next.";

/// The question for the certificate of one field.
fn certificate_prompt(
    field: &ProfileField,
    why: &str,
    old: Option<&TargetSystem>,
    media: &[MediumRecord],
) -> Prompt {
    let had = old.and_then(|old| old.settings.certificates.get(&field.name));
    let mut lines: Vec<PromptLine> = had.map(|had| told("On record", had)).unwrap_or_default();
    let former = old.into_iter().flat_map(|old| &old.former);
    let mut former = former.filter(|one| one.field == field.name).rev();
    if let Some(last) = former.next() {
        let until = words::date(last.until_ms);
        lines.extend(told(&format!("Before, to {until}"), &last.certificate));
        let more = former.count();
        if more > 0 {
            lines.push(PromptLine::note(format!(
                "Older ones: {more}, in the journal."
            )));
        }
    }
    if lines.is_empty() {
        lines.push(PromptLine::note(format!(
            "{}.",
            words::heading(&field.hint)
        )));
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let which = match had {
        Some(_) => one(
            CERTIFICATE,
            names(&[AS_ON_RECORD, FROM_A_FILE, NONE_FROM_NOW]),
            None,
        ),
        // Without one nothing leaves for the system: a hurried Enter does not say so.
        None => choose(CERTIFICATE, names(&[NONE, FROM_A_FILE])),
    };
    let mut plates = vec!["-".to_owned()];
    plates.extend(media.iter().map(|m| m.name.clone()));
    Prompt {
        code: "system.certificate".into(),
        act: "System on record".into(),
        title: field.title.clone(),
        lines,
        ask: Ask::Form {
            fields: vec![
                which,
                one("Medium", plates, None),
                optional(
                    "File",
                    "",
                    &format!("in its folder {IMPORT_FOLDER}, for example retail.pem"),
                    FILE_MOST,
                ),
            ],
            submit: "go on".into(),
            done: None,
        },
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed".into(),
        why: if why.is_empty() { WHY } else { why }.into(),
        ..Prompt::default()
    }
}

fn ask_certificate(
    prompt: &mut Prompt,
    media: &[MediumRecord],
    people: &mut dyn People,
) -> Result<Chosen, Interrupted> {
    loop {
        let values = filled(people, prompt)?;
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        let medium = media.iter().find(|m| m.name == value(1));
        match (value(0), medium) {
            (AS_ON_RECORD, _) => return Ok(Chosen::Stays),
            (NONE | NONE_FROM_NOW, _) => return Ok(Chosen::None),
            (FROM_A_FILE, Some(medium)) if !value(2).is_empty() => {
                return Ok(Chosen::File(medium.clone(), value(2).to_owned()));
            }
            _ => {
                prompt.refused = Some(refused(
                    "On which medium, and in which file?",
                    "Choose the medium, and type the file's name.",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_evidence::{Bytes, Hash, Id};
    use conclave_keyroom::domain::target_system::Settings;

    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn channel(until_ms: u64) -> TargetSystem {
        let certificate = EnrolledCertificate {
            der: Bytes(Vec::new()),
            fingerprint: Hash([0; 32]),
            subject: "CN=retail".into(),
            key: "RSA-3072".into(),
            from_ms: 0,
            until_ms,
        };
        let profile = TargetProfile {
            name: "web-pin".into(),
            fields: vec![ProfileField {
                name: "certificate".into(),
                title: "Certificate of the channel".into(),
                certificate: true,
                hint: String::new(),
                characters: String::new(),
                first: String::new(),
                most: 0,
                choices: Vec::new(),
                default: None,
                required: false,
            }],
            ..TargetProfile::default()
        };
        TargetSystem {
            id: Id([1; 16]),
            name: "Internet banking".into(),
            settings: Settings {
                profile,
                certificates: [("certificate".to_owned(), certificate)].into(),
                ..Settings::default()
            },
            recorded_ms: 0,
            former: Vec::new(),
        }
    }

    #[test]
    fn a_system_s_certificate_is_a_task_before_its_end_and_red_behind_it() {
        let of = [channel(1000 * DAY_MS)];
        assert!(ending_certificates(900 * DAY_MS, &of).is_empty());
        let soon = ending_certificates(920 * DAY_MS, &of);
        assert_eq!((soon.len(), soon[0].days), (1, 80));
        let what = "new certificate of Internet banking: certificate of the channel";
        assert_eq!(soon[0].what, what);
        assert!(soon[0].detail[1].starts_with("Once it has ended"));
        let over = ending_certificates(1002 * DAY_MS, &of);
        assert_eq!((over[0].days, over[0].due.as_str()), (-2, "overdue"));
        assert!(over[0].detail[1].contains("Nothing leaves"));
        assert!(over[0].detail[2].contains("devices screen: y"));
        // Of one that keeps its certificate for a generation, with the next one alone.
        let mut of = of;
        let values = &mut of[0].settings.values;
        values.insert("generation".into(), "3".into());
        let told = ending_certificates(1002 * DAY_MS, &of)[0].detail[2].clone();
        assert!(told.contains("with generation 4"), "{told}");
    }
}
