//! Custodians' forms at the founding: management signs them together with the
//! founding record, each custodian when their card is finished. So a station
//! has custodians from its first day, and none whose form is not signed.

use conclave_evidence::authority::{AuthorityRecord, CardSignature, CardState};
use conclave_evidence::sign::verify_p256;
use conclave_evidence::{GroupId, Hash, Id};

use super::{Batch, Compartment, Vault, VaultError};
use crate::domain::custodian_form::{CustodianForm, DutiesStamp, FormText, Standing};
use crate::domain::key::Holder;
use crate::domain::people::Person;

/// The forms of the people who found a station.
pub struct Forms(Vec<CustodianForm>);

impl Forms {
    pub(super) fn of(record: &AuthorityRecord, people: &[Person], duties: &DutiesStamp) -> Self {
        let custodians = people.iter().filter_map(|person| {
            let group = *person.roles.iter().find(|group| group.is_custodian())?;
            Some(CustodianForm {
                text: FormText::new(
                    record.station,
                    Holder {
                        person: person.id,
                        name: person.name.clone(),
                    },
                    group,
                    duties.clone(),
                    record.made_at_ms,
                ),
                signatures: Vec::new(),
                approvals: Vec::new(),
            })
        });
        Self(custodians.collect())
    }

    /// What management's card signs (slot 9C), in order.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn digests(&self) -> Result<Vec<Hash>, VaultError> {
        self.0.iter().map(digest).collect()
    }

    /// TRUE once management signed all of them.
    #[must_use]
    pub fn are_signed(&self) -> bool {
        self.0.iter().all(|form| !form.signatures.is_empty())
    }

    /// Adds management's signatures, in the order of [`Self::digests`].
    pub fn sign(&mut self, signatures: Vec<CardSignature>) {
        for (form, signature) in self.0.iter_mut().zip(signatures) {
            form.signatures = vec![signature];
        }
    }

    pub(super) fn put(
        &self,
        record: &AuthorityRecord,
        batch: &mut Batch,
    ) -> Result<(), VaultError> {
        for form in &self.0 {
            let [management] = form.signatures.as_slice() else {
                return Err(unsigned(form));
            };
            check(record, form, management, GroupId::Administrators)?;
            let id = CustodianForm::id_of(form.text.person);
            batch.put(Compartment::Directory, CustodianForm::KIND, id, form)?;
        }
        Ok(())
    }
}

fn digest(form: &CustodianForm) -> Result<Hash, VaultError> {
    form.text
        .digest()
        .map_err(|_| VaultError::Malformed("custodian form"))
}

fn unsigned(form: &CustodianForm) -> VaultError {
    VaultError::Authority(format!(
        "the custodian form of {} is not signed",
        form.text.name
    ))
}

/// The signature is a member's of this group, over this form.
fn check(
    record: &AuthorityRecord,
    form: &CustodianForm,
    signed: &CardSignature,
    group: GroupId,
) -> Result<(), VaultError> {
    let card = record
        .card(signed.card)
        .filter(|card| card.state == CardState::Active && record.is_member(group, card.card))
        .ok_or_else(|| unsigned(form))?;
    verify_p256(&card.sign_key_9c, &digest(form)?, &signed.signature).map_err(|_| unsigned(form))
}

impl Vault {
    /// The form that this person still has to sign; nothing for one who is no
    /// custodian, or has signed.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn form_to_sign(&self, person: Id) -> Result<Option<CustodianForm>, VaultError> {
        let id = CustodianForm::id_of(person);
        let form: CustodianForm =
            match self.get_kind(Compartment::Directory, CustodianForm::KIND, id) {
                Ok(form) => form,
                Err(VaultError::Missing(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
        let standing = CustodianForm::standing(Some(&form), form.text.group, 0);
        Ok((standing == Standing::Unsigned).then_some(form))
    }

    /// Puts the custodian's own signature under their form.
    pub(crate) fn complete_form(
        &self,
        mut form: CustodianForm,
        signed: CardSignature,
        batch: &mut Batch,
    ) -> Result<(), VaultError> {
        let record = self.authority()?;
        let theirs = record
            .card(signed.card)
            .is_some_and(|card| card.person == form.text.person);
        if !theirs {
            return Err(unsigned(&form));
        }
        check(record, &form, &signed, form.text.group)?;
        form.signatures.push(signed);
        let id = CustodianForm::id_of(form.text.person);
        batch.put(Compartment::Directory, CustodianForm::KIND, id, &form)
    }
}
