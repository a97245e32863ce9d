//! Keys that leave in key stores: from the screen to the medium, and the two
//! halves of the passphrase to their holders.

use conclave_crypto::keystore::Kind;
use conclave_evidence::{Bytes, GroupId};
use conclave_keyroom::domain::device::{MediumRecord, PrinterPurpose};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::legacy::REASON_MAX;
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::{ActionError, DoorError};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::state::{Player, Reply};
use conclave_trades::print::passphrase_form::{HALF_LAYOUT, fits};
use conclave_trades::print::{Layout, day_words};
use conclave_trades::target::store::{
    ExportKeyStore, PrintHalf, ReadCertificate, STORE_TARGETS, StoreTarget, StoredItem,
    store_target,
};
use conclave_trades::target::{IMPORT_FOLDER, KeyName, SystemName, next_bundle};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{choose, gave_up, optional, refused, sole};
use crate::exceptions::reason_of;
use crate::hand_over::read_aloud;
use crate::service::ActEnd;
use crate::station::Station;
use crate::void_bundle::counts_no_more;

/// No system: the store goes to whoever is named.
const ALONE: &str = "a key store alone";
/// Where there is no answer of a CA.
const SELF_SIGNED: &str = "-";
/// The most characters of further labels.
const ALSO_MOST: usize = 240;
/// How often a half is sent to the printer.
const PRINTINGS: usize = 5;

/// What a stop costs while halves are printed.
const HALF_SAFE: &str = "yes: without both halves the stores open for nobody";

/// What can be chosen.
struct Offer {
    systems: Vec<TargetSystem>,
    holders: Vec<Player>,
    media: Vec<MediumRecord>,
}

fn holder_words(player: &Player) -> String {
    format!("{}, {}", player.name, player.group.title())
}

/// TRUE where it may have printed, whatever became of it.
fn is_unknown(error: &DoorError) -> bool {
    matches!(
        error,
        DoorError::Failed(ActionError::Unknown { .. }) | DoorError::Vault(_)
    )
}

fn not_printed(why: &str) -> String {
    format!("was not printed: {why}")
}

/// The holder of an open sheet looks whether it is legible, before the other half is
/// printed: it cannot be printed again.
fn half_taken(half: u8, holder: &Player, people: &mut dyn People) -> Result<(), String> {
    let name = &holder.name;
    let mut prompt = Prompt {
        code: "store.half.taken".into(),
        act: "Key store".into(),
        title: format!("Half {half} of the passphrase, in {name}'s hands"),
        lines: vec![
            PromptLine::note(format!(
                "{name} reads it alone: two lines, each with its check digits, every character \
                 legible. Then folds it and seals it."
            )),
            PromptLine::note(
                "Not in order, or not there: Esc, then y. It is destroyed, and the store exported \
                 again.",
            ),
        ],
        ask: Ask::Confirm {
            key: 'y',
            label: "collected, legible, folded and sealed".into(),
        },
        waiting_for: name.clone(),
        safe: HALF_SAFE.into(),
        why: "A half that cannot be read opens nothing, and is noticed too late at the other side."
            .into(),
        ..Prompt::default()
    };
    match ask(people, &mut prompt, &mut |_| Ok(false)) {
        Ok(Answer::Confirmed) => Ok(()),
        _ => Err(format!("is not in order: {name} did not confirm it.")),
    }
}

fn plain() -> Option<&'static dyn StoreTarget> {
    STORE_TARGETS
        .into_iter()
        .find(|target| !target.needs_system())
}

impl Station {
    /// Whether a key that is handed over goes into a store: a pair does, a data
    /// key may.
    pub(crate) fn goes_into_a_store(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<bool, Refusal> {
        if key.form == KeyForm::Rsa {
            return Ok(true);
        }
        let data = key.usage.starts_with('M') || matches!(key.usage.as_str(), "D0" | "D2" | "D3");
        if !data {
            return Ok(false);
        }
        let way = |label: &str, detail: &str| Choice {
            label: label.into(),
            detail: detail.into(),
        };
        let mut prompt = Prompt {
            code: "hand-over.way".into(),
            act: "Hand over".into(),
            title: format!("How does {} leave?", key.label),
            ask: Ask::Choose {
                options: vec![
                    way("under a wrapping key", "as every key of payments does"),
                    way("in a key store", "under a passphrase in two halves"),
                ],
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing has left".into(),
            why: "A data key may leave for a system that takes no wrapped key.".into(),
            ..Prompt::default()
        };
        loop {
            match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(at)) => return Ok(at == 1),
                Ok(_) => {}
                Err(Interrupted::Refused(refusal)) => return Err(refusal),
                Err(_) => return Err(refused("It was given up.", "Begin again.")),
            }
        }
    }

