//! What the station knows a value again by: a mark of each symmetric key's value,
//! and of each part that was printed or typed, whatever label it came under.
//!
//! ```text
//! HMAC-SHA-256(K, CBOR["conclave/value-mark/1", "key" or "part", value])
//! ```
//!
//! Its first 16 bytes are the id of a record of the keys compartment, so that one
//! look finds a value among a million. K is random, a record beside them: without
//! both quorums nobody can try values against a mark. It stays when a key is
//! destroyed and when an entry comes to nothing: what was known, and who held it, is
//! not forgotten with the value.

use conclave_crypto::primitive::des_keys;
use conclave_crypto::secret::Secret;
use conclave_evidence::{Id, cbor};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::{Compartment, KeysOf, VaultError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::commitment;

/// The kind of K, and its id.
const SECRET_KIND: &str = "value-mark-key";
const SECRET_ID: Id = Id(*b"value-mark-key-1");
/// The kind of a key's mark.
const KEY_KIND: &str = "key-mark";

/// Of what a mark is.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// A key's value.
    Key,
    /// A component or a share.
    Part,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Part => "part",
        }
    }
}

/// The keys that have a value, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
struct KeyMark {
    keys: Vec<Id>,
}

/// K, made with this act where there is none yet.
pub(super) fn secret(permit: &mut Permit<'_>) -> Result<Secret, ActionError> {
    commitment::secret_at(permit, SECRET_KIND, SECRET_ID)
}

/// The id of a value's mark.
///
/// Parity is no part of a DES key, and K1 K2 K1 is the double-length key K1 K2.
pub(super) fn id_of(
    under: &Secret,
    of: Of,
    form: KeyForm,
    value: &Secret,
) -> Result<Id, ActionError> {
    let context = cbor::to_vec(&("conclave/value-mark/1", of.name()))
        .map_err(|_| VaultError::Malformed("mark"))?;
    let value = plain(form, value);
    let tag = commitment::tag(under, &context, &value)?;
    let id = tag.0.first_chunk().ok_or(VaultError::Malformed("mark"))?;
    Ok(Id(*id))
}

fn plain(form: KeyForm, value: &Secret) -> Secret {
    let mut value = value.duplicate();
    if !form.is_tdes() {
        return value;
    }
    des_keys::set_odd_parity(value.expose_mut());
    let thirds = value.part(0..8).zip(value.part(16..24));
    match thirds {
        Some((first, third)) if value.len() == 24 && first.ct_eq(third.expose()) => {
            value.part(0..16).unwrap_or(value)
        }
        _ => value,
    }
}

/// A record of the keys compartment, empty where there is none.
pub(super) fn on_record<T: DeserializeOwned + Default>(
    permit: &Permit<'_>,
    id: Id,
) -> Result<T, ActionError> {
    match permit.get(Compartment::Keys, id) {
        Err(VaultError::Missing(_)) => Ok(T::default()),
        found => Ok(found?),
    }
}

