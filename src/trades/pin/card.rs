//! One card of a file, and its record.

use std::collections::BTreeMap;

use conclave_crypto::card::pan::{Pan, PanError};
use conclave_evidence::Id;
use conclave_keyroom::domain::pin_card::{CardText, PinCard};
use conclave_keyroom::domain::pin_marks::Mark;
use zeroize::Zeroizing;

/// One card of a batch.
pub struct Card {
    /// Its number.
    pub pan: Pan,
    /// Card sequence number, two digits; `00` where the file has none.
    pub sequence: String,
    /// Expiry, four digits, where the file has it.
    pub expiry: Option<String>,
    /// Service code, three digits, where the file has it.
    pub service_code: Option<String>,
    /// The holder's name, as it is printed, where the file has it.
    pub holder: Option<Zeroizing<String>>,
    /// Address lines, as they are printed; those that are not empty.
    pub address: Vec<Zeroizing<String>>,
    /// What else is printed, by the number of its field, 0 to 15: those that the
    /// template has; a record may leave one empty.
    pub host: BTreeMap<u8, Zeroizing<String>>,
    /// Language, two letters, where the file has it.
    pub language: Option<String>,
    /// Digits of its PIN: as the file or the template says, and once a host's
    /// block was opened, as it is.
    pub pin_length: usize,
    /// The host's PIN block, where the host made the PIN.
    pub pin_block: Option<Vec<u8>>,
    /// Which PIN of this card the host made, as the file counts them; else 0.
    pub pin_version: u64,
    /// By what the PIN of its block is known again, once that was opened.
    pub pin_mark: Option<Mark>,
    /// The issuer's reference, where the file has it.
    pub reference: Option<String>,
}

impl Card {
    /// Its record, before anything is printed for it. `number` counts from 1.
    #[must_use]
    pub fn record(&self, batch: Id, number: u32) -> PinCard {
        let text = |text: &Zeroizing<String>| CardText::from(text.as_str());
        PinCard {
            batch,
            number,
            pan: CardText::from(self.pan.digits()),
            sequence: self.sequence.clone(),
            expiry: self.expiry.clone(),
            service_code: self.service_code.clone(),
            holder: self.holder.as_ref().map(text),
            address: self.address.iter().map(text).collect(),
            host: self.host.iter().map(|(n, t)| (*n, text(t))).collect(),
            language: self.language.clone(),
            pin_length: self.pin_length as u8,
            pin_block: self.pin_block.clone().map(Into::into),
            reference: self.reference.clone(),
            attempt: 0,
            form: None,
            tracking: None,
            values: None,
            lost: Vec::new(),
        }
    }

    /// The card of a record.
    ///
    /// # Errors
    /// [`PanError`], never for a record of [`Self::record`].
    pub fn of(record: &PinCard) -> Result<Self, PanError> {
        let text = |text: &CardText| Zeroizing::new(text.as_str().to_owned());
        Ok(Self {
            pan: Pan::checked(record.pan.as_str())?,
            sequence: record.sequence.clone(),
            expiry: record.expiry.clone(),
            service_code: record.service_code.clone(),
            holder: record.holder.as_ref().map(text),
            address: record.address.iter().map(text).collect(),
            host: record.host.iter().map(|(n, t)| (*n, text(t))).collect(),
            language: record.language.clone(),
            pin_length: record.pin_length.into(),
            pin_block: record.pin_block.as_ref().map(|block| block.to_vec()),
            // Asked of files alone.
            pin_version: 0,
            pin_mark: None,
            reference: record.reference.clone(),
        })
    }
}
