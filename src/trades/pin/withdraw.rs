//! What administrators take back: a template opens no batch any more, an issuer
//! is barred. Batches that were opened keep their template; of a barred issuer
//! nothing comes and nothing goes, until a certificate of a new key is recorded.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::pin_key::Withdrawn;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::action::{reason, said};

/// A template opens no further batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPinTemplate {
    /// SHA-256 of its file.
    pub digest: Hash,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Action for WithdrawPinTemplate {
    const NAME: &'static str = "withdraw-pin-template";
    // It takes away; a full disk must not keep a template in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Withdraw the PIN template {}", self.name),
            "it opens no further batch; those under way keep it".into(),
            format!("SHA-256 of its file {}", self.digest),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, _: &mut Beforehand<'_>) -> Result<(), ActionError> {
        reason(&self.reason)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let all = permit
            .list::<PinTemplateApproval>(Compartment::Directory, PinTemplateApproval::KIND)?;
        let all = all.into_iter().map(|(_, one)| one).collect();
        // Only what would open a batch: one before it opens none as it is.
        let found = PinTemplateApproval::newest(all)
            .into_iter()
            .find(|one| one.digest == self.digest && one.name == self.name);
        let Some(mut approval) = found else {
            return Err(ActionError::rule(
                format!("no batch is opened by {} of this digest", self.name),
                "Choose a template of the list.",
            ));
        };
        approval.withdrawn = Some(Withdrawn {
            at_ms: permit.now_ms(),
            reason: self.reason.clone(),
        });
        let id = PinTemplateApproval::id_of(&approval.digest);
        Ok(permit.put(
            Compartment::Directory,
            PinTemplateApproval::KIND,
            id,
            &approval,
        )?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} opens no further batch", self.name)]
    }
}

/// An issuer is barred: one whose signing key may be in other hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarPinPartner {
    /// Its record.
    pub id: Id,
    /// Its name.
    pub issuer: String,
    /// SHA-256 of the certificate that signs its files.
    pub signer: Hash,
    /// Why.
    pub reason: String,
}

impl Action for BarPinPartner {
    const NAME: &'static str = "bar-pin-partner";
    // It takes away; a full disk must not keep an issuer.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Bar the issuer {} of PIN batches", self.issuer),
            "nothing of it is opened and no output leaves, until a certificate of another signing \
             key is recorded"
                .into(),
            format!("its certificate that signs: SHA-256 {}", self.signer),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, _: &mut Beforehand<'_>) -> Result<(), ActionError> {
        reason(&self.reason)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut partner: PinPartner = permit.get(Compartment::Directory, self.id)?;
        if partner.issuer != self.issuer
            || partner.signer.fingerprint != self.signer
            || partner.barred.is_some()
        {
            return Err(ActionError::rule(
                "the issuer on record is another one, or barred",
                "Look at the issuers again.",
            ));
        }
        partner.barred = Some(Withdrawn {
            at_ms: permit.now_ms(),
            reason: self.reason.clone(),
        });
        Ok(permit.put(Compartment::Directory, PinPartner::KIND, self.id, &partner)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is barred", self.issuer)]
    }
}
