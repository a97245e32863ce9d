//! Enrolment of cards, in the genesis order: before the first commit keys,
//! certificates and the holder's PIN under the factory management key;
//! after it share, «received», PUK, management key, anchor.

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_crypto::x509::{self, Issuer, Purpose, Request};
use conclave_evidence::authority::CardEntry;
use conclave_evidence::{Id, Point, cbor};
use conclave_keyroom::door::Door;
use conclave_keyroom::piv::{
    FACTORY_PINS, FACTORY_PUK, ManagementKey, PivCard, PivError, SigningSlot, Slot, random_puk,
};
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::genesis::NewCard;

use crate::anchor::{self, AnchorError, management_from_secret, management_to_secret};

/// How long a card's certificates are valid: five years, in seconds.
pub(crate) const VALIDITY_S: u64 = 5 * 366 * 86_400;

/// Why a card is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The card.
    #[error(transparent)]
    Card(#[from] PivError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The certificate.
    #[error("the certificate could not be issued: {0}")]
    Certificate(String),
    /// The card holds a PIN that its holder did not just choose.
    #[error("the card has another PIN than the factory's or the one just chosen")]
    ForeignPin,
}

impl From<AnchorError> for EnrolError {
    fn from(error: AnchorError) -> Self {
        match error {
            AnchorError::Vault(error) => Self::Vault(error),
            AnchorError::Card(error) => Self::Card(error),
        }
    }
}

/// The station's certificate authority while the station is being made.
pub struct Authority {
    /// The station's name.
    pub name: String,
    /// Its key pair.
    pub key: KeyPair,
    /// Now, seconds since 1970.
    pub now_s: u64,
}

impl Authority {
    /// The station CA's own certificate, in DER, for whoever checks a card's.
    ///
    /// # Errors
    /// [`EnrolError`]
    pub fn certificate(&self, random: &mut dyn RandomSource) -> Result<Vec<u8>, EnrolError> {
        certify(
            self,
            &self.name,
            self.key.public(),
            Purpose::Authority,
            random,
        )
    }
}

/// What is known of the holder.
pub struct Holder<'a> {
    /// The person.
    pub id: Id,
    /// Their name, for the certificate.
    pub name: &'a str,
    /// The PIN they just chose.
    pub pin: &'a Secret,
}

/// Step 1: can be run again after any cut. The management key and PUK that it
/// returns are on no card yet.
///
/// # Errors
/// [`EnrolError`]; nothing of it binds anybody.
pub fn before_commit(
    card: &mut PivCard,
    holder: &Holder<'_>,
    authority: &Authority,
    random: &mut dyn RandomSource,
) -> Result<NewCard, EnrolError> {
    card.authenticate_management(&ManagementKey::factory(), random)?;
    let guid = card.guid_or_new(random)?;
    let mut points = [[0u8; 65]; 3];
    for (slot, point) in Slot::ALL.into_iter().zip(&mut points) {
        *point = card.generate(slot)?;
        let certificate = certify(authority, holder.name, point, purpose(slot), random)?;
        card.put_certificate(slot, &certificate)?;
    }
    set_pin(card, holder.pin)?;
    card.probe_9c_needs_fresh_pin(holder.pin)?;
    let algorithm = card.strongest_management_algorithm();
    let management = ManagementKey::random(algorithm, random)?;
    Ok(NewCard {
        card: Id(guid.0),
        person: holder.id,
        auth_key_9a: Point(points[0]),
        sign_key_9c: Point(points[1]),
        agree_key_9d: Point(points[2]),
        puk: random_puk(random)?,
        management_key: management_to_secret(&management),
    })
}

fn purpose(slot: Slot) -> Purpose {
    match slot {
        Slot::Authentication => Purpose::Authentication,
        Slot::Signature => Purpose::Approval,
        Slot::KeyManagement => Purpose::KeyManagement,
    }
}

