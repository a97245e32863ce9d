//! A restore, as its last commit leaves the station: a new incarnation.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{CardSignature, SignedAuthority};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_trades::backup::reborn;
use serde::{Deserialize, Serialize};

use crate::room::Room;

#[derive(Serialize, Deserialize)]
struct BeginAnew(SignedAuthority);

impl Action for BeginAnew {
    const NAME: &'static str = "begin-anew";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        permit.put_authority(self.0.clone());
        Ok(())
    }
}

/// The repository as it lies begins a new incarnation, at this time. Nobody is
/// logged on afterwards.
pub fn begin_anew(room: &mut Room, number: u8, at_ms: u64) {
    room.logout();
    room.logon_all(&[GroupId::Administrators]);
    let vault = room.vault();
    let hash = vault.authority_hash().unwrap();
    let next = reborn(vault.authority().unwrap(), hash, Id([number; 16]), at_ms);
    let mut signed = SignedAuthority::unsigned(&next).unwrap();
    let digest = signed.digest().unwrap();
    for name in ["Ada", "Ben"] {
        let card = &room.holder(name).card;
        signed.signatures.push(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    room.perform(&BeginAnew(signed), &Warrant::default())
        .unwrap();
    room.logout();
}
