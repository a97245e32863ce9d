//! A few rows of a large table changed: one pass over its columns, and no key
//! read again that stayed as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_evidence::Id;

use super::KeyTable;
use crate::front::KeyRow;

impl KeyTable {
    /// The table without the rows of these keys, and with these rows.
    #[must_use]
    pub fn changed(&self, gone: &[Id], rows: &[KeyRow]) -> Self {
        let gone: BTreeSet<[u8; 16]> = gone.iter().map(|id| id.0).collect();
        let mut columns = (*self.columns).clone();
        let before = columns.len();
        rows.iter().for_each(|row| columns.push(row));
        let stays = |at: &u32| {
            let at = *at as usize;
            at >= before || columns.ids.get(at).is_none_or(|id| !gone.contains(id))
        };
        let many = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..many).filter(stays).collect();
        order.sort_by(|a, b| columns.label(*a as usize).cmp(columns.label(*b as usize)));
        columns.put_in_order(&order);
        columns.hang();
        columns.shrink();
        Self {
            columns: Arc::new(columns),
            to_come: self.to_come,
        }
    }
}
