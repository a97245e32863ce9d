//! Approving a template for files of cards. Method, decimalisation table,
//! validation data and the denied list come from an approved template alone;
//! those that came with the program are approved like every other, because no
//! table is every bank's.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::pin::{CardName, DateOrder, FieldName, FileFormat, Method, Template, Validation};

/// The longest template file, in bytes.
const TEXT_MOST: usize = 32 * 1024;

/// Approves a template by which PINs are made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovePinTemplate {
    /// The template's exact text.
    pub template: String,
}

/// The SHA-256 of a template file: what people compare.
fn digest(text: &str) -> Hash {
    Hash(Sha256::digest(text.as_bytes()).into())
}

fn unfit(why: impl Into<String>) -> ActionError {
    ActionError::rule(why, "Have the template corrected.")
}

fn fields(fields: &[crate::pin::Field]) -> String {
    let names: Vec<String> = fields
        .iter()
        .filter(|field| field.name != FieldName::Filler)
        .map(|field| {
            let may = if field.optional { "?" } else { "" };
            format!("{}{may} {}", field.name.words(), field.width)
        })
        .collect();
    names.join(", ")
}

/// What a template says, as signers read it: everything that decides about a
/// PIN and about what goes back.
#[must_use]
pub fn template_words(template: &Template) -> Vec<String> {
    let pin = &template.pin;
    let format = match template.input.format {
        FileFormat::Csv => "CSV",
        FileFormat::Fixed => "fixed width",
        FileFormat::Json => "JSON",
    };
    let lengths: Vec<String> = pin.lengths.iter().map(usize::to_string).collect();
    let mut words = vec![
        template.title.clone(),
        format!(
            "method: {}; {} digits",
            pin.method.words(),
            lengths.join(", ")
        ),
    ];
    if let Some(index) = &pin.key_index {
        words.push(format!("key index: {index}"));
    }
    if let Some(table) = &pin.decimalisation {
        words.push(format!("decimalisation table: {table}"));
    }
    if let Some(Validation { from, count, pad }) = pin.validation {
        words.push(format!(
            "validation data: {count} digits of the card number from digit {}, filled with {pad}",
            from.saturating_add(1)
        ));
    }
    if pin.method == Method::RandomPvv && pin.lengths.iter().any(|length| *length > 4) {
        words.push(
            "a PVV is of a PIN's first four digits: the others are checked by nobody, unless \
             PIN blocks go back"
                .into(),
        );
    }
    if let Some(block) = &pin.block {
        words.push(format!("PINs come in PIN blocks {block}"));
    }
    if pin.method.can_replace() {
        for length in &pin.lengths {
            words.push(match template.denied().effect(*length) {
                Ok(effect) => format!(
                    "denied list: {} of {} PINs of {length} digits are not issued",
                    effect.denied, effect.all
                ),
                Err(why) => format!("denied list: {why}"),
            });
        }
        let denied = &pin.denied;
        let kinds = [
            (denied.repeats, "one digit throughout".to_owned()),
            (denied.runs, "runs".to_owned()),
            (denied.years, "years of birth, 1940 to 2009".to_owned()),
            (
                !denied.others.is_empty(),
                format!("{} others", denied.others.len()),
            ),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, words)| words)
            .collect();
        words.push(if kinds.is_empty() {
            "denied: none".into()
        } else {
            format!("denied: {}", kinds.join(", "))
        });
    }
    if pin.method.can_replace() {
        let of = template.replacement;
        words.push(format!(
            "the pair may allow {} PINs for a card, and replace {} in a batch, or {} of a hundred \
             cards; beyond that administrators sign too",
            of.tries, of.batch, of.percent
        ));
    }
    let card = match template.output.card {
        CardName::Pan => "card number",
        CardName::Reference => "the issuer's reference",
    };
    let block = match &template.output.block {
        Some(block) => format!("; PIN blocks {block} under the zone PIN key"),
        None => "; no PIN block".into(),
    };
    let why = template.output.block_reason.as_ref();
    words.extend(why.map(|why| {
        format!("EXCEPTION, equal PINs have equal blocks (ISO 9564-1: for a chip alone): {why}")
    }));
    let order = |what: &str, order: Option<DateOrder>| {
        order.map(|order| format!("{what} over {}", order.words()))
    };
    if let Some(values) = &template.output.card_values {
        let made = [
            order("CVV", values.cvv),
            order("CVV2", values.cvv2),
            order("iCVV", values.icvv),
        ];
        let made: Vec<String> = made.into_iter().flatten().collect();
        words.push(format!(
            "card values go back: {}; records have the expiry as {}",
            made.join(", "),
            values.expiry.words()
        ));
    }
    if template.output.paper {
        words.push("form and tracking number go back".into());
    }
    words.push(format!(
        "goes back, by {card}: {}{block}",
        goes_back(template)
    ));
    words.push(format!(
        "input: {format}, at most {} cards",
        template.input.most
    ));
    words.push(format!("header: {}", fields(&template.input.header)));
    words.push(format!("record: {}", fields(&template.input.record)));
    words
}

