//! Key stores under a passphrase: PKCS#12 (RFC 7292), and Java's JKS and JCEKS.
//! Written for what others run, and read strictly: one encoding, bounded sizes,
//! bounded work.
//!
//! - `tlv`: the DER that they have
//! - `kdf`, `pbe`: from a passphrase to keys, and encryption under them
//! - `pkcs12`, `pkcs12_write`: PKCS#12, modern and for old readers
//! - `java`, `java_write`: the container of JKS and JCEKS
//! - `java_protect`: JKS's own protection of a private key
//! - `java_object`: a secret key as Java serialises it
//! - `describe`: what a store is, without its passphrase
//!
//! JKS protects with SHA-1 alone and JCEKS with MD5 and 3DES: what they hold is
//! as strong as the passphrase, which therefore has to be a random one, and in
//! JCEKS not more than 112 bits.

mod describe;
mod java;
mod java_object;
mod java_protect;
mod java_write;
mod kdf;
mod pbe;
mod pkcs12;
mod pkcs12_entries;
mod pkcs12_write;
mod tlv;

use thiserror::Error;

use crate::secret::{RandomSource, Secret};

pub use describe::describe;

/// The longest store that is read, in bytes.
pub const STORE_MOST: usize = 1024 * 1024;
/// The most entries of a store.
pub const ENTRIES_MOST: usize = 512;
/// The most certificates of a chain.
pub const CHAIN_MOST: usize = 10;
/// The most iterations that one derivation may ask for.
pub const ITERATIONS_MOST: u32 = 2_000_000;
/// The longest salt, in bytes.
pub const SALT_MOST: usize = 64;
/// The longest alias, in characters.
pub const ALIAS_MOST: usize = 64;
/// The longest passphrase, in characters.
pub const PASSPHRASE_MOST: usize = 128;
/// Iterations of what is written in the modern form of PKCS#12.
pub const MODERN_ITERATIONS: u32 = 100_000;
/// Iterations of what is written for old readers of PKCS#12; OpenSSL's number.
pub const LEGACY_ITERATIONS: u32 = 2048;
/// Iterations of what is written as JCEKS; Java's number.
pub const JCEKS_ITERATIONS: u32 = 200_000;

/// Why a store is not read, or not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Not a store, or one that is damaged.
    #[error("this is no key store that is read here: {0}")]
    Format(&'static str),
    /// More than is worked through.
    #[error("the key store is refused: {0}")]
    Limit(&'static str),
    /// An algorithm that is not read, or not written.
    #[error("the key store uses {0}, which is not read here")]
    Algorithm(String),
    /// Its check does not agree.
    #[error("the passphrase is another one, or the key store was changed")]
    Passphrase,
    /// 1 to 128 printable ASCII characters.
    #[error("a passphrase has 1 to 128 printable ASCII characters")]
    PassphraseForm,
    /// The name of an entry.
    #[error("the alias {0:?} is used twice, or has characters that not every reader takes")]
    Alias(String),
    /// An entry that the kind of store cannot hold.
    #[error("{0}: this kind of store does not hold such an entry")]
    Entry(String),
    /// The random source.
    #[error("the random source gave nothing")]
    Random,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PKCS#12: PBES2, AES-256, HMAC-SHA-256, 100,000 iterations.
    Pkcs12,
    /// PKCS#12 for old readers: 3DES and SHA-1 (RFC 7292 C).
    Pkcs12Legacy,
    /// Java's JKS: private keys and certificates.
    Jks,
    /// Java's JCEKS: secret keys as well.
    Jceks,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Pkcs12, Self::Pkcs12Legacy, Self::Jks, Self::Jceks];

    /// `pkcs12`, `pkcs12-legacy`, `jks`, `jceks`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pkcs12 => "pkcs12",
            Self::Pkcs12Legacy => "pkcs12-legacy",
            Self::Jks => "jks",
            Self::Jceks => "jceks",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// For people, with what protects the keys in it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Pkcs12 => "PKCS#12, AES-256 and HMAC-SHA-256",
            Self::Pkcs12Legacy => "PKCS#12 for old readers, 3DES and SHA-1",
            Self::Jks => "JKS of Java, SHA-1",
            Self::Jceks => "JCEKS of Java, MD5 and 3DES",
        }
    }

    /// The ending of its files.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Pkcs12 | Self::Pkcs12Legacy => "p12",
            Self::Jks => "jks",
            Self::Jceks => "jceks",
        }
    }

    /// TRUE where it holds secret keys.
    #[must_use]
    pub fn holds_secret_keys(self) -> bool {
        self != Self::Jks
    }
}

