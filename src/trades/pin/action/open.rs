//! Opening a batch: its file of cards is taken whole or not at all, and both
//! groups sign what will be printed how.

use std::collections::BTreeMap;

use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose};
use conclave_keyroom::domain::form_stock::BatchForms;
use conclave_keyroom::domain::pin_batch::{BatchLayout, Cards, Limits, PinBatch};
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Mandate, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::batch_key::{BATCH_KEY, BATCH_KEY_LEN, batch_key_id};
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::input::{PartnerName, ReadBatch, TemplateName, pin_layout};
use super::keys::{self, BatchKeys, PinKeyName};
use super::pages::{self, Pages};
use super::{BatchName, PrintMailers, both_sign, digest, put, put_card, signing};
use crate::pin::marks::{self, MarksKey};
use crate::pin::{Batch, Fault, Keys, MOST_TRIES, Method, Template, card_values, issue};
use crate::print::Layout;
use crate::print::enrolment::{fit, on_record};

/// How long a batch may print before it is taken over anew.
pub(super) const MANDATE_MS: u64 = 24 * 3600 * 1000;

/// Opens a batch of PIN mailers. Its secret is the file as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenBatch {
    /// The batch: its record's id ends with four zero bytes. Name and issuer are
    /// those of the file.
    pub batch: BatchName,
    /// Who sent the file.
    pub partner: PartnerName,
    /// SHA-256 of the file as it came.
    pub file: Hash,
    /// Cards of the file.
    pub count: u32,
    /// SHA-256 of the file of cards, as it is read.
    pub input: Hash,
    /// The template, which administrators approved.
    pub template: TemplateName,
    /// The layout's exact text.
    pub layout: String,
    /// The printer's name.
    pub printer: String,
    /// The key that makes or opens the PINs.
    pub pin_key: PinKeyName,
    /// The zone PIN key, where PIN blocks go back.
    pub zone_key: Option<PinKeyName>,
    /// The card verification key, where card values go back.
    pub cvv_key: Option<PinKeyName>,
    /// How often may be tried again.
    pub limits: Limits,
    /// The file was signed before the station was restored, and both know that
    /// none of its mailers was printed in the range that is lost.
    pub older: bool,
    /// How many of its cards had a mailer before: both know that each of them
    /// gets another PIN.
    pub again: u32,
}

/// What two groups allowed: so many windows, for so long.
pub(super) fn mandate(permit: &mut Permit<'_>, batch: &PinBatch) -> Result<(), ActionError> {
    // A window has one mailer at least; one that the printer refused may come
    // again.
    let mailers = batch.count.saturating_add(batch.limits.replacements);
    let windows = mailers.saturating_mul(2).saturating_add(100);
    let mandate = Mandate {
        ceremony: batch.id,
        incarnation: permit.authority()?.incarnation,
        script: batch.template_digest,
        parameters: batch.input,
        left: BTreeMap::from([(PrintMailers::NAME.to_owned(), windows)]),
        expires_ms: permit.now_ms().saturating_add(MANDATE_MS),
        closed: false,
        barred: Vec::new(),
        minutes: None,
    };
    let id = Mandate::id_of(batch.id);
    Ok(permit.put(Compartment::Pins, Mandate::KIND, id, &mandate)?)
}

impl OpenBatch {
    fn template(&self, permit: &Permit<'_>) -> Result<Template, ActionError> {
        let template = self.template.to_open(permit)?;
        let named = |key: &Option<PinKeyName>| {
            let found = key.as_ref().map(|key| key.on_record(permit));
            found.transpose()
        };
        let (zone, cvv) = (named(&self.zone_key)?, named(&self.cvv_key)?);
        let keys = BatchKeys {
            pin: &self.pin_key.on_record(permit)?,
            zone: zone.as_ref(),
            cvv: cvv.as_ref(),
        };
        keys.fit(&template, &self.batch.issuer, permit.now_ms())?;
        Ok(template)
    }