fn goes_back(template: &Template) -> &'static str {
    match template.pin.method {
        Method::RandomPvv => "PVV and key index",
        Method::Ibm3624Offset => "offset",
        Method::Ibm3624Natural | Method::Host => "no value",
    }
}

/// The approved template of this digest, to open a batch.
///
/// # Errors
/// [`ActionError`]: nobody approved it, or it keeps the rules no longer.
pub fn approved_template(permit: &Permit<'_>, digest: &Hash) -> Result<Template, ActionError> {
    let text = approved_text(permit, digest)?;
    Template::parse(&text).map_err(|e| unfit(e.to_string()))
}

/// The template by which a batch was opened, as it was approved then: a rule that an
/// update brought is one for new batches.
///
/// # Errors
/// [`ActionError`]: nobody approved it.
pub fn template_of_batch(permit: &Permit<'_>, digest: &Hash) -> Result<Template, ActionError> {
    let text = approved_text(permit, digest)?;
    Template::as_approved(&text).map_err(|e| unfit(e.to_string()))
}

fn approved_text(permit: &Permit<'_>, digest: &Hash) -> Result<String, ActionError> {
    let approved = permit
        .list::<PinTemplateApproval>(Compartment::Directory, PinTemplateApproval::KIND)?
        .into_iter()
        .find(|(_, approval)| approval.digest == *digest);
    let Some((_, approval)) = approved else {
        return Err(ActionError::rule(
            "this template is not approved on this station",
            "Administrators approve it (devices, a).",
        ));
    };
    match self::digest(&approval.text) == approval.digest {
        true => Ok(approval.text),
        false => Err(unfit("the template's record does not have its digest")),
    }
}

impl Action for ApprovePinTemplate {
    const NAME: &'static str = "approve-pin-template";
    type Out = PinTemplateApproval;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let digest = format!("SHA-256 of its file {}", digest(&self.template));
        let Ok(template) = Template::parse(&self.template) else {
            return vec!["Approve a PIN template that breaks a rule".into(), digest];
        };
        let mut words = vec![format!("Approve the PIN template {}", template.name)];
        words.extend(template_words(&template));
        words.push(digest);
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<PinTemplateApproval, ActionError> {
        if self.template.len() > TEXT_MOST {
            return Err(unfit(format!("a template has at most {TEXT_MOST} bytes")));
        }
        let template = Template::parse(&self.template).map_err(|e| unfit(e.to_string()))?;
        let record = PinTemplateApproval {
            digest: digest(&self.template),
            name: template.name,
            title: template.title,
            text: self.template.clone(),
            approved_ms: permit.now_ms(),
            withdrawn: None,
        };
        let id = PinTemplateApproval::id_of(&record.digest);
        permit.put(
            Compartment::Directory,
            PinTemplateApproval::KIND,
            id,
            &record,
        )?;
        Ok(record)
    }

    fn outcome(&self, out: &PinTemplateApproval) -> Vec<String> {
        vec![format!("batches may be opened by {} from now on", out.name)]
    }
}
