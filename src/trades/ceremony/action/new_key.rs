//! The record of a key that an action brings, as its template says.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState};
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::provider::Identity;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// What every action knows of the key that it brings.
pub struct NewKey<'a> {
    /// Its id.
    pub id: Id,
    /// Its label.
    pub label: &'a str,
    /// Its template.
    pub template: &'a KeyTemplate,
    /// The ceremony that brings it.
    pub ceremony: Id,
    /// Who keeps its value.
    pub provider: &'a Identity,
}

impl NewKey<'_> {
    /// The record of a key that was made here, without parts, before its
    /// ceremony is over; `now` in milliseconds since 1970, from which its
    /// cryptoperiod counts (R22).
    #[must_use]
    pub fn record(&self, kcv: CheckValue, now: u64) -> KeyRecord {
        let template = self.template;
        KeyRecord {
            id: self.id,
            label: self.label.to_owned(),
            form: template.form,
            usage: template.usage.clone(),
            mode_of_use: template.mode_of_use.clone(),
            exportability: template.exportability.clone(),
            template: template.stamp(),
            kcv,
            state: KeyState::PreActivation,
            provider: format!("{}: {}", self.provider.name, self.provider.class.words()),
            ceremony: self.ceremony,
            created_ms: now,
            expires_ms: now + u64::from(template.cryptoperiod_days) * DAY_MS,
            recipient_until_ms: template
                .recipient_days
                .map(|days| now + u64::from(template.cryptoperiod_days + days) * DAY_MS),
            wrapping: template.wrapping_method(),
            components: Vec::new(),
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        }
    }
}