/// For which algorithm a secret key is, as Java names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretAlgorithm {
    /// AES, 16, 24 or 32 bytes.
    Aes,
    /// Triple DES. Java's keys have 24 bytes; a key of 16 is written K1 K2 K1.
    DesEde,
    /// HMAC with SHA-256, of any length.
    HmacSha256,
    /// HMAC with SHA-384, of any length.
    HmacSha384,
    /// HMAC with SHA-512, of any length.
    HmacSha512,
}

impl SecretAlgorithm {
    const ALL: [Self; 5] = [
        Self::Aes,
        Self::DesEde,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
    ];

    /// `AES`, `DESede`, `HmacSHA256` and so on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes => "AES",
            Self::DesEde => "DESede",
            Self::HmacSha256 => "HmacSHA256",
            Self::HmacSha384 => "HmacSHA384",
            Self::HmacSha512 => "HmacSHA512",
        }
    }

    /// Content of the OBJECT IDENTIFIER with which Java marks it in PKCS#12.
    fn oid(self) -> &'static [u8] {
        match self {
            Self::Aes => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01],
            Self::DesEde => &[0x2B, 0x0E, 0x03, 0x02, 0x11],
            Self::HmacSha256 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x09],
            Self::HmacSha384 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0A],
            Self::HmacSha512 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0B],
        }
    }

    fn named(name: &[u8]) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == name)
            .ok_or_else(|| {
                StoreError::Algorithm(format!(
                    "a secret key of {:?}",
                    String::from_utf8_lossy(name)
                ))
            })
    }

    fn takes(self, len: usize) -> bool {
        match self {
            Self::Aes => matches!(len, 16 | 24 | 32),
            Self::DesEde => matches!(len, 16 | 24),
            Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => (1..=64).contains(&len),
        }
    }

    /// The bytes as they are written.
    fn written(self, key: &Secret) -> Secret {
        match (self, key.expose()) {
            (Self::DesEde, double @ [first @ .., _, _, _, _, _, _, _, _]) if double.len() == 16 => {
                tlv::joined(&[double, first])
            }
            _ => key.duplicate(),
        }
    }
}

/// What an entry holds, opened.
pub enum Item {
    /// A private key and its certificates.
    Private {
        /// PKCS#8, DER.
        pkcs8: Secret,
        /// Certificates, DER, the key's own first.
        chain: Vec<Vec<u8>>,
    },
    /// A secret key.
    Secret {
        /// For what.
        algorithm: SecretAlgorithm,
        /// Its bytes.
        key: Secret,
    },
    /// A certificate that is trusted.
    Trusted {
        /// DER.
        certificate: Vec<u8>,
    },
}

/// An entry that is to be written.
pub struct Entry {
    /// Its name: printable ASCII. Java reads names in lower case, so JKS and
    /// JCEKS have them so.
    pub alias: String,
    /// What it holds.
    pub item: Item,
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A private key, with its certificates.
    Private,
    /// A secret key.
    Secret,
    /// A certificate.
    Trusted,
}

impl EntryKind {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Private => "private key",
            Self::Secret => "secret key",
            Self::Trusted => "certificate",
        }
    }
}

/// An entry of a store that was read. What is secret of it is still closed.
pub struct Sealed {
    /// Its name; empty where PKCS#12 gives none.
    pub alias: String,
    /// What it is.
    pub kind: EntryKind,
    /// When it was made, in milliseconds since 1970, where the store says it.
    pub created_ms: Option<u64>,
    /// Its certificates, DER, the key's own first.
    pub certificates: Vec<Vec<u8>>,
    closed: Closed,
}

/// How what is secret lies in the store.
enum Closed {
    /// Nothing is.
    Nothing,
    /// A PKCS#12 bag with a key in the clear, below the store's encryption.
    Clear(Secret),
    /// PKCS#8 under a scheme: a private key, or Java's form of a secret one.
    Pkcs8(pbe::Scheme, Vec<u8>),
    /// JKS's own protection.
    Jks(Vec<u8>),
    /// Java's sealed object.
    Object(java_object::SealedObject),
}

