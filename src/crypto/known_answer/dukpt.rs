//! Keys of one transaction.

use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::pin::block::encipher;
use crate::primitive::dukpt::{
    AesKind, AesUse, TdesUse, aes_derivation_key, aes_initial_key, aes_working_key,
    tdes_initial_key, tdes_transaction_key, tdes_working_key,
};
use crate::primitive::mac::{Padding, algorithm3};
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "tdes_ipek" | "tdes_initial_key" => ipek(inputs),
        "tdes_transaction" | "tdes_keys" => tdes(inputs),
        "aes_initial_key" => initial(inputs),
        "aes_transaction" | "aes_keys" => aes(inputs),
        "aes_update_key" => update(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

fn ipek(inputs: &Inputs<'_>) -> Answer {
    let (base, ksn) = (inputs.bytes("bdk")?, inputs.bytes("ksn")?);
    let key = tdes_initial_key(&base, ksn.expose()).map_err(refused)?;
    Ok(["ipek", "initial_key", "ik"]
        .into_iter()
        .map(|name| (name, Output::hex(key.expose())))
        .collect())
}

/// All keys of a transaction, under the names that vectors give them.
fn tdes(inputs: &Inputs<'_>) -> Answer {
    let ksn = inputs.bytes("ksn")?;
    let first = match inputs.optional("bdk") {
        Some(_) => tdes_initial_key(&inputs.bytes("bdk")?, ksn.expose()).map_err(refused)?,
        None => inputs.bytes("ipek")?,
    };
    let key = tdes_transaction_key(&first, ksn.expose()).map_err(refused)?;
    let of = |purpose| tdes_working_key(&key, purpose).map_err(refused);
    let pin = of(TdesUse::Pin)?;
    let (request, response) = (of(TdesUse::MacRequest)?, of(TdesUse::MacResponse)?);
    let (data, answer) = (of(TdesUse::DataRequest)?, of(TdesUse::DataResponse)?);
    let named: [(&[&str], &Secret); 7] = [
        (&["ipek", "initial_key"], &first),
        (&["derived_key", "transaction_key"], &key),
        (&["pin_key"], &pin),
        (&["mac_key", "mac_request_key", "mac_key_request"], &request),
        (&["mac_response_key", "mac_key_response"], &response),
        (&["data_key", "data_request_key", "data_key_request"], &data),
        (&["data_response_key", "data_key_response"], &answer),
    ];
    let mut outputs = Vec::new();
    for (names, key) in named {
        for name in names {
            outputs.push((*name, Output::hex(key.expose())));
        }
    }
    if inputs.optional("clear_pin_block").is_some() {
        let block = encipher(&pin, &inputs.bytes("clear_pin_block")?).map_err(refused)?;
        outputs.push(("enciphered_pin_block", Output::hex(&block)));
    }
    if inputs.optional("mac_data").is_some() {
        let message = inputs.bytes("mac_data")?;
        for (name, key) in [("mac_request", &request), ("mac_response", &response)] {
            let mac = algorithm3(key.expose(), message.expose(), Padding::Zeros);
            let mac = mac.map_err(refused)?.expose().to_vec();
            outputs.push((name, Output::Leftmost(mac)));
        }
    }
    Ok(outputs)
}

fn initial(inputs: &Inputs<'_>) -> Answer {
    let (base, id) = (inputs.bytes("bdk")?, inputs.bytes("initial_key_id")?);
    let key = aes_initial_key(&base, id.expose()).map_err(refused)?;
    Ok(vec![("initial_key", Output::hex(key.expose()))])
}

fn counter(inputs: &Inputs<'_>) -> Result<u32, NoAnswer> {
    let bytes = inputs.bytes("counter")?;
    <[u8; 4]>::try_from(bytes.expose())
        .map(u32::from_be_bytes)
        .map_err(|_| refused("a counter has 4 bytes"))
}

/// Names of working keys: use, then kind.
const WORKING: [(AesUse, [&str; 5]); 8] = {
    use AesUse::*;
    macro_rules! kinds {
        ($use:literal) => {
            [
                concat!($use, "_tdes2"),
                concat!($use, "_tdes3"),
                concat!($use, "_aes128"),
                concat!($use, "_aes192"),
                concat!($use, "_aes256"),
            ]
        };
    }
    [
        (Pin, kinds!("pin_key")),
        (MacGeneration, kinds!("mac_generation_key")),
        (MacVerification, kinds!("mac_verification_key")),
        (MacBoth, kinds!("mac_both_key")),
        (DataEncryption, kinds!("data_encryption_key")),
        (DataDecryption, kinds!("data_decryption_key")),
        (DataBoth, kinds!("data_both_key")),
        (KeyEncryption, kinds!("key_encryption_key")),
    ]
};
const KINDS: [AesKind; 5] = [
    AesKind::Tdes2,
    AesKind::Tdes3,
    AesKind::Aes128,
    AesKind::Aes192,
    AesKind::Aes256,
];

fn aes(inputs: &Inputs<'_>) -> Answer {
    let (id, counter) = (inputs.bytes("initial_key_id")?, counter(inputs)?);
    let first = match inputs.optional("bdk") {
        Some(_) => aes_initial_key(&inputs.bytes("bdk")?, id.expose()).map_err(refused)?,
        None => inputs.bytes("initial_key")?,
    };
    let key = aes_derivation_key(&first, id.expose(), counter).map_err(refused)?;
    let mut outputs = vec![
        ("initial_key", Output::hex(first.expose())),
        ("derivation_key", Output::hex(key.expose())),
    ];
    for (purpose, names) in WORKING {
        for (name, kind) in names.into_iter().zip(KINDS) {
            // Published examples have keys that are longer than their source
            // nowhere; such a key is not made.
            if let Ok(working) = aes_working_key(&key, id.expose(), counter, purpose, kind) {
                outputs.push((name, Output::hex(working.expose())));
            }
        }
    }
    Ok(outputs)
}

fn update(inputs: &Inputs<'_>) -> Answer {
    let (first, id) = (
        inputs.bytes("initial_key")?,
        inputs.bytes("initial_key_id")?,
    );
    let counter = match inputs.optional("counter") {
        Some(_) => counter(inputs)?,
        None => u32::MAX,
    };
    if counter != u32::MAX {
        return Err(refused("an initial key is updated with counter FFFFFFFF"));
    }
    let kind = match inputs.optional("key_type").map(Value::as_text) {
        None => AesKind::of_len(first.len()),
        Some(Some("AES128")) => Some(AesKind::Aes128),
        Some(Some("AES192")) => Some(AesKind::Aes192),
        Some(Some("AES256")) => Some(AesKind::Aes256),
        Some(_) => None,
    };
    let kind = kind.ok_or_else(|| refused("no such key type"))?;
    let key = aes_derivation_key(&first, id.expose(), counter).map_err(refused)?;
    let key = aes_working_key(&key, id.expose(), counter, AesUse::KeyEncryption, kind);
    let key = key.map_err(refused)?;
    Ok(vec![("update_key", Output::hex(key.expose()))])
}
