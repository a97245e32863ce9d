//! A medium that takes nothing any more: it gave back other bytes than it took, it
//! is lost, or it was given away. Its record stays, and it is enrolled no more.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{Condemned, MediumRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{FoundMedium, KnownBy, Media, MediaError};
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use crate::print::check_reason;

/// Where it stands that a medium is condemned: in what administrators write, what
/// key managers or approvers write, and what the PIN room writes. Every session sees
/// that it is, and reads why in those that are open to it.
const PLACES: [Compartment; 3] = [
    Compartment::Directory,
    Compartment::Catalogue,
    Compartment::Pins,
];

/// That a medium takes nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condemnation {
    /// As it stands in a record that this session reads.
    Read(Condemned),
    /// There is a record, and this session does not read it: what the PIN room wrote
    /// is closed to everybody else, and its id says what it is about.
    Closed(Compartment),
}

impl Condemnation {
    /// Why, for people.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Read(why) => why.reason.clone(),
            Self::Closed(Compartment::Pins) => {
                "the PIN room condemned it, and its reason is read there".into()
            }
            Self::Closed(_) => "people who are not logged on condemned it".into(),
        }
    }

    /// When, wall clock; none where this session does not read it.
    #[must_use]
    pub fn at_ms(&self) -> Option<u64> {
        match self {
            Self::Read(why) => Some(why.at_ms),
            Self::Closed(_) => None,
        }
    }
}

/// Whether a medium takes nothing any more.
///
/// # Errors
/// [`VaultError`] where that cannot be read: then nobody says that it is in use.
pub fn condemned(
    medium: Id,
    read: impl Fn(Compartment, Id) -> Result<Condemned, VaultError>,
) -> Result<Option<Condemnation>, VaultError> {
    let id = Condemned::id_of(medium);
    let mut closed = None;
    for place in PLACES {
        match read(place, id) {
            Ok(why) => return Ok(Some(Condemnation::Read(why))),
            // It is there: what is not is `Missing`, also where nobody reads.
            Err(VaultError::Closed(place)) => closed = Some(Condemnation::Closed(place)),
            Err(VaultError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(closed)
}

/// The medium on record may take what leaves.
///
/// # Errors
/// [`ActionError::Rule`]: it is condemned.
pub(crate) fn in_use(
    medium: &MediumRecord,
    read: impl Fn(Compartment, Id) -> Result<Condemned, VaultError>,
) -> Result<(), ActionError> {
    match condemned(medium.id, read)? {
        None => Ok(()),
        Some(why) => Err(ActionError::rule(
            format!("{} is condemned: {}", medium.name, why.reason()),
            "Use another enrolled medium, and destroy this one.",
        )),
    }
}

/// Condemns a medium that gave back other bytes than it took: at once, whatever
/// becomes of the act that wrote to it. Other causes are no fault of the medium, and
/// a drive is not its discs.
pub(crate) fn condemn_after(
    permit: &mut Permit<'_>,
    media: &mut dyn Media,
    medium: Id,
    cause: &MediaError,
) {
    // Where that fails the act fails all the same, and says what to do.
    if let Some(words) = condemn_with(permit, media, medium, cause) {
        let _ = permit.commit_before_effect(vec![words]);
    }
}

/// The same, with whatever else the act has to commit before it fails: the record is put
/// and not committed. What was done, in words; nothing where the medium is not at fault,
/// or nobody here may write that it is.
pub(crate) fn condemn_with(
    permit: &mut Permit<'_>,
    media: &mut dyn Media,
    medium: Id,
    cause: &MediaError,
) -> Option<String> {
    if !matches!(cause, MediaError::ReadBack(_)) {
        return None;
    }
    let record: MediumRecord = permit.get(Compartment::Directory, medium).ok()?;
    let found = media.found().unwrap_or_default();
    let is_drive = |f: &FoundMedium| f.serial == record.serial && f.known_by == KnownBy::Drive;
    if found.iter().any(is_drive) {
        return None;
    }
    let open = permit.vault().open_groups();
    let writes = |place: &&Compartment| {
        let mut sets = place.writers().iter();
        sets.any(|set| set.iter().all(|group| open.contains(group)))
    };
    let place = PLACES.iter().find(writes)?;
    let why = Condemned {
        medium,
        at_ms: permit.now_ms(),
        reason: cause.to_string(),
    };
    permit
        .put(*place, Condemned::KIND, Condemned::id_of(medium), &why)
        .ok()?;
    Some(format!("{} is condemned: {cause}", record.name))
}

/// Takes a medium out of use for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CondemnMedium {
    /// Its record.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its serial.
    pub serial: String,
    /// What became of it, in one sentence.
    pub reason: String,
}

impl Action for CondemnMedium {
    const NAME: &'static str = "condemn-medium";
    // It takes away; a full disk must not keep a medium in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Condemn the medium {}", self.name),
            format!("serial {}", self.serial),
            "nothing is written to it or read from it any more, and it is not enrolled again"
                .into(),
            format!("reason: {}", self.reason),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_reason(&self.reason).map_err(|why| {
            ActionError::rule(why, "Say in one sentence what became of the medium.")
        })?;
        let record: MediumRecord = permit.get(Compartment::Directory, self.id)?;
        if record.name != self.name || record.serial != self.serial {
            return Err(ActionError::rule(
                format!("no medium {} of this serial is enrolled", self.name),
                "Choose a medium of the list.",
            ));
        }
        in_use(&record, |place, id| permit.get(place, id))?;
        let why = Condemned {
            medium: self.id,
            at_ms: permit.now_ms(),
            reason: self.reason.trim().to_owned(),
        };
        let id = Condemned::id_of(self.id);
        Ok(permit.put(Compartment::Directory, Condemned::KIND, id, &why)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is condemned", self.name)]
    }
}