impl Sealed {
    /// Opens it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn open(&self, passphrase: &Secret) -> Result<Item, StoreError> {
        check_passphrase(passphrase)?;
        let pkcs8 = match &self.closed {
            Closed::Nothing => {
                let certificate = self.certificates.first().cloned();
                return certificate
                    .map(|certificate| Item::Trusted { certificate })
                    .ok_or(StoreError::Format("an entry holds nothing"));
            }
            Closed::Object(object) => {
                let (algorithm, key) = object.open(passphrase)?;
                return Ok(Item::Secret { algorithm, key });
            }
            Closed::Clear(pkcs8) => pkcs8.duplicate(),
            Closed::Pkcs8(scheme, encrypted) => scheme.decrypt(passphrase, encrypted)?,
            Closed::Jks(protected) => java_protect::open(passphrase, protected)?,
        };
        if self.kind == EntryKind::Secret {
            let (algorithm, key) = pkcs12::secret_key(&pkcs8)?;
            return Ok(Item::Secret { algorithm, key });
        }
        pkcs12::check_pkcs8(&pkcs8)?;
        Ok(Item::Private {
            pkcs8,
            chain: self.certificates.clone(),
        })
    }
}

/// A store that was read, its integrity checked with the passphrase.
pub struct Store {
    /// `PKCS#12`, `JKS` or `JCEKS`.
    pub format: &'static str,
    /// Its entries, as they lie.
    pub entries: Vec<Sealed>,
}

impl Store {
    /// Reads a store of any of the three formats and checks its integrity.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn read(bytes: &[u8], passphrase: &Secret) -> Result<Self, StoreError> {
        check_passphrase(passphrase)?;
        if bytes.len() > STORE_MOST {
            return Err(StoreError::Limit("it is longer than 1 MiB"));
        }
        match bytes.first() {
            Some(0xFE | 0xCE) => java::read(bytes, passphrase),
            _ => pkcs12::read(bytes, passphrase),
        }
    }

    /// The entry of this name; Java's stores know no upper case.
    #[must_use]
    pub fn entry(&self, alias: &str) -> Option<&Sealed> {
        let mut found = self
            .entries
            .iter()
            .filter(|entry| entry.alias.eq_ignore_ascii_case(alias));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Writes a store. `now_ms` is the time that Java's stores keep with an entry.
///
/// # Errors
/// [`StoreError`]
pub fn write(
    kind: Kind,
    entries: &[Entry],
    passphrase: &Secret,
    now_ms: u64,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, StoreError> {
    check_passphrase(passphrase)?;
    check_entries(kind, entries)?;
    let bytes = match kind {
        Kind::Pkcs12 | Kind::Pkcs12Legacy => {
            pkcs12_write::write(kind == Kind::Pkcs12, entries, passphrase, random)
        }
        Kind::Jks => java_write::write(false, entries, passphrase, now_ms, random),
        Kind::Jceks => java_write::write(true, entries, passphrase, now_ms, random),
    }?;
    if bytes.len() > STORE_MOST {
        return Err(StoreError::Limit("it would be longer than 1 MiB"));
    }
    Ok(bytes)
}

fn check_passphrase(passphrase: &Secret) -> Result<(), StoreError> {
    let printable = |byte: &u8| (b' '..=b'~').contains(byte);
    if (1..=PASSPHRASE_MOST).contains(&passphrase.len())
        && passphrase.expose().iter().all(printable)
    {
        Ok(())
    } else {
        Err(StoreError::PassphraseForm)
    }
}

fn check_entries(kind: Kind, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() || entries.len() > ENTRIES_MOST {
        return Err(StoreError::Limit("a store has 1 to 512 entries"));
    }
    let mut aliases = std::collections::BTreeSet::new();
    for entry in entries {
        let alias = &entry.alias;
        let plain = (1..=ALIAS_MOST).contains(&alias.len())
            && alias.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !aliases.insert(alias.to_ascii_lowercase()) {
            return Err(StoreError::Alias(alias.clone()));
        }
        let fits = match &entry.item {
            Item::Private { pkcs8, chain } => {
                pkcs12::check_pkcs8(pkcs8).is_ok() && (1..=CHAIN_MOST).contains(&chain.len())
            }
            Item::Secret { algorithm, key } => {
                kind.holds_secret_keys() && algorithm.takes(key.len())
            }
            Item::Trusted { .. } => true,
        };
        if !fits {
            return Err(StoreError::Entry(alias.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