    /// The keys make PINs of these cards: found out now, and not when forms lie
    /// in the printer. Each PIN is dropped at once; one that is drawn is tried
    /// once, one that came in a block for every card.
    fn try_keys(
        &self,
        permit: &mut Permit<'_>,
        template: &Template,
        batch: &Batch,
    ) -> Result<(), ActionError> {
        let method = template.pin.method;
        let ids = (self.pin_key.id, self.zone_key.as_ref().map(|key| key.id));
        let opened = keys::open(permit, &batch.issuer, method, ids)?;
        let keys = Keys {
            pin: &opened.pin,
            zone: opened.zone.as_ref(),
        };
        if let (Some(rules), Some(key)) = (&template.output.card_values, &self.cvv_key) {
            let key = keys::open_for(permit, &batch.issuer, key.id, PinUse::Cvv)?;
            for (number, card) in (1..).zip(&batch.cards).take(1) {
                let card = card.record(self.batch.id, number);
                card_values(rules, &key, &card).map(drop).map_err(|e| {
                    ActionError::rule(
                        format!("this key makes no card values for card {number}: {e}"),
                        "Nothing of the file was taken. Choose another key.",
                    )
                })?;
            }
        }
        let tried = match method {
            Method::Host => batch.cards.len(),
            _ => 1,
        };
        for (number, card) in (1..).zip(&batch.cards).take(tried) {
            let (_, _, random) = permit.provider();
            issue(template, &keys, card, random)
                .map(drop)
                .map_err(|e| {
                    ActionError::rule(
                        format!("these keys make no PIN for card {number}: {e}"),
                        "Nothing of the file was taken. Look at the keys and at the template with \
                     the issuer.",
                    )
                })?;
        }
        Ok(())
    }

    fn printer(&self, permit: &Permit<'_>, layout: &Layout) -> Result<(), ActionError> {
        let enrolled = on_record(permit)?;
        let mode = permit.authority()?.mode;
        let printer = fit(mode, &enrolled, &self.printer, PrinterPurpose::Pins).map_err(|e| {
            ActionError::rule(
                e.to_string(),
                "PIN mailers leave through their own enrolled printer only (R10).",
            )
        })?;
        if printer.language == PrinterLanguage::Pdf && !printer.training {
            return Err(ActionError::rule(
                "PIN mailers as PDF are for training stations only",
                "Use the enrolled line printer.",
            ));
        }
        Pages::on_record(permit)?.check(layout, &digest(&self.layout), printer)
    }

    fn check(&self, permit: &Permit<'_>) -> Result<(), ActionError> {
        let refused = |why: &str| ActionError::rule(why, "Open the batch from the menu.");
        if self.batch.id.0.get(12..) != Some(&[0; 4][..])
            || permit
                .vault()
                .check_record(Compartment::Pins, self.batch.id)
                .is_ok()
        {
            return Err(refused("this batch's record is taken, or no batch's"));
        }
        let Limits {
            tries,
            replacements,
        } = self.limits;
        if !(1..=MOST_TRIES).contains(&tries) || replacements > self.count {
            return Err(refused(
                "a card has 1 to 5 tries, and a batch no more replacements than cards",
            ));
        }
        Ok(())
    }

    /// What the pair decides alone ends where the template says.
    fn within(&self, template: &Template) -> Result<(), ActionError> {
        let most = template.replacement.of(self.count);
        if self.limits.tries <= most.tries && self.limits.replacements <= most.replacements {
            return Ok(());
        }
        Err(ActionError::rule(
            format!(
                "the template lets the pair allow {} PINs for a card and {} replacements in a \
                 batch of {} cards",
                most.tries, most.replacements, self.count
            ),
            "Open it with these. If they are used up, administrators sign beside the pair: More \
             replacements.",
        ))
    }

    fn read(
        &self,
        permit: &mut Permit<'_>,
        template: &Template,
        secrets: &[Secret],
        marks: &MarksKey,
    ) -> Result<Batch, ActionError> {
        let refused = |why: String| {
            ActionError::rule(why, "Nothing of the file was taken. Have it corrected.")
        };
        let reading = ReadBatch {
            file: self.file,
            partner: self.partner.clone(),
            template: self.template.clone(),
            layout: self.layout.clone(),
            host_key: (template.pin.method == Method::Host).then(|| self.pin_key.clone()),
        };
        let (batch, checked) = match reading.take(permit, secrets, marks)? {
            Ok(taken) => taken,
            Err(faults) => {
                // Nothing of this act stays but that it was tried.
                if reading.count_failed(permit, &faults)? {
                    permit.commit_before_effect(vec![
                        "a file whose PIN blocks were asked in vain: it counts".into(),
                    ])?;
                }
                let first: Vec<String> = faults.iter().take(3).map(Fault::to_string).collect();
                return Err(refused(format!(
                    "faults of the file, {} in all: {}",
                    faults.len(),
                    first.join("; ")
                )));
            }
        };
        if checked.older && !self.older {
            return Err(ActionError::rule(
                "the file was signed before the station was restored: its mailers may have been \
                 printed since the backup, of which nothing is on record",
                "Ask the issuer and look at the mailers of those days. Both sign that it was not \
                 printed, or the issuer sends it anew, as a new batch.",
            ));
        }
        if checked.again != self.again {
            return Err(refused(format!(
                "{} of its cards had a mailer before, and {} were signed for",
                checked.again, self.again
            )));
        }
        let same = checked.name == self.batch.name
            && batch.issuer == self.batch.issuer
            && checked.count == self.count
            && checked.input == self.input
            && checked.older == self.older;
        match same {
            true => Ok(batch),
            false => Err(refused("the file is not what was signed".into())),
        }
    }
}

