//! A partner's sheets after they were typed: each goes into a new package, and
//! that goes on record.

use super::systems::FIRST;
use super::{DemoError, Demonstration};
use crate::typed_sheet::{KEPT, TITLE, typed_sheets};

/// Who sees the packages closed: nobody who holds a part of a key.
const WITNESS: &str = "K. Larsen";

impl Demonstration {
    /// The sheets that this key was typed from are sealed, one after the other.
    pub(super) fn put_sheets_away(&mut self, label: &str) -> Result<(), DemoError> {
        const STAGE: &str = "where the typed sheets are";
        self.stage(&format!("{STAGE}: {label}"));
        let key = self.station.keys().into_iter().find(|k| k.label == label);
        let key = key.ok_or_else(|| self.failed(STAGE, "the key is not there"))?;
        self.hands.choices = vec![TITLE.into()];
        for (sheet, ..) in typed_sheets(&key) {
            let serial = self.hands.new_serial();
            let forms = &mut self.hands.forms;
            forms.insert("key.sheet".into(), vec![vec![sheet, KEPT.into()]]);
            let said = [FIRST, WITNESS, &serial, &serial].map(str::to_owned);
            forms.insert("key.sheet.say".into(), vec![said.to_vec()]);
            let end = self.station.key_incident(key.id, &mut self.hands);
            self.done(STAGE, end)?;
        }
        self.hands.choices.clear();
        Ok(())
    }
}