    /// Hands a key, and others with it, over in key stores.
    pub(crate) fn hand_over_store(
        &mut self,
        key: &KeyRecord,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        // The halves have to come out once the store has left.
        let layout = self.half_layout()?;
        let offer = self.store_offer()?;
        let Some(action) = self.ask_store(key, &offer, people)? else {
            return Ok(ActEnd::Stopped);
        };
        let title = format!("Key store for {}", action.recipient);
        let out = match self.act(&action, &title, people) {
            Ok(out) => out,
            Err(undone) => return self.undone(undone),
        };
        let mut lines = vec![
            format!("{} on {}", out.folder, action.medium_name),
            format!(
                "{} files; runsheet.txt tells the other side what to do.",
                out.files.len()
            ),
        ];
        let again = self.read_after_replug(action.bundle, &action.medium_name, people);
        if again.void {
            let mut lines = again.lines;
            lines.push("The halves of its passphrase are not printed.".into());
            return Ok(counts_no_more(action.bundle, lines));
        }
        lines.extend(again.lines);
        lines.extend(read_aloud(&out.digest, &out.text));
        for (half, holder) in (1..).zip(&action.holders) {
            if let Err(why) = self.print_half(action.bundle, half, (holder, &layout), people)? {
                let reason = format!("half {half} of its passphrase is not to be had");
                return Ok(ActEnd::Done {
                    good: false,
                    title: format!("The stores of bundle {:04} open for nobody", action.bundle),
                    lines: vec![
                        format!("Half {half} {why}"),
                        format!(
                            "The stores open for nobody: destroy what is printed and what stands on \
                             {}, and export again.",
                            action.medium_name
                        ),
                        self.void_worthless(action.bundle, &reason, people),
                    ],
                });
            }
            lines.push(format!("{} has half {half}, sealed.", holder.name));
        }
        Ok(ActEnd::Done {
            good: again.good,
            title: format!("Bundle {:04} for {}", action.bundle, action.recipient),
            lines,
        })
    }

    fn store_offer(&self) -> Result<Offer, Refusal> {
        let mut systems = self.target_systems();
        systems.retain(|system| store_target(system.target()).is_some());
        let groups = [
            GroupId::CustodiansA,
            GroupId::CustodiansB,
            GroupId::CustodiansC,
        ];
        let now = self.clock.wall_ms();
        let holders: Vec<Player> = groups
            .into_iter()
            .flat_map(|g| self.players(g))
            .filter(|player| self.form_standing(player.id, player.group, now).holds())
            .collect();
        if holders.len() < 2 {
            return Err(refused(
                "There are no two custodians for the halves of the passphrase.",
                "Custodians of two groups with active cards and custodian forms that hold are \
                 wanted.",
            ));
        }
        Ok(Offer {
            systems,
            holders,
            media: self.media_or_none()?,
        })
    }

