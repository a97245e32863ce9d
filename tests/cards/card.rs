//! A card's enrolment at the level of PIV, in the order of the genesis: what
//! is done before the first commit, and what after it.

use std::sync::Arc;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::piv::{
    FACTORY_PINS, FACTORY_PUK, ManagementAlgorithm, ManagementKey, PivCard, PivError, SigningSlot,
    Slot, random_puk,
};

use crate::bench::{Bench, SystemRandom, secret};

pub const PIN: &[u8] = b"802803";

/// What a commit would keep about a card.
pub struct Plan {
    pub pin: Secret,
    pub puk: Secret,
    pub management: ManagementKey,
}

impl Plan {
    pub fn new() -> Self {
        let mut random = SystemRandom::new();
        Self {
            pin: secret(PIN),
            puk: random_puk(&mut random).expect("a PUK"),
            management: ManagementKey::random(ManagementAlgorithm::Aes256, &mut random)
                .expect("a management key"),
        }
    }
}

/// Public points of 9A, 9C, 9D.
pub type Points = [[u8; 65]; 3];

pub fn factory_pin() -> Secret {
    secret(FACTORY_PINS[0])
}

pub fn factory_puk() -> Secret {
    secret(FACTORY_PUK)
}

/// The card in a reader, PIV selected.
pub fn open(bench: &Arc<dyn Bench>, reader: usize) -> Result<PivCard, PivError> {
    PivCard::open(bench.connect(reader)?)
}

/// Stands for a certificate: long enough to be chained, different per slot.
pub fn certificate(slot: Slot) -> Vec<u8> {
    let mut der = vec![0x30, 0x82, 0x02, 0x54];
    der.extend((0..596u32).map(|at| (at * 7) as u8 ^ slot as u8));
    der
}

/// A test's anchor: a rank, and filling.
pub fn anchor(rank: u64) -> Vec<u8> {
    let mut anchor = b"anchor".to_vec();
    anchor.extend_from_slice(&rank.to_be_bytes());
    anchor.resize(1_200, rank as u8);
    anchor
}

/// The rank of an anchor that is whole.
pub fn rank(bytes: &[u8]) -> Option<u64> {
    let rank = bytes.strip_prefix(b"anchor")?.first_chunk::<8>()?;
    let rank = u64::from_be_bytes(*rank);
    (bytes == anchor(rank)).then_some(rank)
}

/// Genesis step 1: keys, certificates and holder's PIN, under the factory
/// management key. Can be run again after any cut.
pub fn before_commit(card: &mut PivCard, plan: &Plan) -> Result<Points, PivError> {
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    card.authenticate_management(&ManagementKey::factory(), random)?;
    card.guid_or_new(random)?;
    let mut points = [[0; 65]; 3];
    for (slot, point) in Slot::ALL.into_iter().zip(&mut points) {
        *point = card.generate(slot)?;
        card.put_certificate(slot, &certificate(slot))?;
    }
    // The holder's PIN may be on the card from a first attempt.
    match card.verify_pin(&plan.pin) {
        Ok(()) => {}
        Err(PivError::WrongPin { .. }) => card.change_pin(&factory_pin(), &plan.pin)?,
        Err(other) => return Err(other),
    }
    card.probe_9c_needs_fresh_pin(&plan.pin)?;
    Ok(points)
}

/// Genesis step 3, after the commit: share, "received", PUK, management key,
/// anchor. Can be run again after any cut.
pub fn after_commit(card: &mut PivCard, plan: &Plan, peer: &[u8; 65]) -> Result<(), PivError> {
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    match card.authenticate_management(&plan.management, random) {
        Err(PivError::WrongManagementKey) => {
            card.authenticate_management(&ManagementKey::factory(), random)?;
        }
        done => done?,
    }
    card.verify_pin(&plan.pin)?;
    assert_eq!(card.ecdh(peer)?.len(), 32);
    card.sign(SigningSlot::Authentication, &[1; 32])?;
    match card.change_puk(&factory_puk(), &plan.puk) {
        Err(PivError::WrongPuk { .. }) => card.change_puk(&plan.puk, &plan.puk)?,
        done => done?,
    }
    card.set_management_key(&plan.management)?;
    card.write_anchor(&anchor(1), &rank)?;
    Ok(())
}

/// A card enrolled in reader `reader`, and left there.
pub fn enrol(bench: &Arc<dyn Bench>, reader: usize, plan: &Plan) -> Points {
    let mut card = open(bench, reader).expect("a card");
    let points = before_commit(&mut card, plan).expect("step 1");
    after_commit(&mut card, plan, &points[2]).expect("step 3");
    points
}
