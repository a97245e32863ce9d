//! A batch is opened: the issuer's file is read whole or not at all, and both
//! sign what is to be printed from it.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::{MediumRecord, PrinterPurpose};
use conclave_keyroom::domain::pin_batch::Limits;
use conclave_keyroom::domain::pin_key::PinKey;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, DoorError};
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{
    BatchKeys, BatchName, Checked, OpenBatch, PartnerName, PinKeyName, ReadBatch, ReadCardFile,
    TemplateName,
};
use conclave_trades::pin::{HERE_BEFORE, Method, Replacement, Template};
use conclave_trades::print::{Kind, Layout};
use conclave_trades::target::IMPORT_FOLDER;
use sha2::{Digest, Sha256};

use super::{WAITS, number};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask, filled};
use crate::ceremony::begin::{one, refused, sole, text};
use crate::service::ActEnd;
use crate::station::Station;

/// No zone PIN key.
const NONE: &str = "none";

/// What a batch can be opened with.
struct Choices {
    media: Vec<MediumRecord>,
    partners: Vec<PinPartner>,
    templates: Vec<PinTemplateApproval>,
    /// File name and text.
    layouts: Vec<(String, String)>,
    printers: Vec<String>,
    keys: Vec<PinKey>,
}

/// What was chosen.
struct Chosen {
    medium: Id,
    file: String,
    partner: PartnerName,
    template: TemplateName,
    layout: String,
    printer: String,
    pin_key: PinKeyName,
    /// The same, where the PINs come in blocks under it.
    host_key: Option<PinKeyName>,
    zone_key: Option<PinKeyName>,
    cvv_key: Option<PinKeyName>,
    /// What the template lets the pair allow.
    replacement: Replacement,
}

impl Station {
    pub(super) fn open_batch(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let choices = self.choices()?;
        let mut prompt = choose(&choices);
        loop {
            let chosen = match self.ask_chosen(&choices, &mut prompt, people) {
                Ok(chosen) => chosen,
                Err(why) => return crate::service::stopped(why),
            };
            match self.open_chosen(&chosen, people) {
                Ok(Ok(action)) => {
                    return Ok(ActEnd::Done {
                        good: true,
                        title: format!("Batch {} is open", action.batch.name),
                        lines: action.words(),
                    });
                }
                Ok(Err(refusal)) => prompt.refused = Some(refusal),
                Err(undone) if self.card_lost() => return self.undone(undone),
                Err(undone) => match self.undone(undone) {
                    Ok(end) => return Ok(end),
                    Err(refusal) => prompt.refused = Some(refusal),
                },
            }
        }
    }