    fn ask_store(
        &mut self,
        key: &KeyRecord,
        offer: &Offer,
        people: &mut dyn People,
    ) -> Result<Option<ExportKeyStore>, Refusal> {
        let mut systems = vec![ALONE.to_owned()];
        systems.extend(offer.systems.iter().map(|s| s.name.clone()));
        let holders: Vec<String> = offer.holders.iter().map(holder_words).collect();
        let mut prompt = Prompt {
            code: "store.parameters".into(),
            act: "Key store".into(),
            title: format!("{} in a key store", key.label),
            ask: Ask::Form {
                fields: vec![
                    choose("System", systems),
                    optional(
                        "Also",
                        "",
                        "labels of other keys, a space between",
                        ALSO_MOST,
                    ),
                    optional(
                        "Stores",
                        "",
                        "pkcs12 pkcs12-legacy jks jceks; empty: the usual",
                        40,
                    ),
                    optional("Recipient", "", "for a key store alone: for whom", 40),
                    choose("Half 1 to", holders.clone()),
                    choose("Half 2 to", holders),
                    sole(
                        "Medium",
                        offer.media.iter().map(|m| m.name.clone()).collect(),
                    ),
                    optional(
                        "CA answers",
                        "",
                        "files in IMPORT, in the keys' order; empty: self-signed",
                        120,
                    ),
                    optional(
                        "Exception",
                        "",
                        "why a store is weaker than its key, if so",
                        REASON_MAX,
                    ),
                ],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing has left".into(),
            why: "Both quorums sign what leaves, for whom, and who holds the halves.".into(),
            lines: vec![PromptLine::note(
                "The passphrase is random, is printed in two halves, and is kept nowhere.",
            )],
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            match self.planned_store(key, offer, &values, people) {
                Ok(action) => return Ok(Some(action)),
                Err(refusal) => prompt.refused = Some(refusal),
            }
        }
    }

    fn planned_store(
        &mut self,
        key: &KeyRecord,
        offer: &Offer,
        values: &[String],
        people: &mut dyn People,
    ) -> Result<ExportKeyStore, Refusal> {
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        let system = offer.systems.iter().find(|s| s.name == value(0));
        let target = match system {
            Some(system) => store_target(system.target()),
            None => plain(),
        }
        .ok_or_else(|| refused("For which system?", "Choose one."))?;
        let settings = system.map_or_else(Settings::default, |s| s.settings.clone());
        let holder = |at: usize| offer.holders.iter().find(|h| holder_words(h) == value(at));
        let (Some(first), Some(second)) = (holder(4), holder(5)) else {
            return Err(refused("Who takes the halves?", "Choose two custodians."));
        };
        let medium = offer.media.iter().find(|m| m.name == value(6));
        let medium = medium.ok_or_else(|| refused("On which medium?", "Choose one."))?;
        let kinds: Vec<String> = match value(2) {
            "" => target
                .usual(&settings)
                .into_iter()
                .map(Kind::name)
                .map(str::to_owned)
                .collect(),
            named => named.split_whitespace().map(str::to_owned).collect(),
        };
        let mut keys = vec![key.clone()];
        for label in value(1).split_whitespace() {
            let other = self.key_labelled(label);
            keys.push(
                other.ok_or_else(|| {
                    refused(format!("There is no key {label}."), "Type it again.")
                })?,
            );
        }
        let files: Vec<&str> = value(7).split_whitespace().collect();
        let mut items = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let file = files.get(at).copied().filter(|file| *file != SELF_SIGNED);
            items.push(StoredItem {
                key: KeyName::of(key),
                chain: match file {
                    Some(file) => self.read_answer(key, medium, file, people)?,
                    None => Vec::new(),
                },
            });
        }
        Ok(ExportKeyStore {
            bundle: next_bundle(self.door.vault()).map_err(|e| self.refusal(&e.to_string()))?,
            keys: items,
            kinds,
            recipient: system.map_or_else(|| value(3).to_owned(), |s| s.name.clone()),
            target: target.name().into(),
            system: system.map(SystemName::of),
            holders: vec![first.clone(), second.clone()],
            medium: medium.id,
            medium_name: medium.name.clone(),
            serial: medium.serial.clone(),
            exception: reason_of(value(8)),
        })
    }

    /// What a CA answered, read from the medium.
    fn read_answer(
        &mut self,
        key: &KeyRecord,
        medium: &MediumRecord,
        file: &str,
        people: &mut dyn People,
    ) -> Result<Vec<Bytes>, Refusal> {
        let action = ReadCertificate {
            key: KeyName::of(key),
            medium: medium.id,
            file: file.to_owned(),
        };
        match self.act(&action, "Read certificates", people) {
            Ok(chain) => Ok(chain),
            Err(undone) => Err(match self.undone(undone) {
                Err(refusal) => refusal,
                Ok(_) => refused(
                    format!("{IMPORT_FOLDER}/{file} was not read."),
                    "Begin again.",
                ),
            }),
        }
    }

