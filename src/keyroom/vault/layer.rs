//! A store with a layer above it that takes the writes: what a restore and a
//! rehearsal do is seen by them alone, until all of it is made durable at once
//! or dropped.

use std::collections::BTreeMap;

use crate::ports::store::{Pair, Store, StoreError, StoreReader, Write};

/// What was written above; `None` is a key that was removed.
type Above = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The store below, and the layer where there is one.
pub struct Layered {
    below: Box<dyn Store>,
    above: Option<Above>,
    /// Nothing goes down any more.
    frozen: bool,
}

impl Layered {
    /// A store without a layer.
    pub fn over(below: Box<dyn Store>) -> Self {
        Self {
            below,
            above: None,
            frozen: false,
        }
    }

    /// From now on nothing is written, neither below nor above.
    pub fn freeze(&mut self) {
        self.above = None;
        self.frozen = true;
    }

    fn writable(&self) -> Result<(), StoreError> {
        match self.frozen {
            true => Err(StoreError::Frozen),
            false => Ok(()),
        }
    }

    /// From now on writes stay in memory.
    pub fn raise(&mut self) {
        self.above.get_or_insert_default();
    }

    /// TRUE while writes stay in memory.
    pub fn is_raised(&self) -> bool {
        self.above.is_some()
    }

    /// What was written since goes down in one commit.
    ///
    /// # Errors
    /// [`StoreError`]; then the layer is still there, and nothing below it
    /// changed.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.writable()?;
        let Some(above) = &self.above else {
            return Ok(());
        };
        let writes: Vec<Write> = above
            .iter()
            .map(|(key, value)| match value {
                Some(value) => Write::Put(key.clone(), value.clone()),
                None => Write::Delete(key.clone()),
            })
            .collect();
        self.below.commit(&writes)?;
        self.above = None;
        Ok(())
    }

    /// What was written since is forgotten.
    pub fn drop_layer(&mut self) {
        self.above = None;
    }

    /// Writes below the layer, durably.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn commit_below(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        self.writable()?;
        self.below.commit(batch)
    }
}

/// With what the layer holds.
impl Store for Layered {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.above.as_ref().and_then(|above| above.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.below.get(key),
        }
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let Some(above) = &self.above else {
            return self.below.scan(prefix, each);
        };
        let mut new = above
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .peekable();
        let mut wanted = true;
        self.below.scan(prefix, &mut |key, value| {
            while let Some((at, put)) = new.next_if(|(at, _)| at.as_slice() < key) {
                if let Some(put) = put {
                    wanted = each(at, put);
                    if !wanted {
                        return false;
                    }
                }
            }
            wanted = match new.next_if(|(at, _)| at.as_slice() == key) {
                Some((_, Some(put))) => each(key, put),
                Some((_, None)) => true,
                None => each(key, value),
            };
            wanted
        })?;
        if wanted {
            for (at, put) in new {
                if let Some(put) = put
                    && !each(at, put)
                {
                    break;
                }
            }
        }
        Ok(())
    }

    fn room(&self) -> Option<u64> {
        self.below.room()
    }

    // None while there is a layer.
    fn reader(&self) -> Option<Box<dyn StoreReader>> {
        self.below.reader().filter(|_| self.above.is_none())
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
        if self.above.is_none() {
            return self.below.last(prefix);
        }
        let mut last = None;
        self.scan(prefix, &mut |key, value| {
            last = Some((key.to_vec(), value.to_vec()));
            true
        })?;
        Ok(last)
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        self.writable()?;
        let Some(above) = &mut self.above else {
            return self.below.commit(batch);
        };
        for write in batch {
            match write {
                Write::Put(key, value) => above.insert(key.clone(), Some(value.clone())),
                Write::Delete(key) => above.insert(key.clone(), None),
            };
        }
        Ok(())
    }
}

/// A store that lives in memory, and dies with it.
#[derive(Default)]
pub struct InMemory(BTreeMap<Vec<u8>, Vec<u8>>);

impl Store for InMemory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let from = self.0.range(prefix.to_vec()..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .all(|(key, value)| each(key, value));
        Ok(())
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
        let from = self.0.range(prefix.to_vec()..);
        Ok(from
            .take_while(|(key, _)| key.starts_with(prefix))
            .last()
            .map(|(key, value)| (key.clone(), value.clone())))
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        for write in batch {
            match write {
                Write::Put(key, value) => self.0.insert(key.clone(), value.clone()),
                Write::Delete(key) => self.0.remove(key),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &str) -> Write {
        Write::Put(key.into(), value.into())
    }

    fn seen(store: &Layered, prefix: &str, most: usize) -> String {
        let mut seen = Vec::new();
        let scan = store.scan(prefix.as_bytes(), &mut |key, value| {
            seen.push([key, b"=", value].concat());
            seen.len() < most
        });
        assert!(scan.is_ok());
        String::from_utf8_lossy(&seen.join(&b' ')).into_owned()
    }

    #[test]
    fn the_layer_hides_adds_and_removes_and_goes_down_at_once() -> Result<(), StoreError> {
        let mut store = Layered::over(Box::new(InMemory::default()));
        store.commit(&[put("a", "1"), put("b1", "2"), put("b3", "3"), put("c", "4")])?;
        store.raise();
        store.commit(&[put("b0", "x"), put("b3", "y"), put("b4", "z")])?;
        store.commit(&[Write::Delete("b1".into()), Write::Delete("nothing".into())])?;
        assert_eq!(seen(&store, "", 9), "a=1 b0=x b3=y b4=z c=4");
        assert_eq!(seen(&store, "b", 9), "b0=x b3=y b4=z");
        assert_eq!(seen(&store, "b", 1), "b0=x");
        assert_eq!(seen(&store, "b", 2), "b0=x b3=y");
        assert_eq!(store.last(b"b")?, Some((b"b4".to_vec(), b"z".to_vec())));
        assert_eq!(store.get(b"b1")?, None);
        store.drop_layer();
        assert_eq!(seen(&store, "", 9), "a=1 b1=2 b3=3 c=4");
        store.raise();
        store.commit(&[put("b0", "x"), Write::Delete("b3".into())])?;
        store.settle()?;
        assert!(!store.is_raised());
        assert_eq!(seen(&store, "", 9), "a=1 b0=x b1=2 c=4");
        Ok(())
    }
}
