//! What comes after the first ceremony: a partner's keys, sheets proven
//! months later, a lost card.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::key::KeySource;

use super::papers::Partner;
use super::{DemoError, Demonstration, cast};
use crate::compose::random_source;
use crate::renew::Change;

impl Demonstration {
    /// A partner's zone master key from its paper components, and a key that
    /// the partner sent under it.
    pub(super) fn partner(&mut self) -> Result<(), DemoError> {
        let partner = random_source()
            .map_err(|error| error.to_string())
            .and_then(|mut random| {
                Partner::prepare(
                    cast::PARTNER.components,
                    cast::PARTNER.attributes,
                    &mut *random,
                )
            })
            .map_err(|why| self.failed("the partner's keys", why))?;
        let (zmk, working) = (cast::PARTNER.zmk, cast::PARTNER.working);
        self.hands.papers = partner.zmk;
        self.ceremony(
            "enter-components.toml",
            zmk.0,
            [
                zmk.0,
                zmk.1,
                &cast::PARTNER.components.to_string(),
                cast::PARTNER.name,
                "behind each line",
                "on each component",
                "usual for the cipher",
                "",
            ]
            .map(str::to_owned)
            .to_vec(),
        )?;
        self.put_sheets_away(zmk.0)?;
        self.hands.papers = partner.working;
        self.ceremony(
            "import-block.toml",
            working.0,
            [
                working.0,
                working.1,
                zmk.0,
                cast::PARTNER.name,
                "tr31",
                "usual for the cipher",
                "typed by two",
                "",
                "",
                "",
            ]
            .map(str::to_owned)
            .to_vec(),
        )?;
        self.hands.papers = super::papers::Papers::default();
        let taken = self
            .station
            .keys()
            .iter()
            .filter(|key| !matches!(key.source, KeySource::Here))
            .count();
        if taken != 2 {
            return Err(self.failed("the partner's keys", "they are not in the repository"));
        }
        Ok(())
    }

    /// Each custodian of the first zone master key proves their sheet.
    pub(super) fn exercise(&mut self) -> Result<(), DemoError> {
        let Some((label, mut papers)) = self.hands.keep.take() else {
            return Err(self.failed("custody exercise", "no sheet was kept"));
        };
        let keys = self.station.keys();
        let Some(key) = keys.iter().find(|key| key.label == label) else {
            return Err(self.failed("custody exercise", "the key is not there"));
        };
        for component in &key.components {
            let serial = component.envelope.clone().unwrap_or_default();
            papers.packages.insert(component.index, serial);
        }
        self.hands.papers = papers;
        self.stage("custody exercise");
        self.ceremony("custody-exercise.toml", &label, vec![label.clone()])?;
        self.hands.papers = super::papers::Papers::default();
        let keys = self.station.keys();
        let proven = keys.iter().find(|key| key.label == label);
        if !proven.is_some_and(|key| key.components.iter().all(|c| c.proven_ms.is_some())) {
            return Err(self.failed("custody exercise", "not every sheet was proven"));
        }
        Ok(())
    }

    /// A key manager's card is lost: one administrator suspends it, the groups
    /// renew their shares, and the holder has a new card.
    pub(super) fn lose_a_card(&mut self) -> Result<(), DemoError> {
        let name = cast::LOSES_CARD;
        self.stage(&format!("{name} lost a card"));
        self.hands.choices = vec![name.into()];
        let end = self.station.suspend_card(&mut self.hands);
        self.done("suspend a card", end)?;
        self.logon(GroupId::Administrators, &[])?;
        self.logon(GroupId::Approvers, &[])?;
        self.logon(GroupId::KeyManagers, &[])?;
        self.stage("replace the card, with new shares for everybody of the group");
        let spare = self.spare.clone();
        let Some(spare) = spare else {
            return Err(self.failed("replace a card", "there is no blank card"));
        };
        self.hands.give(name, spare);
        let end = self
            .station
            .change_group(Change::ReplaceCard, &mut self.hands);
        self.done("replace a card", end)?;
        self.hands.choices.clear();
        Ok(())
    }
}