impl Action for OpenBatch {
    const NAME: &'static str = "open-batch";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let layout = Layout::parse(&self.layout).map(|layout| layout.name().to_owned());
        let mut words = vec![
            format!("Open {}: {} cards", self.batch.words(), self.count),
            format!("SHA-256 of the file of cards {}", self.input),
            format!(
                "signed by the certificate of SHA-256 {}",
                self.partner.signer
            ),
            format!(
                "by the template {} ({}), SHA-256 {}",
                self.template.name, self.template.method, self.template.digest
            ),
            format!(
                "on the layout {}, SHA-256 {}",
                layout.unwrap_or_else(|_| "that breaks a rule".into()),
                digest(&self.layout)
            ),
            format!("to the printer {}", self.printer),
        ];
        for (what, key) in [
            ("PIN key", Some(&self.pin_key)),
            ("zone PIN key", self.zone_key.as_ref()),
            ("card verification key", self.cvv_key.as_ref()),
        ] {
            words.extend(key.map(|key| format!("{what} {}, KCV {}", key.label, key.kcv)));
        }
        let Limits {
            tries,
            replacements,
        } = self.limits;
        if self.older {
            words.push(
                "the file is older than the restore of this station: both know that none of its \
                 mailers was printed since the backup"
                    .into(),
            );
        }
        if self.again > 0 {
            words.push(format!(
                "{} of its cards had a mailer before: both know it, and each gets another PIN",
                self.again
            ));
        }
        words.push(format!(
            "at most {tries} PINs for a card, at most {replacements} replaced"
        ));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        pages::foresee(
            beforehand,
            &self.layout,
            &digest(&self.layout),
            &self.printer,
        )
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        self.check(permit)?;
        let layout = pin_layout(permit, &self.layout)?;
        self.printer(permit, &layout)?;
        let template = self.template(permit)?;
        self.within(&template)?;
        let marks_key = MarksKey::open(permit)?;
        let input = self.read(permit, &template, &secrets, &marks_key)?;
        self.try_keys(permit, &template, &input)?;
        let batch = PinBatch {
            id: self.batch.id,
            incarnation: permit.authority()?.incarnation,
            name: input.id.clone(),
            issuer: input.issuer.clone(),
            partner: self.partner.id,
            template: template.name.clone(),
            template_digest: self.template.digest,
            layout: layout.name().to_owned(),
            layout_digest: digest(&self.layout),
            form: layout.form().to_owned(),
            across: layout.across().min(usize::from(u8::MAX)) as u8,
            printer: self.printer.clone(),
            input: self.input,
            count: self.count,
            method: template.pin.method.words().to_owned(),
            replaces: template.pin.method.can_replace(),
            pin_key: self.pin_key.id,
            zone_key: self.zone_key.as_ref().map(|key| key.id),
            cvv_key: self.cvv_key.as_ref().map(|key| key.id),
            limits: self.limits,
            raised: Vec::new(),
            cards: Cards {
                waiting: Ranges::of(1, self.count.into()),
                ..Cards::default()
            },
            window: Vec::new(),
            printed: Vec::new(),
            replaced: 0,
            forms: BatchForms::default(),
            opened: signing(permit),
            hand_overs: Vec::new(),
            said: Vec::new(),
            followed: Vec::new(),
            printers: Vec::new(),
            test_prints: Vec::new(),
            outputs: 0,
            passed_over_outputs: 0,
            lost_a_range: false,
            exported: None,
            lost_outputs: Vec::new(),
            reconciled: None,
            purged_ms: None,
        };
        // The cards lie under this key too, and go with it: first, so that each
        // finds it.
        let mut key = [0; BATCH_KEY_LEN];
        let (_, _, random) = permit.provider();
        random.secret(&mut key).map_err(|_| VaultError::Random)?;
        let key = Secret::take(&mut key);
        permit.put_secret(Compartment::Pins, BATCH_KEY, batch_key_id(batch.id), key);
        for (number, card) in (1..).zip(&input.cards) {
            put_card(permit, &card.record(batch.id, number))?;
        }
        marks::note(permit, batch.id, &template, &input, &marks_key)?;
        let layout = BatchLayout {
            text: self.layout.clone(),
        };
        let id: Id = BatchLayout::id_of(batch.id);
        permit.put(Compartment::Pins, BatchLayout::KIND, id, &layout)?;
        mandate(permit, &batch)?;
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the file was taken whole".into()]
    }
}
