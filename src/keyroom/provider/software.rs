//! The software provider: keys in locked memory of this computer.
//!
//! It is no HSM: whoever runs code as root during an open session can read
//! what is open. The screen says so.

use std::collections::BTreeMap;

use conclave_crypto::primitive::components::ComponentError;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::primitive::rsa::{self, RsaError};
use conclave_crypto::primitive::{components, des_keys, rsa_prime, seal, shamir};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::{Id, cbor};

use super::{Class, Generated, Identity, Provider, ProviderError, StoredKey, Unfit, kind_of};
use crate::domain::Permission;
use crate::domain::form::KeyForm;

/// Keys of this computer's memory.
#[derive(Default)]
pub struct SoftwareProvider {
    parent: Option<Secret>,
    waiting: BTreeMap<(Id, u8), Secret>,
}

/// How often a weak or unusable key is drawn again before the random source is
/// called faulty. One try in 2^50 is weak.
const TRIES: usize = 8;

impl SoftwareProvider {
    fn parent(&self) -> Result<&Secret, ProviderError> {
        self.parent.as_ref().ok_or(ProviderError::Locked)
    }

    fn store(
        &self,
        key: Id,
        form: KeyForm,
        clear: &Secret,
        random: &mut dyn RandomSource,
    ) -> Result<StoredKey, ProviderError> {
        store_under(self.parent()?, key, form, clear, random)
    }

    /// What the shares that wait under this ceremony make.
    fn put_together(&self, ceremony: Id, places: &[u8]) -> Result<Secret, ProviderError> {
        self.join(ceremony, places, places)
    }