    /// What there is; the first thing that is missing is a refusal that says
    /// who can give it.
    fn choices(&self) -> Result<Choices, Refusal> {
        let now = self.clock.wall_ms();
        let here = self.incarnation()?;
        let keys: Vec<PinKey> = self
            .door
            .vault()
            .list::<PinKey>(Compartment::Catalogue, PinKey::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, key)| key)
            .filter(|key| key.is_usable(now, here))
            .collect();
        let layouts: Vec<(String, String)> = self
            .data
            .layouts()
            .into_iter()
            .filter_map(|(file, text)| text.ok().map(|text| (file, text)))
            .filter(|(_, text)| {
                self.layout_is_approved(text)
                    && Layout::parse(text).is_ok_and(|l| l.kind() == Kind::PinMailer)
            })
            .collect();
        let choices = Choices {
            media: self.media_or_none()?,
            partners: self.pin_partners(),
            templates: self.pin_templates(),
            layouts,
            printers: self
                .enrolled_printers()
                .into_iter()
                .filter(|printer| printer.purpose == PrinterPurpose::Pins)
                .map(|printer| printer.name)
                .collect(),
            keys,
        };
        let missing = [
            (
                choices.partners.is_empty(),
                "No issuer is on record.",
                "Administrators record one with its certificates (devices, i).",
            ),
            (
                choices.templates.is_empty(),
                "No template for files of cards is approved.",
                "Administrators approve one (devices, a).",
            ),
            (
                choices.layouts.is_empty(),
                "No layout of PIN mailers is approved.",
                "Administrators approve one on a page of X's (devices, l).",
            ),
            (
                choices.printers.is_empty(),
                "No printer is enrolled for PIN mailers.",
                "Administrators enrol one (devices, e).",
            ),
            (
                choices.keys.is_empty(),
                "No key is released to this room.",
                "Key managers and approvers release one (keys).",
            ),
        ];
        match missing.into_iter().find(|(is, ..)| *is) {
            Some((_, what, advice)) => Err(refused(what, advice)),
            None => Ok(choices),
        }
    }

    /// Reads the file, shows what is in it, and both sign.
    fn open_chosen(
        &mut self,
        chosen: &Chosen,
        people: &mut dyn People,
    ) -> Result<Result<OpenBatch, Refusal>, Undone> {
        let file = self
            .act(
                &ReadCardFile {
                    medium: chosen.medium,
                    file: chosen.file.clone(),
                },
                "read a file of cards",
                people,
            )?
            .0;
        let reading = ReadBatch {
            file: Hash(Sha256::digest(&file).into()),
            partner: chosen.partner.clone(),
            template: chosen.template.clone(),
            layout: chosen.layout.clone(),
            host_key: chosen.host_key.clone(),
        };
        let secret = |file: &[u8]| Secret::from_fn(file.len(), |out| out.copy_from_slice(file));
        let read = self.act_on(
            &reading,
            vec![secret(&file)],
            "read a file of cards",
            people,
        )?;
        let checked = match read {
            Ok(checked) => checked,
            Err(faults) => {
                show_faults(&chosen.file, &faults, people)?;
                // A file that came twice has no fault that its issuer could mend.
                let before = faults.iter().any(|fault| fault.ends_with(HERE_BEFORE));
                return Ok(Err(match before {
                    true => refused(
                        "This file or its batch was here before; nothing of it was taken.",
                        "Look for its batch in the list. Another file of the issuer would void \
                         the PINs of the first.",
                    ),
                    false => refused(
                        match faults.len() {
                            1 => "The file has a fault; nothing of it was taken.".into(),
                            some => format!("The file has {some} faults; nothing of it was taken."),
                        },
                        "Where the template is the one for this file, have the issuer correct it and send it \
                         anew; else begin with the other template.",
                    ),
                }));
            }
        };
        if checked.older {
            ask_older(&checked, people)?;
        }
        if checked.again > 0 {
            ask_again(&checked, people)?;
        }
        let limits = ask_limits(&checked, chosen, people)?;
        let mut id = self.door.new_id().map_err(|error| {
            Undone::Interrupted(Interrupted::Refused(self.refusal(&error.to_string())))
        })?;
        // A batch's cards have its record's id with their number at the end.
        if let Some(end) = id.0.get_mut(12..) {
            end.fill(0);
        }
        let action = OpenBatch {
            batch: BatchName {
                id,
                name: checked.name.clone(),
                issuer: chosen.partner.issuer.clone(),
            },
            partner: chosen.partner.clone(),
            file: reading.file,
            count: checked.count,
            input: checked.input,
            template: chosen.template.clone(),
            layout: chosen.layout.clone(),
            printer: chosen.printer.clone(),
            pin_key: chosen.pin_key.clone(),
            zone_key: chosen.zone_key.clone(),
            cvv_key: chosen.cvv_key.clone(),
            limits,
            older: checked.older,
            again: checked.again,
        };
        self.act_on(&action, vec![secret(&file)], "open a batch", people)?;
        Ok(Ok(action))
    }
}

