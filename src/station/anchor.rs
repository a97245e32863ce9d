//! The newest head on each card: read before a PIN is asked, written after
//! each critical act.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::journal::SignedAnchor;
use conclave_evidence::{Hash, Id, Signature, cbor};
use conclave_keyroom::door::Door;
use conclave_keyroom::piv::{ManagementAlgorithm, ManagementKey, PivCard, PivError, SigningSlot};
use conclave_keyroom::ports::dialogue::Refusal;
use conclave_keyroom::vault::{AnchorFit, VaultError};

use crate::token::Token;

/// Why an anchor was not written.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The card.
    #[error(transparent)]
    Card(#[from] PivError),
}

/// A management key as the vault keeps it: algorithm number, then the key.
#[must_use]
pub fn management_to_secret(key: &ManagementKey) -> Secret {
    let bytes = key.key().expose();
    Secret::from_fn(bytes.len() + 1, |out| {
        if let Some((first, rest)) = out.split_first_mut() {
            *first = key.algorithm() as u8;
            rest.copy_from_slice(bytes);
        }
    })
}

/// The inverse of [`management_to_secret`].
///
/// # Errors
/// [`VaultError::Malformed`]
pub fn management_from_secret(kept: &Secret) -> Result<ManagementKey, VaultError> {
    let malformed = || VaultError::Malformed("management key");
    let algorithm = kept
        .expose()
        .first()
        .and_then(|number| ManagementAlgorithm::from_number(*number))
        .ok_or_else(malformed)?;
    let key = kept.part(1..kept.len()).ok_or_else(malformed)?;
    ManagementKey::new(algorithm, key).map_err(|_| malformed())
}

/// Entries of one incarnation rank below all of the next.
const INCARNATION: u32 = 48;

/// The order of anchors on one card: only those that this card signed for this
/// station count. `unknown` is the place of an incarnation that this
/// repository does not know.
fn rank(
    bytes: &[u8],
    record: &AuthorityRecord,
    card: &CardEntry,
    incarnations: &[Id],
    unknown: u64,
) -> Option<u64> {
    let signed: SignedAnchor = cbor::from_slice(bytes).ok()?;
    let anchor = signed.verify(&card.auth_key_9a).ok()?;
    let place = (1u64..)
        .zip(incarnations)
        .find(|(_, known)| **known == anchor.head.incarnation)
        .map_or(unknown, |(place, _)| place);
    let seq = anchor.head.seq.min((1 << INCARNATION) - 1);
    (anchor.card == card.card && anchor.head.station == record.station)
        .then_some((place << INCARNATION) | seq)
}

/// Checks the anchor on a card against this repository, before its PIN is
/// asked.
///
/// # Errors
/// A refusal for the screen: an older or altered repository, or a card whose
/// anchor was wiped.
pub fn check(door: &Door, card: &mut PivCard, entry: &CardEntry) -> Result<AnchorFit, CheckError> {
    let vault = door.vault();
    let record = vault.authority()?;
    let incarnations = vault.incarnations()?;
    // What no record here tells of is newer than all of them.
    let newer = (1 << (u64::BITS - INCARNATION)) - 1;
    let copies = card.anchors()?;
    let newest = copies
        .iter()
        .flatten()
        .filter_map(|bytes| Some((rank(bytes, record, entry, &incarnations, newer)?, bytes)))
        .max_by_key(|(rank, _)| *rank);
    let refused = |happened: &str| {
        CheckError::Refused(Refusal {
            happened: happened.into(),
            safe: "Nothing was opened, and no PIN was asked for.".into(),
            advice: "Stop. Call the administrators and the auditors: this needs the recovery \
                     ceremony, not another try."
                .into(),
        })
    };
    match newest {
        Some((_, bytes)) => {
            let signed: SignedAnchor =
                cbor::from_slice(bytes).map_err(|_| VaultError::Malformed("anchor"))?;
            vault.check_anchor(entry, &signed).map_err(|error| {
                CheckError::Older(format!(
                    "the repository on this disk is not the one that {}'s card has seen last: \
                     {error}",
                    entry.person_name
                ))
            })
        }
        None if vault.has_anchor(entry.card)? && !vault.is_recovering() => Err(refused(
            "This card carried a note of the journal, and the note is gone.",
        )),
        None => Ok(AnchorFit::Known),
    }
}

/// Why a card's anchor is not accepted.
#[derive(Debug)]
pub enum CheckError {
    /// It contradicts the repository.
    Refused(Refusal),
    /// The repository is older than what the card has seen, or another.
    Older(String),
    /// The vault.
    Vault(VaultError),
    /// The card.
    Card(PivError),
}

impl From<VaultError> for CheckError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<PivError> for CheckError {
    fn from(error: PivError) -> Self {
        Self::Card(error)
    }
}

/// Writes the newest head on a card whose PIN was verified in this channel.
/// The store is durable before (each commit is), the card is read back, and
/// the copy is kept for the journal's export.
///
/// # Errors
/// [`AnchorError`]; the card then keeps the anchor before.
pub fn write(door: &mut Door, token: &mut Token, id: Id) -> Result<(), AnchorError> {
    // Words note nothing: a sheet has seen no journal.
    let Token::Card(card) = token else {
        return Ok(());
    };
    // What a card notes is on the disk already.
    if door.vault().is_recovering() || door.vault().is_frozen() {
        return Ok(());
    }
    let kept = door.management_key(id)?;
    let key = management_from_secret(&kept)?;
    card.authenticate_management(&key, door.random())?;
    write_authenticated(door, card, id)
}

/// As [`write`], with the management key authenticated already.
///
/// # Errors
/// [`AnchorError`]
pub fn write_authenticated(door: &mut Door, card: &mut PivCard, id: Id) -> Result<(), AnchorError> {
    let record = door.vault().authority()?.clone();
    let entry = record.card(id).ok_or(VaultError::Missing("card"))?.clone();
    let anchor = door.vault().anchor_for(id)?;
    let digest: Hash = anchor
        .digest()
        .map_err(|_| VaultError::Malformed("anchor"))?;
    let signature = Signature(card.sign(SigningSlot::Authentication, &digest.0)?);
    let signed = SignedAnchor { anchor, signature };
    let bytes = cbor::to_vec(&signed).map_err(|_| VaultError::Malformed("anchor"))?;
    // A history that quorums gave up ranks below the one that they went on with.
    let incarnations = door.vault().incarnations()?;
    card.write_anchor(&bytes, &|copy| {
        rank(copy, &record, &entry, &incarnations, 0)
    })?;
    door.keep_anchor(id, &signed)?;
    Ok(())
}
