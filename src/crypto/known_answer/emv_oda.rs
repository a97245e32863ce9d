//! EMV: certificates and signatures of offline data authentication.

use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output};
use crate::emv::oda::{
    Kind, PublicKey, Request, certify, combined, recover, recover_dynamic, recover_static,
    sign_dynamic, sign_static, transaction_hash,
};
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "issuer_pk_certificate" | "issuer_pk_certificate_recover" => issuer(inputs),
        "icc_pk_certificate" | "icc_pk_certificate_recover" => card(inputs),
        "ssad" | "ssad_recover" => fixed(inputs),
        "sdad" | "sdad_dda" => dynamic(false, inputs),
        "sdad_cda" => dynamic(true, inputs),
        "oda_chain" => chain(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// An input that may be absent.
fn maybe(name: &str, inputs: &Inputs<'_>) -> Result<Option<Secret>, NoAnswer> {
    match inputs.optional(name) {
        Some(_) => inputs.bytes(name).map(Some),
        None => Ok(None),
    }
}

/// Static data are compared where a vector has them. Where a refusal is wanted
/// and there are none, the empty string stands for them.
fn data(inputs: &Inputs<'_>) -> Result<Option<Secret>, NoAnswer> {
    let given = maybe("static_data", inputs)?;
    Ok(given.or_else(|| inputs.must_fail().then(|| Secret::zeroed(0))))
}

fn digits(bytes: &[u8]) -> String {
    super::value::hex(bytes)
}

fn issuer(inputs: &Inputs<'_>) -> Answer {
    let (modulus, exponent) = (inputs.bytes("ca_modulus")?, inputs.bytes("ca_exponent")?);
    let signer = PublicKey {
        modulus: modulus.expose(),
        exponent: exponent.expose(),
    };
    let certificate = inputs.bytes("certificate")?;
    let remainder = maybe("remainder", inputs)?.unwrap_or_else(|| Secret::zeroed(0));
    let own = inputs.bytes("issuer_exponent")?;
    let found = recover(
        Kind::Issuer,
        signer,
        certificate.expose(),
        remainder.expose(),
        own.expose(),
        Some(&[]),
    )
    .map_err(refused)?;
    let identifier = digits(&found.subject);
    if inputs.optional("pan").is_some() {
        let leading = identifier.trim_end_matches('F');
        if !(3..=8).contains(&leading.len()) || !inputs.text("pan")?.starts_with(leading) {
            return Err(refused("of another issuer"));
        }
    }
    Ok(vec![
        ("issuer_modulus", Output::hex(&found.modulus)),
        ("issuer_id", Output::text(identifier)),
        ("expiry_mmyy", Output::text(digits(&found.expiry))),
        ("serial", Output::hex(&found.serial)),
        ("hash", Output::hex(&found.hash)),
    ])
}

fn card(inputs: &Inputs<'_>) -> Answer {
    let (modulus, exponent) = (
        inputs.bytes("issuer_modulus")?,
        inputs.bytes("issuer_exponent")?,
    );
    let signer = PublicKey {
        modulus: modulus.expose(),
        exponent: exponent.expose(),
    };
    let certificate = inputs.bytes("certificate")?;
    let remainder = maybe("remainder", inputs)?.unwrap_or_else(|| Secret::zeroed(0));
    let (own, data) = (inputs.bytes("icc_exponent")?, data(inputs)?);
    let found = recover(
        Kind::Card,
        signer,
        certificate.expose(),
        remainder.expose(),
        own.expose(),
        data.as_ref().map(Secret::expose),
    )
    .map_err(refused)?;
    let number = digits(&found.subject);
    let number = number.trim_end_matches('F').to_owned();
    if inputs.optional("pan").is_some() && inputs.text("pan")? != number {
        return Err(refused("of another card"));
    }
    Ok(vec![
        ("icc_modulus", Output::hex(&found.modulus)),
        ("pan", Output::text(number)),
        ("expiry_mmyy", Output::text(digits(&found.expiry))),
        ("serial", Output::hex(&found.serial)),
        ("hash", Output::hex(&found.hash)),
    ])
}

fn fixed(inputs: &Inputs<'_>) -> Answer {
    let (modulus, exponent) = (
        inputs.bytes("issuer_modulus")?,
        inputs.bytes("issuer_exponent")?,
    );
    let signer = PublicKey {
        modulus: modulus.expose(),
        exponent: exponent.expose(),
    };
    let (signed, data) = (inputs.bytes("ssad")?, data(inputs)?);
    let found = recover_static(signer, signed.expose(), data.as_ref().map(Secret::expose));
    let (code, hash) = found.map_err(refused)?;
    Ok(vec![
        ("data_auth_code", Output::hex(&code)),
        ("hash", Output::hex(&hash)),
    ])
}

/// With `combined_too`, what is in the dynamic data of a combined signature.
fn dynamic(combined_too: bool, inputs: &Inputs<'_>) -> Answer {
    let (modulus, exponent) = (inputs.bytes("icc_modulus")?, inputs.bytes("icc_exponent")?);
    let key = PublicKey {
        modulus: modulus.expose(),
        exponent: exponent.expose(),
    };
    let terminal = ["terminal_dynamic_data", "unpredictable_number", "un"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    let terminal = inputs.bytes(terminal.unwrap_or("terminal_dynamic_data"))?;
    let signed = inputs.bytes("sdad")?;
    let found = recover_dynamic(key, signed.expose(), terminal.expose());
    let (dynamic, hash) = found.map_err(refused)?;
    let mut outputs = vec![
        ("icc_dynamic_data", Output::hex(&dynamic)),
        ("hash", Output::hex(&hash)),
    ];
    if !combined_too {
        return Ok(outputs);
    }
    let parts = combined(&dynamic).map_err(refused)?;
    if let Some(data) = maybe("transaction_data", inputs)?
        && transaction_hash(data.expose()) != parts.transaction
    {
        return Err(refused("the hash over the transaction's data is another"));
    }
    for name in ["icc_dynamic_number", "icc_dyn_num"] {
        outputs.push((name, Output::hex(&parts.number)));
    }
    for name in ["cid", "cryptogram_information_data"] {
        outputs.push((name, Output::hex(&[parts.information])));
    }
    for name in ["cryptogram", "ac", "application_cryptogram", "arqc", "tc"] {
        outputs.push((name, Output::hex(&parts.cryptogram)));
    }
    for name in [
        "transaction_data_hash",
        "transaction_hash",
        "txn_hash",
        "txn_data_hash",
    ] {
        outputs.push((name, Output::hex(&parts.transaction)));
    }
    Ok(outputs)
}

/// A card number or its leading digits, padded with F to whole bytes.
fn subject(digits: &str, len: usize) -> Result<Vec<u8>, NoAnswer> {
    let text = format!("{digits:F<width$}", width = 2 * len);
    Ok(super::inputs::unhex("pan", &text)?.expose().to_vec())
}

fn array<const N: usize>(name: &str, inputs: &Inputs<'_>) -> Result<[u8; N], NoAnswer> {
    <[u8; N]>::try_from(inputs.bytes(name)?.expose())
        .map_err(|_| refused(format!("`{name}` has another length")))
}

/// Signs a chain from the scheme's key to a card's signature.
fn chain(inputs: &Inputs<'_>) -> Answer {
    let key = |name: &str| -> Result<(Secret, Secret), NoAnswer> {
        let modulus = inputs.bytes(&format!("{name}_modulus"))?;
        let private = inputs.bytes(&format!("{name}_private_exponent"))?;
        Ok((modulus, private))
    };
    let ((ca, ca_d), (issuer, issuer_d), (icc, icc_d)) = (key("ca")?, key("issuer")?, key("icc")?);
    let exponent = inputs.bytes("exponent")?;
    let (number, data) = (inputs.text("pan")?, inputs.bytes("static_data")?);
    // Eight digits name an issuer (ISO/IEC 7812-1), unless a vector says which.
    let identifier = match inputs.optional("issuer_id") {
        Some(_) => inputs.text("issuer_id")?,
        None => number.get(..8).unwrap_or(number),
    };
    let identifier = subject(identifier, 4)?;
    let public = |modulus| PublicKey {
        modulus,
        exponent: exponent.expose(),
    };
    let request = Request {
        subject: &identifier,
        expiry: array("issuer_expiry", inputs)?,
        serial: array("issuer_serial", inputs)?,
        key: public(issuer.expose()),
        data: &[],
    };
    let signed = certify(Kind::Issuer, (ca.expose(), ca_d.expose()), &request);
    let (issuer_certificate, issuer_remainder) = signed.map_err(refused)?;
    let number = subject(number, 10)?;
    let request = Request {
        subject: &number,
        expiry: array("icc_expiry", inputs)?,
        serial: array("icc_serial", inputs)?,
        key: public(icc.expose()),
        data: data.expose(),
    };
    let by_issuer = (issuer.expose(), issuer_d.expose());
    let signed = certify(Kind::Card, by_issuer, &request);
    let (icc_certificate, icc_remainder) = signed.map_err(refused)?;
    let code = array("data_auth_code", inputs)?;
    let ssad = sign_static(by_issuer, code, data.expose()).map_err(refused)?;
    let (dynamic, terminal) = (
        inputs.bytes("icc_dynamic_data")?,
        inputs.bytes("terminal_dynamic_data")?,
    );
    let by_card = (icc.expose(), icc_d.expose());
    let sdad = sign_dynamic(by_card, dynamic.expose(), terminal.expose()).map_err(refused)?;
    Ok(vec![
        ("issuer_certificate", Output::hex(&issuer_certificate)),
        ("issuer_remainder", Output::hex(&issuer_remainder)),
        ("icc_certificate", Output::hex(&icc_certificate)),
        ("icc_remainder", Output::hex(&icc_remainder)),
        ("ssad", Output::hex(&ssad)),
        ("sdad", Output::hex(&sdad)),
    ])
}