fn choose(choices: &Choices) -> Prompt {
    let media = choices.media.iter().map(|m| m.name.clone()).collect();
    let partners = choices.partners.iter().map(|p| p.issuer.clone()).collect();
    let templates = choices.templates.iter().map(|t| t.name.clone()).collect();
    let layouts = choices
        .layouts
        .iter()
        .map(|(file, _)| file.clone())
        .collect();
    let labels: Vec<String> = choices
        .keys
        .iter()
        .map(|k| k.released.label.clone())
        .collect();
    let mut zone = vec![NONE.to_owned()];
    zone.extend(labels.clone());
    Prompt {
        code: "pins.open".into(),
        act: "Open a batch of PIN mailers".into(),
        title: "From which file, and how?".into(),
        ask: Ask::Form {
            fields: vec![
                text(
                    "File",
                    "cards.p7m",
                    &format!("its name in the medium's folder {IMPORT_FOLDER}"),
                    64,
                ),
                sole("Medium", media),
                sole("Issuer", partners),
                sole("Template", templates),
                sole("Layout", layouts),
                sole("Printer", choices.printers.clone()),
                sole("PIN key", labels),
                one("Zone PIN key", zone.clone(), None),
                one("Card values", zone, None),
            ],
            submit: "read the file".into(),
            done: None,
        },
        waiting_for: WAITS.into(),
        safe: "yes, nothing of the file is kept before both have signed".into(),
        why: "The file is taken whole or not at all: signature, header, count, hash total and \
              each card are looked at. Method and tables come from the template, never from the \
              file."
            .into(),
        ..Prompt::default()
    }
}

