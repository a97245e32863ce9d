//! EMV: session keys, cryptograms, answers, scripts.

use super::checks::whole_check;
use super::cvv::card_key;
use super::inputs::{refused, unhex};
use super::mac::padding;
use super::pin::{des_key, number, pan, pin};
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::card::icc_key::{decimals, icc_key};
use crate::emv::cryptogram::{
    ScriptCipher, application_cryptogram, common_session_key, iso2_pin_block, response_1,
    response_2, tree_session_key, visa_pin_block, visa_script_key,
};
use crate::emv::profile::{CardKeys, Profile, Response, Transaction};
use crate::primitive::des_keys::set_odd_parity;
use crate::primitive::kcv::Method;
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "option_b_decimalize" => option_b(inputs),
        "common_session_key" => common(inputs),
        "emv2000_tree_session_key" => tree(inputs),
        "visa_sm_session_key" => visa_script(inputs),
        "arqc" | "ac" | "tc" | "aac" => arqc(inputs),
        "arqc_data" => arqc_data(inputs),
        "arqc_flow" => arqc_flow(inputs),
        "arpc_method1" => method_1(&des_key("key", inputs)?, inputs),
        "arpc_method2" => method_2(&des_key("key", inputs)?, inputs),
        "arpc_flow_method1" => method_1(&answer_key(inputs)?, inputs),
        "arpc_flow_method2" => method_2(&answer_key(inputs)?, inputs),
        "command_mac" => command_mac(inputs),
        "sm_encipher_visa" => pin_in_script(ScriptCipher::Visa, inputs),
        "sm_encipher_mastercard" => pin_in_script(ScriptCipher::Mastercard, inputs),
        "sm_encipher_emv" => pin_in_script(ScriptCipher::Emv, inputs),
        "sm_encrypt_command_data" => script_data(inputs),
        "cvn_visa10" => version(Profile::Visa10, inputs),
        "cvn_visa18" => version(Profile::Visa18, inputs),
        "cvn_visa22" => version(Profile::Visa22, inputs),
        "cvn_mc16" | "cvn_mc17" => version(Profile::MChip16, inputs),
        "cvn_mc20" | "cvn_mc21" => version(Profile::MChip20, inputs),
        "cvn_interac133" => version(Profile::Interac133, inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// A key, as it is or with its parity set: others print it either way.
fn session_key(key: &Secret, inputs: &Inputs<'_>) -> Answer {
    let kcv = whole_check(Method::TdesZero, key).map_err(refused)?;
    let mut odd = key.duplicate();
    set_odd_parity(odd.expose_mut());
    let expected = inputs.expected("session_key").and_then(Value::as_text);
    let text = |key: &Secret| super::value::hex(key.expose());
    let shown = match expected {
        Some(expected) if expected == text(&odd) => odd,
        _ => key.duplicate(),
    };
    Ok(vec![
        ("session_key", Output::hex(shown.expose())),
        ("kcv", Output::Leftmost(kcv)),
    ])
}

fn option_b(inputs: &Inputs<'_>) -> Answer {
    let digest = inputs.bytes("sha1")?;
    let digits = decimals(digest.expose()).ok_or_else(|| refused("fewer than 16 digits"))?;
    let y: String = digits.iter().map(|d| char::from(b'0' + d)).collect();
    Ok(vec![("y", Output::text(y))])
}

fn common(inputs: &Inputs<'_>) -> Answer {
    let data = inputs.bytes("diversification")?;
    let key = common_session_key(&des_key("icc_mk", inputs)?, data.expose()).map_err(refused)?;
    session_key(&key, inputs)
}

fn tree(inputs: &Inputs<'_>) -> Answer {
    let shape = |name| {
        let number = number(name, inputs)?;
        u32::try_from(number).map_err(|_| refused("no such tree"))
    };
    let usual = |name, usual| match inputs.optional(name) {
        Some(_) => shape(name),
        None => Ok(usual),
    };
    let shape = (usual("height", 8)?, usual("branch_factor", 4)?);
    let iv = match inputs.optional("iv") {
        Some(_) => inputs.bytes("iv")?,
        None => Secret::zeroed(16),
    };
    let (key, atc) = (des_key("icc_mk", inputs)?, inputs.bytes("atc")?);
    let key = tree_session_key(&key, atc.expose(), shape, iv.expose()).map_err(refused)?;
    session_key(&key, inputs)
}

fn visa_script(inputs: &Inputs<'_>) -> Answer {
    let atc = inputs.bytes("atc")?;
    let key = visa_script_key(&des_key("icc_mk", inputs)?, atc.expose()).map_err(refused)?;
    session_key(&key, inputs)
}

fn cryptogram_of(key: &Secret, inputs: &Inputs<'_>) -> Answer {
    let data = inputs.bytes("data")?;
    let mac = application_cryptogram(key, data.expose(), padding(inputs)?).map_err(refused)?;
    let names = ["arqc", "ac", "tc", "aac"];
    let whole = || Output::Leftmost(mac.expose().to_vec());
    Ok(names.into_iter().map(|name| (name, whole())).collect())
}

fn arqc(inputs: &Inputs<'_>) -> Answer {
    cryptogram_of(&des_key("session_key", inputs)?, inputs)
}

/// The key of a flow by the words of its method; `None` is the common one.
fn flow_key(method: Option<&str>, inputs: &Inputs<'_>) -> Result<Secret, NoAnswer> {
    let card = card_key(inputs)?;
    let atc = inputs.bytes("atc")?;
    let method = method.unwrap_or("EMV common").to_ascii_lowercase();
    if method.starts_with("none") || method.starts_with("icc master key") {
        return Ok(card);
    }
    let tail = if method.starts_with("mastercard") {
        [&[0; 2], inputs.bytes("un")?.expose()].concat()
    } else if method.contains("2000") || method.contains("tree") {
        let key = tree_session_key(&card, atc.expose(), (8, 4), &[0; 16]);
        return key.map_err(refused);
    } else if method.contains("common") || method.starts_with("ac session key") {
        vec![0; 6]
    } else {
        return Err(NoAnswer::Incomplete(format!(
            "no session method {method:?}"
        )));
    };
    common_session_key(&card, &[atc.expose(), &tail].concat()).map_err(refused)
}

fn arqc_flow(inputs: &Inputs<'_>) -> Answer {
    let method = inputs.optional("session_method").and_then(Value::as_text);
    cryptogram_of(&flow_key(method, inputs)?, inputs)
}

fn answer_key(inputs: &Inputs<'_>) -> Result<Secret, NoAnswer> {
    let which = inputs.optional("arpc_key").and_then(Value::as_text);
    let session = inputs.optional("session_method").and_then(Value::as_text);
    match which {
        Some(which) if which.starts_with("ICC master key") => flow_key(Some(which), inputs),
        _ => flow_key(session.or(which), inputs),
    }
}

fn method_1(key: &Secret, inputs: &Inputs<'_>) -> Answer {
    let (arqc, arc) = (inputs.bytes("arqc")?, inputs.bytes("arc")?);
    let answer = response_1(key, arqc.expose(), arc.expose()).map_err(refused)?;
    Ok(vec![("arpc", Output::hex(answer.expose()))])
}

fn method_2(key: &Secret, inputs: &Inputs<'_>) -> Answer {
    let (arqc, csu) = (inputs.bytes("arqc")?, inputs.bytes("csu")?);
    let rest = match inputs.optional("proprietary_auth_data") {
        Some(_) => inputs.bytes("proprietary_auth_data")?,
        None => Secret::zeroed(0),
    };
    let answer = response_2(key, arqc.expose(), csu.expose(), rest.expose()).map_err(refused)?;
    Ok(vec![("arpc", Output::hex(answer.expose()))])
}

fn command_mac(inputs: &Inputs<'_>) -> Answer {
    let key = des_key("session_key", inputs)?;
    let data = inputs.bytes("data")?;
    let mac = application_cryptogram(&key, data.expose(), padding(inputs)?).map_err(refused)?;
    Ok(vec![("mac", Output::Leftmost(mac.expose().to_vec()))])
}

/// `plain` is the PIN block, or that with what is put around it.
fn pin_in_script(cipher: ScriptCipher, inputs: &Inputs<'_>) -> Answer {
    let session = des_key("session_key", inputs)?;
    let new = pin(
        if inputs.optional("pin").is_some() {
            "pin"
        } else {
            "new_pin"
        },
        inputs,
    )?;
    let card = ["icc_mk_ac", "icc_mk", "mk_ac", "icc_mk_smc"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    let block = match (cipher, card) {
        (ScriptCipher::Visa, Some(name)) => {
            let present = match inputs.optional("current_pin") {
                Some(_) => Some(pin("current_pin", inputs)?),
                None => None,
            };
            visa_pin_block(&inputs.bytes(name)?, &new, present.as_ref())
        }
        _ => iso2_pin_block(&new),
    };
    let block = block.map_err(refused)?;
    let padded = cipher.padded(&block).map_err(refused)?;
    let enciphered = cipher.encrypt(&session, &block).map_err(refused)?;
    let expected = inputs
        .expected("plain")
        .and_then(Value::as_text)
        .unwrap_or_default();
    let plain = match expected.len() > 16 {
        true => Output::hex(padded.expose()),
        false => Output::hex(block.expose()),
    };
    Ok(vec![
        ("plain", plain),
        ("pin_block", Output::hex(block.expose())),
        ("enciphered", Output::hex(&enciphered)),
    ])
}

fn script_data(inputs: &Inputs<'_>) -> Answer {
    let cipher = match inputs.text("type")? {
        "VISA" => ScriptCipher::Visa,
        "MASTERCARD" => ScriptCipher::Mastercard,
        "EMV" => ScriptCipher::Emv,
        other => return Err(refused(format!("no type {other:?}"))),
    };
    let data = inputs.bytes("data")?;
    let enciphered = cipher
        .encrypt(&des_key("session_key", inputs)?, &data)
        .map_err(refused)?;
    Ok(vec![("enciphered", Output::hex(&enciphered))])
}

const BASE: [&str; 10] = [
    "9f02", "9f03", "9f1a", "95", "5f2a", "9a", "9c", "9f37", "82", "9f36",
];

/// The data of a cryptogram out of tags: of the issuer's data (9F10) each
/// profile takes another part.
fn arqc_data(inputs: &Inputs<'_>) -> Answer {
    let mut data = Vec::new();
    for tag in BASE {
        data.extend_from_slice(inputs.bytes(&tag.to_ascii_uppercase())?.expose());
    }
    let issuer = inputs.bytes("9F10")?;
    let part = match inputs.text("cvn")? {
        "10" => issuer.expose().get(3..7),
        "18" | "22" => Some(issuer.expose()),
        "16" | "20" => issuer.expose().get(2..8),
        "17" | "21" => {
            data.extend_from_slice(issuer.expose().get(2..8).unwrap_or_default());
            issuer.expose().get(10..18)
        }
        other => return Err(refused(format!("no profile {other:?}"))),
    };
    data.extend_from_slice(part.ok_or_else(|| refused("9F10 is too short"))?);
    Ok(vec![("data", Output::hex(&data))])
}

/// All that a profile does, from the issuer's keys on.
fn version(profile: Profile, inputs: &Inputs<'_>) -> Answer {
    let sequence = match inputs.optional("psn") {
        Some(_) => inputs.text("psn")?,
        None => "00",
    };
    let pan = pan(inputs)?;
    let card = |name| {
        let master = des_key(name, inputs)?;
        icc_key(profile.diversification(), &master, &pan, sequence).map_err(refused)
    };
    let keys = CardKeys {
        cryptogram: card("iss_mk_ac")?,
        integrity: card("iss_mk_smi")?,
        confidentiality: card("iss_mk_smc")?,
    };
    let mut data = Vec::new();
    for tag in BASE {
        data.extend_from_slice(inputs.bytes(&format!("tag_{tag}"))?.expose());
    }
    let issuer = ["cvr", "tag_9f10"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    data.extend_from_slice(inputs.bytes(issuer.unwrap_or("cvr"))?.expose());
    if inputs.optional("counters").is_some() {
        data.extend_from_slice(inputs.bytes("counters")?.expose());
    }
    let (counter, un) = (inputs.bytes("tag_9f36")?, inputs.bytes("tag_9f37")?);
    let before = Transaction {
        counter: counter.expose(),
        unpredictable: un.expose(),
        cryptogram: &[],
    };
    let arqc = profile.cryptogram(&keys, &before, &data).map_err(refused)?;
    let at = Transaction {
        cryptogram: arqc.expose(),
        ..before
    };
    let mut outputs = vec![("arqc", Output::hex(arqc.expose()))];
    if let Some(answer) = inputs.optional("arpc_inputs") {
        let field = |name: &str| answer.get(name).and_then(Value::as_text);
        let bytes = |name: &str| unhex(name, field(name).unwrap_or_default());
        let (code, update) = (bytes("arpc_rc")?, bytes("csu")?);
        let rest = bytes("proprietary_auth_data")?;
        let response = match field("arpc_rc") {
            Some(_) => Response::Code(code.expose()),
            None => Response::Update(update.expose(), rest.expose()),
        };
        let arpc = profile.response(&keys, &at, &response).map_err(refused)?;
        outputs.push(("arpc", Output::hex(arpc.expose())));
    }
    if inputs.optional("command_header_for_mac").is_some() {
        let header = inputs.bytes("command_header_for_mac")?;
        let mac = profile
            .command_mac(&keys, &at, header.expose(), &[])
            .map_err(refused)?;
        outputs.push(("command_mac", Output::Leftmost(mac.expose().to_vec())));
    }
    if inputs.optional("new_pin").is_some() {
        let new = pin("new_pin", inputs)?;
        let change = profile
            .pin_change(&keys, &at, &new, None)
            .map_err(refused)?;
        outputs.extend(change.map(|command| ("pin_change", Output::hex(&command))));
        if inputs.optional("current_pin").is_some() {
            let present = pin("current_pin", inputs)?;
            let change = profile
                .pin_change(&keys, &at, &new, Some(&present))
                .map_err(refused)?;
            outputs
                .extend(change.map(|command| ("pin_change_with_current", Output::hex(&command))));
        }
    }
    Ok(outputs)
}
