//! What an action is.

use conclave_crypto::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::authority::Authority;
use super::beforehand::Beforehand;
use super::permit::Permit;
use crate::ports::Ports;
use crate::ports::media::MediaError;

/// Something that changes the world: a plain serialisable value that says what,
/// on which records, with which parameters; never a secret.
///
/// An action never waits for a person: it is one commit, or one irreversible
/// emission.
pub trait Action: Serialize + DeserializeOwned {
    /// Its name in the journal, approvals and signed action files.
    const NAME: &'static str;
    /// Whether it waits for room on the disk. Not what is wanted on a full one:
    /// a backup, a card that is barred.
    const NEEDS_ROOM: bool = true;
    /// What it gives back.
    type Out;

    /// Who must stand behind it.
    fn authority(&self) -> Authority;

    /// What approvers are shown and minutes print.
    fn words(&self) -> Vec<String>;

    /// Checks the rules, and sets the records that count whatever becomes of
    /// the act: they are committed with its intent, before any effect. A
    /// sequence number that may leave the room is used up here.
    ///
    /// # Errors
    /// [`ActionError`]; the door journals it, and the act does not begin.
    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let _ = beforehand;
        Ok(())
    }

    /// Does it. Records go through the permit and are committed with the
    /// outcome, all or none; effects take the permit.
    ///
    /// # Errors
    /// [`ActionError`]; the door journals it, and no record of the permit is
    /// kept.
    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Self::Out, ActionError>;

    /// What the journal's outcome and the screen say of it. No secret.
    fn outcome(&self, out: &Self::Out) -> Vec<String> {
        let _ = out;
        Vec::new()
    }
}

/// Why an action failed, in words that carry no secret.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// A rule forbids it.
    #[error("{rule}")]
    Rule {
        /// The rule, with its source.
        rule: String,
        /// What to do.
        advice: String,
    },
    /// The vault.
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] crate::provider::ProviderError),
    /// A device failed before anything left the station.
    #[error("{what}")]
    Device {
        /// What happened.
        what: String,
        /// What to do.
        advice: String,
    },
    /// The medium is not there, is another one, or takes nothing: no byte left, and
    /// the act may take place as soon as the right one is in.
    #[error("{undone}: {cause}")]
    NoMedium {
        /// What did not take place: `nothing was exported`.
        undone: &'static str,
        /// What is wrong with it.
        cause: MediaError,
        /// What to do.
        advice: String,
    },
    /// Something may have left the station, and nobody knows how much: a
    /// person decides. No outcome is written.
    #[error("{what}: it is not known how much got out")]
    Unknown {
        /// What happened.
        what: String,
    },
    /// Asked to stop before anything left.
    #[error("stopped at a safe boundary")]
    Stopped,
}

impl ActionError {
    /// A rule that forbids the act.
    pub fn rule(rule: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Rule {
            rule: rule.into(),
            advice: advice.into(),
        }
    }
}