    /// The shares that wait at `places`, taken as those of `numbers`.
    fn join(&self, ceremony: Id, places: &[u8], numbers: &[u8]) -> Result<Secret, ProviderError> {
        let shares = places
            .iter()
            .zip(numbers)
            .map(|(place, x)| {
                let bytes = self.waiting.get(&(ceremony, *place))?.duplicate();
                Some(shamir::Share { x: *x, bytes })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(ProviderError::Gone)?;
        let m = u8::try_from(shares.len()).map_err(|_| ProviderError::Count)?;
        shamir::put_together(&shares.iter().collect::<Vec<_>>(), m)
            .map_err(|_| ProviderError::Crypto)
    }

    fn clear(&self, stored: &StoredKey) -> Result<Secret, ProviderError> {
        let (salt, sealed) = stored
            .blob
            .split_at_checked(32)
            .ok_or(ProviderError::Forged)?;
        let salt: [u8; 32] = salt.try_into().map_err(|_| ProviderError::Forged)?;
        let context = context(stored.key, stored.form)?;
        let clear = seal::open(self.parent()?, &salt, &context, &context, sealed)
            .map_err(|_| ProviderError::Forged)?;
        if stored.form != KeyForm::Rsa && clear.len() != stored.form.bytes() {
            return Err(ProviderError::Forged);
        }
        Ok(clear)
    }
}

/// A key has at most this many parts (R2).
const MOST_PARTS: u8 = 9;

fn store_under(
    parent: &Secret,
    key: Id,
    form: KeyForm,
    clear: &Secret,
    random: &mut dyn RandomSource,
) -> Result<StoredKey, ProviderError> {
    let mut salt = [0u8; 32];
    random
        .public(&mut salt)
        .map_err(|_| ProviderError::Random)?;
    let context = context(key, form)?;
    let sealed = seal::seal(parent, &salt, &context, &context, clear.expose())
        .map_err(|_| ProviderError::Crypto)?;
    Ok(StoredKey {
        key,
        form,
        blob: [salt.as_slice(), &sealed].concat(),
    })
}

fn context(key: Id, form: KeyForm) -> Result<Vec<u8>, ProviderError> {
    cbor::to_vec(&("conclave/software-key/1", key, form)).map_err(|_| ProviderError::Crypto)
}

fn proceed(permit: &dyn Permission) -> Result<(), ProviderError> {
    if permit.may_continue() {
        Ok(())
    } else {
        Err(ProviderError::Stopped)
    }
}

/// One prime of a pair, from which the pair was made again.
fn prime_that_makes(
    private: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Secret, ProviderError> {
    let public = rsa::public_of(private).map_err(rsa_error)?;
    let prime = rsa_prime::prime_of(private).map_err(rsa_error)?;
    rsa_prime::from_prime(&public, &prime, random).map_err(rsa_error)?;
    Ok(prime)
}

fn rsa_error(error: RsaError) -> ProviderError {
    match error {
        RsaError::Random => ProviderError::Random,
        _ => ProviderError::Crypto,
    }
}

/// The check value of a key of this form (R7): ENC-ZERO for TDES, CMAC for
/// AES, SHA2VP1 for HMAC; of a prime of RSA or its component SHA-256.
fn check_value(form: KeyForm, clear: &Secret) -> Result<Kcv, ProviderError> {
    Kcv::compute(Method::usual(kind_of(form)), clear.expose()).map_err(|_| ProviderError::Crypto)
}

/// A fresh key of this form. A weak DES key is drawn again (R5).
fn draw(form: KeyForm, random: &mut dyn RandomSource) -> Result<Secret, ProviderError> {
    for _ in 0..TRIES {
        let mut clear = random
            .secret_bytes(form.bytes())
            .map_err(|_| ProviderError::Random)?;
        if !form.is_tdes() {
            return Ok(clear);
        }
        des_keys::set_odd_parity(clear.expose_mut());
        if des_keys::check(clear.expose()).is_ok() {
            return Ok(clear);
        }
    }
    Err(ProviderError::Random)
}

impl Provider for SoftwareProvider {
    fn identity(&self) -> Identity {
        Identity {
            name: "software".into(),
            class: Class::Software,
        }
    }

    fn unlock(&mut self, parent: Secret) {
        self.parent = Some(parent);
    }

    fn lock(&mut self) {
        self.parent = None;
        self.waiting.clear();
    }

    fn generate(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError> {
        proceed(permit)?;
        let clear = draw(form, random)?;
        Ok(Generated {
            stored: self.store(key, form, &clear, random)?,
            kcv: check_value(form, &clear)?,
        })
    }

    fn generate_in_components(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        count: u8,
        random: &mut dyn RandomSource,
    ) -> Result<(Generated, Vec<Kcv>), ProviderError> {
        proceed(permit)?;
        if !(2..=9).contains(&count) {
            return Err(ProviderError::Count);
        }
        let clear = draw(form, random)?;
        let parts = components::split(kind_of(form), &clear, usize::from(count), random)
            .map_err(|_| ProviderError::Random)?;
        let generated = Generated {
            stored: self.store(key, form, &clear, random)?,
            kcv: check_value(form, &clear)?,
        };
        let mut checks = Vec::new();
        for (index, part) in (1u8..).zip(parts) {
            checks.push(check_value(form, &part)?);
            self.waiting.insert((key, index), part);
        }
        Ok((generated, checks))
    }

    fn split(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        set: Id,
        (count, quorum): (u8, Option<u8>),
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Kcv>, ProviderError> {
        proceed(permit)?;
        let least = quorum.unwrap_or(2);
        if !(2..=9).contains(&count) || !(2..=count).contains(&least) {
            return Err(ProviderError::Count);
        }
        let mut clear = self.clear(key)?;
        if key.form == KeyForm::Rsa {
            if quorum.is_some() {
                return Err(ProviderError::Crypto);
            }
            clear = prime_that_makes(&clear, random)?;
        }
        let parts: Vec<Secret> = match quorum {
            None => {
                let count = usize::from(count);
                components::split(kind_of(key.form), &clear, count, random)
                    .map_err(|_| ProviderError::Random)?
            }
            Some(m) => shamir::split(&clear, m, count, random)
                .map_err(|_| ProviderError::Random)?
                .into_iter()
                .map(|share| share.bytes)
                .collect(),
        };
        let checks = parts
            .iter()
            .map(|part| check_value(key.form, part))
            .collect::<Result<Vec<_>, _>>()?;
        for (index, part) in (1u8..).zip(parts) {
            self.waiting.insert((set, index), part);
        }
        Ok(checks)
    }

    fn generate_rsa(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        bits: usize,
        random: &mut dyn RandomSource,
    ) -> Result<(StoredKey, rsa::Public), ProviderError> {
        proceed(permit)?;
        let (private, public) = rsa::generate(bits, random).map_err(rsa_error)?;
        let stored = self.store(key, KeyForm::Rsa, &private, random)?;
        Ok((stored, public))
    }

    fn import_rsa(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        pkcs8: Secret,
        random: &mut dyn RandomSource,
    ) -> Result<(StoredKey, rsa::Public), ProviderError> {
        proceed(permit)?;
        let public = rsa::check_pair(&pkcs8, random).map_err(rsa_error)?;
        let stored = self.store(key, KeyForm::Rsa, &pkcs8, random)?;
        Ok((stored, public))
    }

    fn sign_rsa(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        message: &[u8],
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, ProviderError> {
        proceed(permit)?;
        if key.form != KeyForm::Rsa {
            return Err(ProviderError::Crypto);
        }
        let private = self.clear(key)?;
        rsa::sign(&private, message, random).map_err(rsa_error)
    }

    fn take_component(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        index: u8,
    ) -> Result<Secret, ProviderError> {
        proceed(permit)?;
        self.waiting
            .remove(&(key, index))
            .ok_or(ProviderError::Gone)
    }

    fn put_back_component(&mut self, _: &dyn Permission, key: Id, index: u8, value: Secret) {
        self.waiting.insert((key, index), value);
    }

    fn has_component(&self, key: Id, index: u8) -> bool {
        self.waiting.contains_key(&(key, index))
    }

    fn forget_components(&mut self, key: Id) {
        self.waiting.retain(|(k, _), _| *k != key);
    }

    fn forget_component(&mut self, id: Id, index: u8) {
        self.waiting.remove(&(id, index));
    }

    fn accept_component(
        &mut self,
        permit: &dyn Permission,
        ceremony: Id,
        index: u8,
        form: KeyForm,
        value: Secret,
    ) -> Result<Kcv, ProviderError> {
        proceed(permit)?;
        if value.len() != form.bytes() {
            return Err(ProviderError::Length(index));
        }
        components::check_one(kind_of(form), usize::from(index), &value)
            .map_err(|_| ProviderError::Zero(index))?;
        let same = self
            .waiting
            .iter()
            .filter(|((of, other), _)| *of == ceremony && *other != index)
            .find(|(_, held)| held.ct_eq(value.expose()));
        if let Some(((_, other), _)) = same {
            return Err(ProviderError::Same(index, *other));
        }
        let kcv = check_value(form, &value)?;
        self.waiting.insert((ceremony, index), value);
        Ok(kcv)
    }

    fn combine(
        &mut self,
        permit: &dyn Permission,
        (ceremony, count): (Id, u8),
        (key, form): (Id, KeyForm),
        claim: &Claim,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError> {
        proceed(permit)?;
        let parts = (1..=count)
            .map(|index| self.waiting.get(&(ceremony, index)))
            .collect::<Option<Vec<&Secret>>>()
            .ok_or(ProviderError::Gone)?;
        let clear = components::combine(kind_of(form), &parts).map_err(|e| match e {
            ComponentError::KeyZero => ProviderError::Unfit(Unfit::Zero),
            ComponentError::Key(why) => ProviderError::Unfit(Unfit::Des(why)),
            ComponentError::Count(_) => ProviderError::Count,
            _ => ProviderError::Crypto,
        })?;
        if !claim
            .is_of(clear.expose())
            .map_err(|_| ProviderError::Crypto)?
        {
            let fit = kcv_fit::explain(kind_of(form), &parts, claim);
            return Err(ProviderError::OtherKey { fit });
        }
        let made = Generated {
            stored: self.store(key, form, &clear, random)?,
            kcv: check_value(form, &clear)?,
        };
        self.forget_components(ceremony);
        Ok(made)
    }

    fn combine_shares(
        &mut self,
        permit: &dyn Permission,
        (ceremony, places): (Id, &[u8]),
        (key, form): (Id, KeyForm),
        claim: &Claim,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError> {
        proceed(permit)?;
        let mut clear = self.put_together(ceremony, places)?;
        if form.is_tdes() {
            des_keys::set_odd_parity(clear.expose_mut());
            des_keys::check(clear.expose()).map_err(|e| ProviderError::Unfit(Unfit::Des(e)))?;
        } else if clear.ct_eq(&vec![0; clear.len()]) {
            return Err(ProviderError::Unfit(Unfit::Zero));
        }
        if !claim
            .is_of(clear.expose())
            .map_err(|_| ProviderError::Crypto)?
        {
            let join = |numbers: &[u8]| self.join(ceremony, places, numbers).ok();
            let numbers = (places, MOST_PARTS);
            let fit = kcv_fit::explain_shares(kind_of(form), &clear, numbers, join, claim);
            return Err(ProviderError::OtherKey { fit });
        }
        let made = Generated {
            stored: self.store(key, form, &clear, random)?,
            kcv: check_value(form, &clear)?,
        };
        self.forget_components(ceremony);
        Ok(made)
    }

    fn shares_make(
        &mut self,
        permit: &dyn Permission,
        (ceremony, places): (Id, &[u8]),
        key: &StoredKey,
    ) -> Result<bool, ProviderError> {
        proceed(permit)?;
        let made = self.put_together(ceremony, places)?;
        let same = self.clear(key)?.ct_eq(made.expose());
        self.forget_components(ceremony);
        Ok(same)
    }

    fn store_imported(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        mut clear: Secret,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError> {
        proceed(permit)?;
        if clear.len() != form.bytes() {
            return Err(ProviderError::Crypto);
        }
        if form.is_tdes() {
            des_keys::set_odd_parity(clear.expose_mut());
            des_keys::check(clear.expose()).map_err(|e| ProviderError::Unfit(Unfit::Des(e)))?;
        } else if clear.ct_eq(&vec![0; clear.len()]) {
            return Err(ProviderError::Unfit(Unfit::Zero));
        }
        Ok(Generated {
            stored: self.store(key, form, &clear, random)?,
            kcv: check_value(form, &clear)?,
        })
    }

    fn open(
        &mut self,
        permit: &dyn Permission,
        keys: &[&StoredKey],
        operation: &mut dyn FnMut(&[&Secret]),
    ) -> Result<(), ProviderError> {
        proceed(permit)?;
        let clear = keys
            .iter()
            .map(|stored| self.clear(stored))
            .collect::<Result<Vec<_>, _>>()?;
        operation(&clear.iter().collect::<Vec<_>>());
        Ok(())
    }

    fn reseal(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        parent: &Secret,
        random: &mut dyn RandomSource,
    ) -> Result<StoredKey, ProviderError> {
        proceed(permit)?;
        let clear = self.clear(key)?;
        store_under(parent, key.key, key.form, &clear, random)
    }
}