/// New certificates for the keys that a card has.
///
/// # Errors
/// [`EnrolError`]
pub fn certificates(
    authority: &Authority,
    entry: &CardEntry,
    random: &mut dyn RandomSource,
) -> Result<Vec<(Slot, Vec<u8>)>, EnrolError> {
    let point = |slot| match slot {
        Slot::Authentication => &entry.auth_key_9a.0,
        Slot::Signature => &entry.sign_key_9c.0,
        Slot::KeyManagement => &entry.agree_key_9d.0,
    };
    Slot::ALL
        .into_iter()
        .map(|slot| {
            let name = &entry.person_name;
            let der = certify(authority, name, point(slot), purpose(slot), random)?;
            Ok((slot, der))
        })
        .collect()
}

fn certify(
    authority: &Authority,
    name: &str,
    public: &[u8; 65],
    purpose: Purpose,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, EnrolError> {
    let mut serial = [0u8; 16];
    random.public(&mut serial).map_err(|_| VaultError::Random)?;
    // Positive as DER, and never zero (RFC 5280 4.1.2.2).
    serial[0] = serial[0] & 0x3F | 0x40;
    x509::issue(
        Issuer {
            name: &authority.name,
            public: authority.key.public(),
        },
        &Request {
            subject: name,
            public,
            purpose,
            serial: &serial,
            not_before: authority.now_s.saturating_sub(86_400),
            not_after: authority.now_s + VALIDITY_S,
        },
        |digest| authority.key.sign(digest),
    )
    .map_err(|error| EnrolError::Certificate(error.to_string()))
}

/// The holder's PIN in place of the factory's. After a cut it may be there
/// already. The factory's is tried first: a card as delivered then never
/// counts a wrong PIN, however often it is pulled here.
fn set_pin(card: &mut PivCard, pin: &Secret) -> Result<(), EnrolError> {
    for factory in FACTORY_PINS.iter().take(1) {
        let old = Secret::from_fn(factory.len(), |out| out.copy_from_slice(factory));
        match card.change_pin(&old, pin) {
            Ok(()) => return Ok(()),
            Err(PivError::WrongPin { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    match card.verify_pin(pin) {
        Err(PivError::WrongPin { .. }) => Err(EnrolError::ForeignPin),
        done => Ok(done?),
    }
}

/// Step 3, with the holder's PIN verified: every share opens, the card signs
/// «received», gets its PUK and management key, and the first anchor. Can be
/// run again after any cut.
///
/// # Errors
/// [`EnrolError`]
pub fn after_commit(
    door: &mut Door,
    card: &mut PivCard,
    entry: &CardEntry,
    pin: &Secret,
) -> Result<(), EnrolError> {
    let kept = door.management_key(entry.card)?;
    let management = management_from_secret(&kept)?;
    let puk = door.puk(entry.card)?;
    match card.authenticate_management(&management, door.random()) {
        Err(PivError::WrongManagementKey) => {
            card.authenticate_management(&ManagementKey::factory(), door.random())?;
        }
        done => done?,
    }
    let record = door.vault().authority()?.clone();
    let mut received = Vec::new();
    for entry_of in &record.groups {
        let group = entry_of.group;
        // Where the person is a member with recovery words, the card is none.
        if entry_of.holds_secret && record.is_member(group, entry.card) {
            card.verify_pin(pin)?;
            let share: Result<_, EnrolError> =
                door.open_share(group, entry, |point| Ok(card.ecdh(point)?));
            drop(share?);
            received.push(group);
        }
    }
    card.verify_pin(pin)?;
    let digest = cbor::digest(
        "conclave/received/1",
        &(
            record.station,
            door.vault().authority_hash()?,
            entry.card,
            &received,
        ),
    )
    .map_err(|_| VaultError::Malformed("receipt"))?;
    card.sign(SigningSlot::Authentication, &digest.0)?;
    let factory = Secret::from_fn(FACTORY_PUK.len(), |out| out.copy_from_slice(FACTORY_PUK));
    match card.change_puk(&factory, &puk) {
        // Set already, before a cut.
        Err(PivError::WrongPuk { .. }) => card.change_puk(&puk, &puk)?,
        done => done?,
    }
    card.set_management_key(&management)?;
    card.authenticate_management(&management, door.random())?;
    anchor::write_authenticated(door, card, entry.card)?;
    Ok(())
}
