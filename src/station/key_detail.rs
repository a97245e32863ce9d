//! Custody, history and places of one key, read when somebody looks at it.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeySource};
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::domain::pin_key::PinKey;
use conclave_keyroom::vault::{Compartment, VaultError};

use crate::lists::periods;
use crate::station::Station;
use crate::words;

impl Station {
    /// What is known of a key, line by line; why not, where it is not read.
    #[must_use]
    pub fn key_detail(&self, label: &str, id: Id) -> Vec<String> {
        let vault = self.door.vault();
        match vault.get_kind::<KeyRecord>(Compartment::Catalogue, KeyRecord::KIND, id) {
            Ok(key) if key.label == label => {
                let mut detail = lines(&key);
                detail.extend(self.pin_room_line(id));
                detail
            }
            Ok(_) | Err(VaultError::Missing(_)) => {
                vec!["It is no longer in the catalogue.".into()]
            }
            Err(VaultError::Closed(_)) => vec!["This session does not read it.".into()],
            Err(error) => vec![format!("It could not be read: {error}.")],
        }
    }
}

impl Station {
    /// Whether the PIN room has it, where it was ever given it.
    fn pin_room_line(&self, id: Id) -> Option<String> {
        let given = PinKey::id_of(id);
        let vault = self.door.vault();
        let given: PinKey = vault
            .get_kind(Compartment::Catalogue, PinKey::KIND, given)
            .ok()?;
        let now_ms = self.clock.wall_ms();
        let here = vault.authority().ok()?.incarnation;
        Some(match &given.withdrawn {
            Some(gone) => format!(
                "PIN room: taken back {}, {}",
                words::date(gone.at_ms),
                gone.reason
            ),
            None => format!(
                "PIN room: {} until {}, by {}",
                given.state(now_ms, here),
                words::date(given.released.until_ms),
                words::list(&given.released_by)
            ),
        })
    }
}

fn lines(key: &KeyRecord) -> Vec<String> {
    let mut detail = vec![
        format!("made {}", words::date_time(key.created_ms)),
        format!("provider {}", key.provider),
    ];
    if key.recipient_until_ms.is_some() {
        detail.extend(periods(key));
    }
    if let Some(compromise) = &key.compromise {
        detail.push(format!(
            "COMPROMISED {}: {}",
            words::date(compromise.at_ms),
            compromise.reason
        ));
    }
    if key.source != KeySource::Here {
        detail.push(format!("source {}", key.source.words()));
    }
    if let Some(rsa) = &key.rsa {
        detail.push(format!(
            "RSA, {} bits, exponent {}, generation {}",
            rsa.bits, rsa.exponent, rsa.generation
        ));
        if key.source == KeySource::Here {
            detail.push(
                match (key.leaves_in_components(), key.exportability.as_str()) {
                    (true, _) => "private half: may leave in printed components".into(),
                    (false, "S") => "private half: may leave in a key store".into(),
                    (false, _) => "private half: never leaves".into(),
                },
            );
        }
        detail.push("fingerprint, SHA-256:".into());
        let hex = conclave_trades::keys::fingerprint_hex(&rsa.fingerprint);
        let half = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
        detail.extend([half(0..32), half(32..64)]);
    }
    for c in &key.components {
        detail.extend(part_lines("component", c));
    }
    for set in &key.others {
        detail.extend(set_lines(set));
    }
    for e in &key.exports {
        let how = match e.bundle {
            0 => "a letter".to_owned(),
            number => format!("bundle {number:04}"),
        };
        if let Some(void_ms) = e.void_ms {
            detail.push(format!(
                "void since {}: {how}, to {} under {} ({})",
                words::date(void_ms),
                e.recipient,
                e.under,
                e.format,
            ));
            continue;
        }
        detail.push(format!(
            "exported {} to {} under {} ({}), {how}",
            words::date(e.at_ms),
            e.recipient,
            e.under,
            e.format,
        ));
        detail.extend(
            e.exception_until_ms
                .map(|until| format!("  without a key block, until {}", words::date(until))),
        );
    }
    let no_end = |under: &&String| key.exports.iter().all(|e| e.under != **under);
    detail.extend(
        key.begun_under.iter().filter(no_end).map(|under| {
            format!("begun under {under}, and not ended: a cryptogram may be outside")
        }),
    );
    detail
}

fn part_lines(what: &str, c: &Component) -> Vec<String> {
    let state = match c.state {
        ComponentState::Entered => "typed here; where its sheet is, is not on record".to_owned(),
        ComponentState::Returned => format!("typed here, its sheet went back {}", gone(c)),
        ComponentState::Destroyed => format!("typed here, its sheet destroyed {}", gone(c)),
        ComponentState::Waiting => "not printed".to_owned(),
        ComponentState::Printed => "printed, not sealed".to_owned(),
        ComponentState::Sealed => format!(
            "envelope {}, witness {}",
            c.envelope.as_deref().unwrap_or("?"),
            c.witness.as_deref().unwrap_or("?")
        ),
    };
    let mut lines = vec![format!(
        "{what} {} of {}  {}  KCV {}  {state}",
        c.index,
        c.of,
        c.custodian_name,
        c.kcv.words()
    )];
    match &c.backup {
        Some(backup) => lines.push(format!("  backup {}", backup.name)),
        None => lines.push("  no backup".into()),
    }
    for before in &c.former {
        lines.push(format!("  before: {}", before.name));
    }
    if let Some(quarantine) = &c.quarantine {
        lines.push(format!(
            "  in QUARANTINE since {}: {}",
            words::date(quarantine.at_ms),
            quarantine.found
        ));
    }
    if let Some(at) = c.doubted_ms {
        lines.push(format!("  its sheet was NOT proven {}", words::date(at)));
    } else if let Some(at) = c.proven_ms {
        lines.push(format!("  its sheet was proven {}", words::date(at)));
    }
    lines
}

/// When, in which package, and before whom a typed sheet went out of custody.
fn gone(c: &Component) -> String {
    let package = c.envelope.as_ref().map(|e| format!(" in package {e}"));
    format!(
        "{}{}, seen by {}",
        c.gone_ms.map_or("?".into(), words::date),
        package.unwrap_or_default(),
        c.witness.as_deref().unwrap_or("?")
    )
}

/// A set beside the components: who holds, or held, what of it.
fn set_lines(set: &PartSet) -> Vec<String> {
    let since = words::date(set.since_ms);
    let mut lines = vec![match set.state {
        SetState::Coming => format!("{}: on their way since {since}", set.words()),
        SetState::Kept => format!("{}: in custody since {since}", set.words()),
        SetState::Former => format!("{}: former since {since}", set.words()),
        SetState::Void => format!("{}: void since {since}", set.words()),
    }];
    let what = match set.quorum {
        Some(_) => "share",
        None => "component",
    };
    for part in &set.parts {
        match set.destroyed.iter().find(|d| d.index == part.index) {
            None => lines.extend(part_lines(what, part).iter().map(|l| format!("  {l}"))),
            Some(gone) => {
                lines.push(format!(
                    "  {what} {} of {}  {}  destroyed {} in {} by {}",
                    part.index,
                    part.of,
                    part.custodian_name,
                    words::date(gone.at_ms),
                    gone.serial,
                    words::list(&gone.by)
                ));
                lines.extend(part.quarantine.as_ref().map(|found| {
                    format!(
                        "    recorded as {}, in quarantine since {}: {}",
                        part.envelope.as_deref().unwrap_or("?"),
                        words::date(found.at_ms),
                        found.found
                    )
                }));
            }
        }
    }
    lines
}