    /// The layout of the password mailer, as text.
    fn half_layout(&self) -> Result<String, Refusal> {
        let text = self.approved_layout(HALF_LAYOUT);
        text.and_then(|text| {
            let layout = Layout::parse(&text).map_err(|why| why.to_string())?;
            fits(&layout).map(|()| text)
        })
        .map_err(|why| {
            refused(
                format!("The halves of a passphrase cannot be printed: {why}."),
                "Have the layout corrected and approved, and begin again.",
            )
        })
    }

    fn half_printer(&self) -> Result<String, Refusal> {
        let mut printers = self.enrolled_printers();
        printers.retain(|printer| printer.purpose == PrinterPurpose::Components);
        printers
            .into_iter()
            .next()
            .map(|printer| printer.name)
            .ok_or_else(|| {
                refused(
                    "No printer is enrolled for key components, and a half is as secret as those.",
                    "Enrol one under «Devices», and export again.",
                )
            })
    }

    /// One half, with its holder alone at the printer. The inner error says what
    /// became of it instead.
    fn print_half(
        &mut self,
        bundle: u64,
        half: u8,
        (holder, layout): (&Player, &str),
        people: &mut dyn People,
    ) -> Result<Result<(), String>, Refusal> {
        let printer = match self.half_printer() {
            Ok(printer) => printer,
            Err(refusal) => return Ok(Err(not_printed(&refusal.happened))),
        };
        let name = &holder.name;
        let mut prompt = Prompt {
            code: "store.half.card".into(),
            act: "Key store".into(),
            title: format!("Half {half} of the passphrase, for {name}"),
            lines: vec![
                PromptLine::note(format!(
                    "{name} alone stands at {printer} and takes the sheet. Nobody else reads its \
                     inside; it is never on the screen."
                )),
                PromptLine::note("It is printed once. A sheet that is not in order: export again."),
            ],
            waiting_for: name.clone(),
            safe: HALF_SAFE.into(),
            why: "Two people have the halves, so that none of them opens the store alone.".into(),
            ..Prompt::default()
        };
        for _ in 0..PRINTINGS {
            match self.identify(people, holder, "take half of a passphrase", &mut prompt) {
                Reply::Identified(id) if id == holder.id => {}
                Reply::Failed(why) => return Ok(Err(not_printed(&why))),
                _ => return Ok(Err(not_printed("it was given up."))),
            }
            let action = PrintHalf {
                bundle,
                half,
                holder: holder.clone(),
                printer: printer.clone(),
                date: day_words(self.clock.wall_ms()),
                layout: layout.to_owned(),
            };
            people.progress(&format!("Printing on {printer}"), 0, 1);
            match self.act(&action, &prompt.title, people) {
                Ok(()) => return Ok(half_taken(half, holder, people)),
                // Something may have come out, and the half is nowhere any more.
                Err(Undone::Door(error)) if is_unknown(&error) => {
                    return Ok(Err(format!(
                        "may be printed: {error}. Find the sheet in or at {printer}, and destroy it \
                         unread."
                    )));
                }
                Err(undone) => match self.undone(undone) {
                    Err(refusal) => prompt.refused = Some(refusal),
                    Ok(_) => return Ok(Err(not_printed("it was given up."))),
                },
            }
        }
        let why = format!("the printer failed {PRINTINGS} times.");
        Ok(Err(not_printed(&why)))
    }

    /// Whether something comes in as a public key or out of a key store.
    pub(crate) fn asks_for_a_store(
        &mut self,
        people: &mut dyn People,
    ) -> Result<bool, Interrupted> {
        let choice = |label: &str, detail: &str| Choice {
            label: label.into(),
            detail: detail.into(),
        };
        let mut prompt = Prompt {
            code: "import.what".into(),
            act: "Import".into(),
            title: "What comes in?".into(),
            ask: Ask::Choose {
                options: vec![
                    choice("a partner's public key", "PEM, DER or certificate"),
                    choice("a key of a key store", "PKCS#12, JKS or JCEKS"),
                ],
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "The file lies in the folder IMPORT of an enrolled medium.".into(),
            ..Prompt::default()
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut prompt, &mut |_| Ok(false))? {
                return Ok(at == 1);
            }
        }
    }
}