impl Station {
    /// What the form can see is refused in it: before the medium is read, and
    /// before anybody signs.
    fn ask_chosen(
        &self,
        choices: &Choices,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Chosen, Interrupted> {
        loop {
            let values = filled(people, prompt)?;
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let key = |at: usize| {
                let mut there = choices.keys.iter();
                there.find(|k| k.released.label == value(at))
            };
            let medium = choices.media.iter().find(|m| m.name == value(1));
            let partner = choices.partners.iter().find(|p| p.issuer == value(2));
            let template = choices.templates.iter().find(|t| t.name == value(3));
            let layout = choices.layouts.iter().find(|(file, _)| file == value(4));
            let printer = choices.printers.iter().find(|name| *name == value(5));
            let read = template.and_then(|t| Template::parse(&t.text).ok().map(|read| (read, t)));
            let (
                Some(medium),
                Some(partner),
                Some((read, template)),
                Some(layout),
                Some(printer),
                Some(pin),
            ) = (medium, partner, read, layout, printer, key(6))
            else {
                prompt.refused = Some(refused("Something is not chosen.", "Choose one of each."));
                continue;
            };
            let keys = BatchKeys {
                pin,
                zone: key(7),
                cvv: key(8),
            };
            if let Err(error) = keys.fit(&read, &partner.issuer, self.clock.wall_ms()) {
                prompt.refused = Some(self.door_refusal(&DoorError::Failed(error)));
                continue;
            }
            return Ok(Chosen {
                medium: medium.id,
                file: value(0).trim().to_owned(),
                partner: PartnerName::of(partner),
                template: TemplateName::of(&read, &template.text),
                layout: layout.1.clone(),
                printer: printer.clone(),
                pin_key: PinKeyName::of(pin),
                host_key: (read.pin.method == Method::Host).then(|| PinKeyName::of(pin)),
                zone_key: keys.zone.map(PinKeyName::of),
                cvv_key: keys.cvv.map(PinKeyName::of),
                replacement: read.replacement,
            });
        }
    }
}

/// Everything that is wrong with a file, by line and column.
fn show_faults(file: &str, faults: &[String], people: &mut dyn People) -> Result<(), Undone> {
    let mut prompt = Prompt {
        code: "pins.faults".into(),
        act: "Open a batch of PIN mailers".into(),
        title: format!("{file} is refused"),
        lines: faults.iter().map(PromptLine::note).collect(),
        ask: Ask::Read,
        waiting_for: WAITS.into(),
        safe: "yes, nothing of the file was taken".into(),
        ..Prompt::default()
    };
    ask(people, &mut prompt, &mut |_| Ok(false))?;
    Ok(())
}

/// A file of before the restore: nobody but its people knows what became of it.
fn ask_older(checked: &Checked, people: &mut dyn People) -> Result<(), Interrupted> {
    let mut prompt = Prompt {
        code: "pins.older".into(),
        act: "Open a batch of PIN mailers".into(),
        title: "Was this file printed since the backup?".into(),
        lines: vec![PromptLine::note(format!(
            "Batch {} was signed before this station was restored. If any of its mailers was \
             printed in the range that is lost, leave, and have the issuer send the other cards \
             anew.",
            checked.name
        ))],
        ask: Ask::Confirm {
            key: 'n',
            label: "none of its mailers was printed".into(),
        },
        waiting_for: WAITS.into(),
        safe: "yes, nothing of the file is kept before both have signed".into(),
        ..Prompt::default()
    };
    while !matches!(
        ask(people, &mut prompt, &mut |_| Ok(false))?,
        conclave_keyroom::ports::dialogue::Answer::Confirmed
    ) {}
    Ok(())
}

/// Cards that had a mailer: a job of the issuer that ran twice looks like this.
fn ask_again(checked: &Checked, people: &mut dyn People) -> Result<(), Interrupted> {
    let mut prompt = Prompt {
        code: "pins.again".into(),
        act: "Open a batch of PIN mailers".into(),
        title: format!(
            "{} of its {} cards had a mailer before",
            checked.again, checked.count
        ),
        lines: vec![PromptLine::note(format!(
            "Ask the issuer whether batch {} is meant, or a job that ran twice. If it is meant, \
             each of these cards gets another PIN: what its issuer stores now, and the mailer that \
             its holder has, are void from the new output on.",
            checked.name
        ))],
        ask: Ask::Confirm {
            key: 'n',
            label: "the issuer means it: these cards get another PIN".into(),
        },
        waiting_for: WAITS.into(),
        safe: "yes, nothing of the file is kept before both have signed".into(),
        ..Prompt::default()
    };
    while !matches!(
        ask(people, &mut prompt, &mut |_| Ok(false))?,
        conclave_keyroom::ports::dialogue::Answer::Confirmed
    ) {}
    Ok(())
}

fn ask_limits(
    checked: &Checked,
    chosen: &Chosen,
    people: &mut dyn People,
) -> Result<Limits, Interrupted> {
    let issuer = &chosen.partner.issuer;
    let most = chosen.replacement.of(checked.count);
    let mut prompt = Prompt {
        code: "pins.limits".into(),
        act: "Open a batch of PIN mailers".into(),
        title: format!(
            "Batch {} of {issuer}: {} cards",
            checked.name, checked.count
        ),
        lines: vec![PromptLine::note(
            "Signature, header, hash total and each card are in order. How often may a spoiled \
             mailer be replaced by another PIN? After that its card is reissued, or \
             administrators sign for more.",
        )],
        ask: Ask::Form {
            fields: vec![
                text(
                    "PINs for a card",
                    &most.tries.to_string(),
                    &format!("1 to {}", most.tries),
                    1,
                ),
                text(
                    "Replacements",
                    &most.replacements.to_string(),
                    &format!("in the whole batch, at most {}", most.replacements),
                    6,
                ),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        },
        waiting_for: WAITS.into(),
        safe: "yes, nothing of the file is kept before both have signed".into(),
        ..Prompt::default()
    };
    loop {
        let values = filled(people, &mut prompt)?;
        let value = |at: usize| values.get(at).and_then(|v| number(v));
        let tries = value(0).and_then(|n| u16::try_from(n).ok());
        let replacements = value(1).and_then(|n| u32::try_from(n).ok());
        match (tries, replacements) {
            (Some(tries), Some(replacements))
                if (1..=most.tries).contains(&tries) && replacements <= most.replacements =>
            {
                return Ok(Limits {
                    tries,
                    replacements,
                });
            }
            _ => {
                prompt.refused = Some(refused(
                    "The template does not let you allow this.",
                    "At most what stands beside each. If it is used up, administrators sign for \
                     more: More, More replacements.",
                ));
            }
        }
    }
}
