//! Custody, history and places of one key, read when somebody looks at it.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{ComponentState, KeyRecord, KeySource};
use conclave_keyroom::vault::{Compartment, VaultError};

use crate::station::Station;
use crate::words;

impl Station {
    /// What is known of a key, line by line; why not, where it is not read.
    #[must_use]
    pub fn key_detail(&self, label: &str, id: Id) -> Vec<String> {
        let vault = self.door.vault();
        match vault.get_kind::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND, id) {
            Ok(key) if key.label == label => lines(&key),
            Ok(_) | Err(VaultError::Missing(_)) => {
                vec!["It is no longer in the catalogue.".into()]
            }
            Err(VaultError::Closed(_)) => vec!["This session does not read it.".into()],
            Err(error) => vec![format!("It could not be read: {error}.")],
        }
    }
}

fn lines(key: &KeyRecord) -> Vec<String> {
    let mut detail = vec![
        format!("made {}", words::date_time(key.created_ms)),
        format!("provider {}", key.provider),
    ];
    if key.source != KeySource::Here {
        detail.push(format!("source {}", key.source.words()));
    }
    for c in &key.components {
        let state = match c.state {
            ComponentState::Entered => "typed here from the partner's sheet".to_owned(),
            ComponentState::Waiting => "not printed".to_owned(),
            ComponentState::Printed => "printed, not sealed".to_owned(),
            ComponentState::Sealed => format!(
                "envelope {}, witness {}",
                c.envelope.as_deref().unwrap_or("?"),
                c.witness.as_deref().unwrap_or("?")
            ),
        };
        detail.push(format!(
            "component {} of {}  {}  KCV {}  {state}",
            c.index,
            c.of,
            c.custodian_name,
            c.kcv.words()
        ));
        match &c.backup {
            Some(backup) => detail.push(format!("  backup {}", backup.name)),
            None => detail.push("  no backup".into()),
        }
        for before in &c.former {
            detail.push(format!("  before: {}", before.name));
        }
        if let Some(at) = c.doubted_ms {
            detail.push(format!("  its sheet was NOT proven {}", words::date(at)));
        } else if let Some(at) = c.proven_ms {
            detail.push(format!("  its sheet was proven {}", words::date(at)));
        }
    }
    for e in &key.exports {
        detail.push(format!(
            "exported {} to {} under {} ({}), bundle {:04}",
            words::date(e.at_ms),
            e.recipient,
            e.under,
            e.format,
            e.bundle
        ));
    }
    detail
}
