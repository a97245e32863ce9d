//! What issuers send, opened; what goes back, signed and encrypted.

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::x509::cms::{self, Own, Recipient, Signer};
use conclave_evidence::Hash;
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::domain::pin_partner::PinPartner;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::Compartment;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::room_identity::identities;

/// What was in a file.
pub struct Input {
    /// The file of cards, wiped when dropped.
    pub cards: Zeroizing<Vec<u8>>,
    /// SHA-256 of the enrolled certificate that signed it.
    pub signer: Hash,
    /// SHA-256 of the file as it came.
    pub envelope: Hash,
    /// When it was signed, as the signer says, in milliseconds since 1970.
    pub signed_ms: Option<u64>,
}

/// Opens a file of an issuer: encrypted to the PIN room, and signed by the
/// issuer's certificate on record.
///
/// # Errors
/// [`ActionError`]: a certificate has ended, with what to do; or the file does
/// not open, which has one answer whatever the reason.
pub fn open_input(
    permit: &Permit<'_>,
    partner: &PinPartner,
    file: &[u8],
) -> Result<Input, ActionError> {
    let now = permit.now_ms();
    if let Some(why) = partner.refuses(now) {
        return Err(ActionError::rule(
            why,
            "Administrators record the issuer's new certificate (devices, i). Nothing is lost.",
        ));
    }
    let all = identities(permit)?;
    let current: Vec<&PinIdentity> = all.iter().filter(|one| one.until_ms >= now).collect();
    if current.is_empty() {
        return Err(ActionError::rule(
            "the PIN room has no certificate for input that holds",
            "Make new key pairs for files, and send the certificate to the issuer.",
        ));
    }
    let mut pairs = Vec::new();
    for one in current {
        let secret = permit.get_secret(Compartment::Pins, one.input_key())?;
        pairs.push((KeyPair::from_secret(secret).map_err(|_| damaged())?, one));
    }
    let mut own = Vec::new();
    for (pair, one) in &pairs {
        own.push(Own::new(pair, &one.input.0).map_err(|_| damaged())?);
    }
    let signer = Signer::read(&partner.signer.der.0).map_err(|_| damaged())?;
    let opened = cms::open(file, &own, &signer).map_err(|error| {
        ActionError::rule(
            error.to_string(),
            "Ask the issuer for the file again: encrypted to the newest input certificate, \
             signed by the certificate on record.",
        )
    })?;
    Ok(Input {
        cards: opened.content,
        signer: partner.signer.fingerprint,
        envelope: Hash(Sha256::digest(file).into()),
        signed_ms: opened.signed_at.map(|at| at.saturating_mul(1000)),
    })
}

/// Signs with the PIN room's key of when the batch was opened (`opened_ms`, wall
/// clock), as long as its certificate holds, and encrypts to the issuer's
/// certificate on record; a barred issuer gets nothing. A certificate that has ended since the batch was
/// opened does not hold it up: [`PinPartner::refuses`] says so in words.
///
/// # Errors
/// [`ActionError`]
pub fn seal_output(
    permit: &mut Permit<'_>,
    partner: &PinPartner,
    opened_ms: u64,
    text: &[u8],
) -> Result<Vec<u8>, ActionError> {
    if let Some(barred) = &partner.barred {
        return Err(ActionError::rule(
            format!("{} is barred: {}", partner.issuer, barred.reason),
            "Administrators record its certificates anew (devices, i); nothing is lost.",
        ));
    }
    let all = identities(permit)?;
    let Some(identity) = PinIdentity::for_output(&all, opened_ms, permit.now_ms()) else {
        return Err(ActionError::rule(
            "the PIN room has no certificate for output that holds",
            "Make new key pairs for files, and send the certificates to the issuer.",
        ));
    };
    let secret = permit.get_secret(Compartment::Pins, identity.output_key())?;
    let pair = KeyPair::from_secret(secret).map_err(|_| damaged())?;
    let signer = Signer::read(&identity.output.0).map_err(|_| damaged())?;
    let to = Recipient::read(&partner.recipient.der.0).map_err(|_| damaged())?;
    let now_s = permit.now_ms() / 1000;
    let (_, _, random) = permit.provider();
    let sign = |digest: &[u8; 32]| pair.sign(digest).ok();
    cms::seal(text, &to, &signer, now_s, sign, random)
        .map_err(|e| ActionError::rule(e.to_string(), "Nothing has left; try again."))
}

fn damaged() -> ActionError {
    ActionError::rule(
        "a certificate or a key on record is damaged",
        "Call the auditors; use nothing of it.",
    )
}
