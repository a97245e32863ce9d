//! The durable store, as a port (DESIGN section 5).

/// A failure of the store. None of them loses what was committed before.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The medium is full.
    #[error("the disk is full")]
    Full,
    /// The store's own files are damaged.
    #[error("the repository's files are damaged: {0}")]
    Damaged(String),
    /// Another program has it open.
    #[error("the repository is open in another program")]
    Locked,
    /// An earlier write failed, and nothing is written any more.
    #[error("an earlier write failed, and nothing more is written until the program starts again")]
    Failed,
    /// It is damaged, and only read.
    #[error("the repository is damaged, and is only read")]
    Frozen,
    /// Any other failure of the system.
    #[error("the repository cannot be reached: {0}")]
    Io(String),
}

/// One write of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets a value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a value, where there is one.
    Delete(Vec<u8>),
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Ordered bytes to bytes. What it holds is public or sealed.
pub trait Store: Send {
    /// The value at a key.
    ///
    /// # Errors
    /// [`StoreError`]
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All pairs whose key begins with `prefix`, in key order, to `each`,
    /// until it returns `false`.
    ///
    /// # Errors
    /// [`StoreError`]
    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError>;

    /// The last pair whose key begins with `prefix`.
    ///
    /// # Errors
    /// [`StoreError`]
    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError>;

    /// Bytes that can still be written; nothing where the store does not know.
    fn room(&self) -> Option<u64> {
        None
    }

    /// A reader for another thread, of what is there while it reads; nothing
    /// where the store cannot be read beside its owner.
    fn reader(&self) -> Option<Box<dyn StoreReader>> {
        None
    }

    /// All writes or none, and on return they survive a power cut.
    ///
    /// # Errors
    /// [`StoreError`]; then none of the writes took place.
    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError>;
}

/// Reads a store from another thread than its owner's.
pub trait StoreReader: Send {
    /// As [`Store::scan`].
    ///
    /// # Errors
    /// [`StoreError`]
    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError>;
}
