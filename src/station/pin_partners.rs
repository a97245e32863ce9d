//! Issuers of PIN batches on record: two certificates from a medium, each
//! fingerprint typed by two administrators.

use conclave_evidence::Bytes;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::pin_partner::{ISSUER_MOST, PinPartner, check_issuer};
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::RecordPinPartner;
use conclave_trades::target::{IMPORT_FOLDER, ReadPartnerCertificate};

use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{optional, refused, sole, text};
use crate::pin_take_back::takes_back;
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// An issuer that is not on record yet.
const NEW: &str = "a new issuer";

/// What was filled in.
struct Asked {
    old: Option<PinPartner>,
    issuer: String,
    medium: MediumRecord,
    signer: String,
    recipient: String,
}

impl Station {
    /// Issuers on record, by name.
    #[must_use]
    pub fn pin_partners(&self) -> Vec<PinPartner> {
        let mut all: Vec<PinPartner> = self
            .door
            .vault()
            .list::<PinPartner>(Compartment::Directory, PinPartner::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, partner)| partner)
            .collect();
        all.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        all
    }

    /// Records an issuer, or new certificates of one.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn record_pin_partner(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        if self.pin_partners().iter().any(|one| one.barred.is_none()) {
            let choices = [
                ("Record an issuer", "or new certificates of one"),
                ("Bar an issuer", "nothing comes from it, nothing goes to it"),
            ];
            match takes_back(("pin-partner.what", "Issuers on record"), choices, people) {
                Ok(true) => return self.bar_pin_partner(people),
                Ok(false) => {}
                Err(why) => return stopped(why),
            }
        }
        let media = self.media_or_none()?;
        let asked = match ask_partner(&self.pin_partners(), &media, people) {
            Ok(asked) => asked,
            Err(why) => return stopped(why),
        };
        let mut read = Vec::new();
        for file in [&asked.signer, &asked.recipient] {
            let action = ReadPartnerCertificate {
                medium: asked.medium.id,
                file: file.clone(),
            };
            match self.act(&action, "Read a certificate", people) {
                Ok(der) => read.push(der),
                Err(undone) => return self.undone(undone),
            }
        }
        let (Some(recipient), Some(signer)) = (read.pop(), read.pop()) else {
            return stopped(Interrupted::Aborted);
        };
        match self.record_read(&asked, signer, recipient, people) {
            Ok(record) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is on record", record.issuer),
                lines: vec![
                    format!("its files are signed by {}", record.signer.subject),
                    format!("what goes back, to {}", record.recipient.subject),
                    format!(
                        "until {}",
                        words::date(record.signer.until_ms.min(record.recipient.until_ms))
                    ),
                ],
            }),
            Err(Ok(undone)) => self.undone(undone),
            Err(Err(refusal)) => Err(refusal),
        }
    }

    fn record_read(
        &mut self,
        asked: &Asked,
        signer: Bytes,
        recipient: Bytes,
        people: &mut dyn People,
    ) -> Result<PinPartner, Result<Undone, Refusal>> {
        let two = self.two_administrators().map_err(Err)?;
        let from = "the issuer's letter";
        let label = format!("the certificate of {} that signs", asked.issuer);
        let (signer_fingerprint, by) = self
            .typed_by(&two, &label, from, None, people)
            .map_err(Err)?;
        let label = format!("the certificate of {} for encryption", asked.issuer);
        let (recipient_fingerprint, _) = self
            .typed_by(&two, &label, from, None, people)
            .map_err(Err)?;
        let id = match &asked.old {
            Some(old) => old.id,
            None => self
                .door
                .new_id()
                .map_err(|e| Err(self.refusal(&e.to_string())))?,
        };
        let action = RecordPinPartner {
            id,
            issuer: asked.issuer.clone(),
            signer,
            signer_fingerprint,
            recipient,
            recipient_fingerprint,
            by,
            lifts: asked
                .old
                .as_ref()
                .and_then(|old| old.barred.as_ref())
                .map(|bar| bar.reason.clone()),
        };
        self.act(&action, &format!("Record {}", asked.issuer), people)
            .map_err(Ok)
    }
}

fn ask_partner(
    known: &[PinPartner],
    media: &[MediumRecord],
    people: &mut dyn People,
) -> Result<Asked, Interrupted> {
    let mut which = vec![NEW.to_owned()];
    which.extend(known.iter().map(|p| p.issuer.clone()));
    let plates = media.iter().map(|m| m.name.clone()).collect();
    let mut prompt = Prompt {
        code: "pin-partner.record".into(),
        act: "Issuer on record".into(),
        title: "An issuer of PIN batches".into(),
        lines: vec![PromptLine::note(format!(
            "Its two certificates lie in the folder {IMPORT_FOLDER} of an enrolled medium."
        ))],
        ask: Ask::Form {
            fields: vec![
                sole("Issuer", which),
                optional(
                    "Name",
                    "",
                    "of a new one, as in the header of its files",
                    ISSUER_MOST,
                ),
                sole("Medium", plates),
                text("Signs", "", "file of the certificate that signs", 60),
                text("Receives", "", "file of the certificate for encryption", 60),
            ],
            submit: "read the certificates".into(),
            done: None,
        },
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed".into(),
        why: "Cards of whoever signs by this certificate get PINs here, and what belongs to the \
              PINs goes to the other one. Two people type both fingerprints from the issuer's \
              letter."
            .into(),
        ..Prompt::default()
    };
    loop {
        let values = filled(people, &mut prompt)?;
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        let old = known.iter().find(|p| p.issuer == value(0)).cloned();
        let issuer = old.as_ref().map_or(value(1), |old| old.issuer.as_str());
        let medium = media.iter().find(|m| m.name == value(2));
        let why = check_issuer(issuer).err();
        match (why, medium) {
            (None, Some(medium)) => {
                return Ok(Asked {
                    issuer: issuer.to_owned(),
                    medium: medium.clone(),
                    signer: value(3).to_owned(),
                    recipient: value(4).to_owned(),
                    old,
                });
            }
            (why, _) => {
                let why = why.unwrap_or_else(|| "On which medium?".into());
                prompt.refused = Some(refused(format!("{why}."), "Fill it in again."));
            }
        }
    }
}
