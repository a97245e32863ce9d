//! What is found of a ceremony's unit after a restart: what the journal says of
//! it, the key it made, the components that ended with the session.

use conclave_evidence::journal::{EntryHeader, EntryKind};
use conclave_keyroom::domain::key::{ComponentState, KeyRecord, KeyState};
use conclave_keyroom::door::{Action, no_medium_digest};
use conclave_keyroom::ports::dialogue::Refusal;
use conclave_keyroom::vault::{Compartment, KeyTraits, KeysOf};
use conclave_trades::ceremony::action::{
    AcceptComponent, CloseCeremony, CombineKey, CombineShares, DestroySheet, GenerateKey,
    OpenCeremony, PrintComponent, ProveComponent, ReadBack, SealComponent, SplitKey, VoidSet,
};
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::state::{Did, Found, KeyMade, State, Unit};
use conclave_trades::keys::QuarantinePackage;
use conclave_trades::target::{ExportKeys, ImportBlock, ReadBundle, VoidKey};

use crate::station::Station;

/// TRUE of an act that failed because its medium was not there.
fn wanted_a_medium(header: &EntryHeader) -> bool {
    header.commitment.is_some() && header.commitment == no_medium_digest(header.act).ok()
}

impl Station {
    /// The key that this ceremony made just before it was interrupted.
    fn key_made(&self, unit: &Unit, state: &State) -> Option<KeyMade> {
        if !matches!(
            unit,
            Unit::Generate | Unit::Split | Unit::Combine { .. } | Unit::Import { .. }
        ) {
            return None;
        }
        if let Some(known) = state
            .parameters
            .shares
            .as_ref()
            .and_then(|s| s.known.as_ref())
        {
            let key: KeyRecord = self
                .door
                .vault()
                .get(Compartment::Catalogue, known.key)
                .ok()?;
            return Some(KeyMade {
                id: key.id,
                kcv: key.kcv,
            });
        }
        if let Some(split) = &state.parameters.split {
            let key: KeyRecord = self
                .door
                .vault()
                .get(Compartment::Catalogue, split.key)
                .ok()?;
            let there = key.set(state.ceremony).is_some();
            return there.then_some(KeyMade {
                id: key.id,
                kcv: key.kcv,
            });
        }
        let made = self
            .keys_of(KeysOf::Traits(KeyTraits::COMING))
            .into_iter()
            .find(|key| key.ceremony == state.ceremony && key.state == KeyState::PreActivation)?;
        Some(KeyMade {
            id: made.id,
            kcv: made.kcv,
        })
    }

    /// TRUE when a component is still to be printed and the provider has it no
    /// more.
    pub(super) fn components_died(&self, state: &State) -> bool {
        let Some(made) = &state.key else {
            // Typed components that are still to be combined.
            let mut entered = state.entered.iter();
            return entered.any(|turn| {
                let place = state.parameters.place(*turn);
                !self.door.component_waits(state.ceremony, place)
            });
        };
        let record: Option<KeyRecord> = self.door.vault().get(Compartment::Catalogue, made.id).ok();
        record.is_some_and(|record| {
            let under = match state.parameters.split {
                Some(_) => state.ceremony,
                None => made.id,
            };
            record
                .printed_in(state.ceremony)
                .iter()
                .filter(|c| c.state == ComponentState::Waiting)
                .any(|c| !self.door.component_waits(under, c.index))
        })
    }

    /// What the journal says of the unit at hand, after a restart.
    pub(super) fn found_in_journal(
        &self,
        engine: &Engine,
        state: &State,
    ) -> Result<Found, Refusal> {
        let Some(unit) = engine.unit(state) else {
            return Ok(Found::Nothing);
        };
        let name = match &unit {
            Unit::Begin { .. } | Unit::End { .. } => return Ok(Found::Nothing),
            Unit::Open => OpenCeremony::NAME,
            Unit::Generate => GenerateKey::NAME,
            Unit::Split => SplitKey::NAME,
            Unit::Destroy { .. } => DestroySheet::NAME,
            Unit::SetAside { .. } => QuarantinePackage::NAME,
            Unit::Enter { .. } => AcceptComponent::NAME,
            Unit::Combine { .. } if state.parameters.shares.is_some() => CombineShares::NAME,
            Unit::Combine { .. } => CombineKey::NAME,
            Unit::Import { .. } => ImportBlock::NAME,
            Unit::Exercise { .. } => ProveComponent::NAME,
            Unit::Print { .. } => PrintComponent::NAME,
            Unit::Seal { .. } => SealComponent::NAME,
            Unit::ReadBack { .. } => ReadBack::NAME,
            Unit::Export => ExportKeys::NAME,
            Unit::ReadMedium => ReadBundle::NAME,
            Unit::Close { .. } => CloseCeremony::NAME,
            Unit::Void { .. } | Unit::Abort { .. } if state.parameters.split.is_some() => {
                VoidSet::NAME
            }
            Unit::Void { .. } | Unit::Abort { .. } => VoidKey::NAME,
        };
        // Nothing but this ceremony's units has run since its last save, so
        // the newest acts of this name tell.
        let newest = self.door.vault().newest().map_or(0, |(seq, _)| seq);
        let from = newest.saturating_sub(200);
        let entries = self
            .door
            .vault()
            .entries(from)
            .map_err(|e| self.refusal(&e.to_string()))?;
        let headers: Vec<_> = entries
            .iter()
            .filter_map(|entry| entry.open_header().ok())
            .collect();
        let saved = headers
            .iter()
            .rposition(|h| h.action == "record-step" && h.kind == EntryKind::Outcome)
            .unwrap_or(0);
        let after = headers.iter().skip(saved).filter(|h| h.action == name);
        let mut found = Found::Nothing;
        for header in after {
            found = match header.kind {
                EntryKind::Intent => Found::Unknown,
                EntryKind::Outcome => Found::Did(Did {
                    words: vec![format!("{name}: done before the interruption")],
                    journal: Some(header.seq),
                    at_ms: Some(header.wall_ms),
                    key: self.key_made(&unit, state),
                }),
                EntryKind::Failed if wanted_a_medium(header) => Found::NoMedium,
                EntryKind::Failed => Found::Failed("it had failed before the interruption".into()),
                _ => found,
            };
        }
        Ok(found)
    }
}