/// A key's record; none of one that never was, or came to nothing.
pub(super) fn live(permit: &Permit<'_>, key: Id) -> Result<Option<KeyRecord>, ActionError> {
    match permit.get::<KeyRecord>(Compartment::Catalogue, key) {
        Ok(record) => Ok(Some(record).filter(|key| key.state != KeyState::Void)),
        Err(VaultError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether two stored keys have one value.
fn same(permit: &mut Permit<'_>, one: &StoredKey, other: &StoredKey) -> Result<bool, ActionError> {
    let mut same = false;
    let (provider, mark, _) = permit.provider();
    provider.open(&mark, &[one, other], &mut |values| {
        if let [a, b] = values {
            same = plain(one.form, a).ct_eq(plain(other.form, b).expose());
        }
    })?;
    Ok(same)
}

/// Keys of the station that have the value of this new one. Those that were made
/// before there were marks are found by their check value, and compared themselves.
fn holders(
    permit: &mut Permit<'_>,
    new: (&StoredKey, &KeyRecord),
    marked: &[Id],
) -> Result<Vec<KeyRecord>, ActionError> {
    let (stored, record) = new;
    let mut found = Vec::new();
    for key in marked.iter().filter(|key| **key != record.id) {
        found.extend(live(permit, *key)?);
    }
    for (id, key) in permit.keys_of(KeysOf::CheckValue(&record.kcv))? {
        let other = id != record.id && key.form == record.form && key.state != KeyState::Void;
        if !other || found.iter().any(|k| k.id == id) {
            continue;
        }
        match permit.get::<StoredKey>(Compartment::Keys, id) {
            Ok(value) if same(permit, stored, &value)? => found.push(key),
            // Destroyed before there were marks: nothing is left to compare.
            Ok(_) | Err(VaultError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Puts the value of a new symmetric key on record. One that a key of the station has,
/// or had until it was destroyed, is refused, unless an exception was signed (R20).
///
/// # Errors
/// [`ActionError`]
pub(crate) fn take_value(
    permit: &mut Permit<'_>,
    new: (&StoredKey, &KeyRecord),
    exception: Option<&str>,
) -> Result<(), ActionError> {
    let (stored, record) = new;
    let id = mark_of(permit, stored)?;
    let marked: KeyMark = on_record(permit, id)?;
    let holders = holders(permit, new, &marked.keys)?;
    if let (Some(there), None) = (holders.first(), exception) {
        return Err(known(&record.label, there));
    }
    let mut keys: Vec<Id> = holders.iter().map(|key| key.id).collect();
    keys.push(record.id);
    permit.put(Compartment::Keys, KEY_KIND, id, &KeyMark { keys })?;
    Ok(())
}

/// A key's value is about to be erased: it gets its mark now, where it was made before
/// there were marks.
///
/// # Errors
/// [`ActionError`]
pub(crate) fn keep_mark(permit: &mut Permit<'_>, stored: &StoredKey) -> Result<(), ActionError> {
    if stored.form == KeyForm::Rsa {
        return Ok(());
    }
    let id = mark_of(permit, stored)?;
    let mut mark: KeyMark = on_record(permit, id)?;
    if mark.keys.contains(&stored.key) {
        return Ok(());
    }
    mark.keys.push(stored.key);
    Ok(permit.put(Compartment::Keys, KEY_KIND, id, &mark)?)
}

fn mark_of(permit: &mut Permit<'_>, stored: &StoredKey) -> Result<Id, ActionError> {
    let under = secret(permit)?;
    let mut made = None;
    let (provider, mark, _) = permit.provider();
    provider.open(&mark, &[stored], &mut |values| {
        if let [value] = values {
            made = Some(id_of(&under, Of::Key, stored.form, value));
        }
    })?;
    made.ok_or(VaultError::Malformed("mark"))?
}

fn known(label: &str, there: &KeyRecord) -> ActionError {
    let state = match there.state {
        KeyState::Destroyed => ", which is destroyed",
        _ => "",
    };
    ActionError::rule(
        format!(
            "the value of {label} is that of {}{state}: a value has one label and one purpose (R20)",
            there.label
        ),
        "Use the key that is here, or ask the partner for a fresh one. If it has to come in once \
         more, begin again and say why under «Known value».",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_crypto::primitive::derive::hmac;

    #[test]
    fn a_mark_is_what_the_page_says() {
        let under = Secret::from_fn(32, |b| b.fill(7));
        for (of, name) in [(Of::Key, "key"), (Of::Part, "part")] {
            let value = Secret::from_fn(32, |b| b.fill(0xA5));
            let made = id_of(&under, of, KeyForm::Aes256, &value).unwrap();
            let bytes = conclave_evidence::Bytes(vec![0xA5; 32]);
            let page = cbor::to_vec(&("conclave/value-mark/1", name, bytes)).unwrap();
            assert_eq!(made.0, hmac(under.expose(), &[&page]).expose()[..16]);
        }
    }

    #[test]
    fn des_keys_are_one_whatever_their_parity_and_their_length() {
        let under = Secret::from_fn(32, |b| b.fill(7));
        let of = |form, bytes: &[u8]| {
            let value = Secret::take(&mut bytes.to_vec());
            id_of(&under, Of::Key, form, &value).unwrap()
        };
        let double: Vec<u8> = (0..16).map(|n| n * 16 + 1).collect();
        let even: Vec<u8> = double.iter().map(|b| b ^ 1).collect();
        let triple = [double.as_slice(), &double[..8]].concat();
        let mark = of(KeyForm::Tdes2, &double);
        assert_eq!(of(KeyForm::Tdes2, &even), mark);
        assert_eq!(of(KeyForm::Tdes3, &triple), mark);
        assert_ne!(of(KeyForm::Aes128, &even), of(KeyForm::Aes128, &double));
    }
}
