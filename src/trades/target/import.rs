//! The import: a key that a partner wrapped under a key of this house.
//!
//! Whatever is wrong below the encryption has one answer, and wrapping keys
//! have few tries an hour: the station tells nobody how near a forged block
//! came. What is wrong in clear, or in a block that authenticates, is named.

use conclave_crypto::keyblock::{
    self, BlockId, Kbpk, KeyBlock, OptionalBlock, ReadError, Unwrapped,
};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::kcv_fit::{self, Claim};
use conclave_crypto::primitive::key_kind::KeyKind;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{KeyRecord, KeySource, WrappingMethod};
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::domain::legacy::LegacyException;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::{StoredKey, kind_of};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::export::KeyName;
use super::import_bare::{self, Bare};
use super::import_maker::{self, Maker};
use super::import_token::Token;
use super::{cipher, import_tries, rules};
use crate::ceremony::action::{
    NewKey, check_new, check_value, known_value, method, not_published, refuse_published,
    two_people,
};
use crate::ceremony::exception_words;
use crate::ceremony::state::{KeyMade, Player};
use crate::ceremony::value_mark::take_value;

/// Imports one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportBlock {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The new key's id.
    pub key: Id,
    /// Its label, unique on the station.
    pub label: String,
    /// What kind of key it has to be.
    pub template: KeyTemplate,
    /// Whose key it is.
    pub partner: String,
    /// The key of this house that it is under.
    pub under: KeyName,
    /// What is tolerated.
    pub profile: BlockProfile,
    /// The block, as it came.
    pub block: String,
    /// The partner's check value: upper-case hex.
    pub value: String,
    /// How the partner made it.
    pub method: String,
    /// Who typed it, each with an own card.
    pub by: Vec<Player>,
    /// Why it comes without a key block, where it does.
    pub exception: Option<LegacyException>,
    /// Why a value comes in that a key of the station has, where it is said (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

/// What came, read in clear.
enum Came {
    Block(Box<KeyBlock>),
    Bare(Bare),
    Maker(Maker),
    Token(Token),
}

impl Came {
    /// `TR-31 version D`, `scheme U`.
    fn format(&self) -> String {
        match self {
            Self::Block(block) => format!("TR-31 version {}", block.header().version.letter()),
            Self::Bare(bare) => format!("scheme {}", bare.scheme),
            Self::Maker(block) => block.format(),
            Self::Token(token) => token.format(),
        }
    }

    /// What the partner lets be done with the key.
    fn exportability(&self, template: &str) -> String {
        match self {
            Self::Block(block) => {
                let said = block.header().attributes.to_string();
                stricter(template, said.get(6..7).unwrap_or("N"))
            }
            Self::Bare(_) => template.to_owned(),
            Self::Maker(block) => stricter(template, &block.exportability()),
            Self::Token(token) if token.may_be_exported() => template.to_owned(),
            Self::Token(_) => "N".into(),
        }
    }
}

/// The one answer for whatever does not authenticate.
pub(super) fn no_key(under: &str) -> ActionError {
    ActionError::rule(
        format!("the block does not give a key under {under}"),
        "Compare block and wrapping key with the partner. What is wrong is not told, and tries are few.",
    )
}

pub(super) fn misfit(what: String) -> ActionError {
    ActionError::rule(
        what,
        "Choose the template that the partner's letter asks for, or have the partner make another block.",
    )
}

/// What came was under a key at least as strong as itself (R6).
pub(super) fn strong_enough(under: &KeyRecord, template: &KeyTemplate) -> Result<(), ActionError> {
    if under.form.strength() >= template.form.strength() {
        return Ok(());
    }
    Err(misfit(format!(
        "{} is {}, weaker than the {} key it would have wrapped (R6)",
        under.label, under.form, template.form
    )))
}

/// The stricter of two exportabilities.
fn stricter(one: &str, other: &str) -> String {
    let rank = |e: &str| match e {
        "N" => 0,
        "S" => 1,
        _ => 2,
    };
    if rank(one) <= rank(other) { one } else { other }.to_owned()
}

impl ImportBlock {
    /// Everything that is judged in clear, before a try is counted.
    fn in_clear(&self, under: &KeyRecord, now_ms: u64) -> Result<Came, ActionError> {
        self.profile
            .check()
            .map_err(|why| ActionError::rule(why, "Have the profile corrected."))?;
        let bare = self.profile.bare_method();
        rules::exception(bare, self.exception.as_ref(), now_ms)?;
        if self.profile.cca_tokens {
            return Token::in_clear(&self.block, &self.profile, &self.template, under)
                .map(Came::Token);
        }
        if bare.is_some() {
            let text = self.block.as_str();
            return import_bare::in_clear(text, &self.profile, &self.template, under)
                .map(Came::Bare);
        }
        if let Some(method) = self.profile.method {
            let text = self.block.as_str();
            return import_maker::in_clear(method, text, &self.template, under).map(Came::Maker);
        }
        if !under.wrapping.is_some_and(WrappingMethod::is_tr31) {
            return Err(misfit(format!(
                "{} does not wrap key blocks: a wrapping key has one method",
                under.label
            )));
        }
        let text = self.block.as_bytes();
        let text = match self.profile.scheme_tag {
            true => keyblock::without_tag(text),
            false => text,
        };
        let block = KeyBlock::parse(text).map_err(|e| {
            ActionError::rule(e.to_string(), "Compare the block with the partner's.")
        })?;
        let version = block.header().version;
        if !self.profile.versions.contains(version.letter()) {
            return Err(misfit(format!(
                "the profile {} takes no version {}",
                self.profile.stamp(),
                version.letter()
            )));
        }
        if version.cipher() != cipher(under.form) {
            return Err(misfit(format!(
                "a block of version {} is not under {}, which is {}",
                version.letter(),
                under.label,
                under.form
            )));
        }
        Ok(Came::Block(Box::new(block)))
    }

    fn claim(&self) -> Result<Claim, ActionError> {
        method(self.template.form, &self.method)
            .and_then(|method| Claim::new(&self.value, method))
            .ok_or_else(|| {
                ActionError::rule(
                    "what was typed is no check value",
                    "Type it from the partner's letter.",
                )
            })
    }

    /// What an authenticated block says against what was approved.
    fn fits(&self, block: &KeyBlock, found: &Unwrapped) -> Result<(), ActionError> {
        let header = &found.header;
        let of = &header.attributes;
        let template = &self.template;
        let same = |what: &str, said: String, wanted: &str| {
            if said == wanted {
                return Ok(());
            }
            Err(misfit(format!(
                "the block's {what} is {said}, the template {} has {wanted}",
                template.stamp()
            )))
        };
        // Usage, algorithm, mode, version number, exportability: `P0TE00E`.
        let said = of.to_string();
        let field = |range: std::ops::Range<usize>| said.get(range).unwrap_or_default().to_owned();
        same("usage", field(0..2), &template.usage)?;
        same(
            "algorithm",
            field(2..3),
            &template.form.letter().to_string(),
        )?;
        self.of_the_hash(found)?;
        if of.key_version.is_component() {
            return Err(misfit("the block carries a component, not a key".into()));
        }
        let (mode, wanted) = (field(3..4), template.mode_of_use.as_str());
        // Whoever may do more may do this alone: the record keeps the narrower.
        let wider = match mode.as_str() {
            "N" => true,
            "B" => matches!(wanted, "D" | "E"),
            "C" => matches!(wanted, "G" | "V"),
            _ => false,
        };
        if !wider {
            same("mode of use", mode, wanted)?;
        }
        same(
            "key length",
            format!("{} bytes", found.key.len()),
            &format!("{} bytes", template.form.bytes()),
        )?;
        if let Err(rule) = &found.rule {
            return Err(misfit(format!("{rule} (R6)")));
        }
        if !self.profile.short_padding && !block.hides_length() {
            return Err(misfit(format!(
                "the block's padding does not hide the key's length, and the profile {} does not allow that",
                self.profile.stamp()
            )));
        }
        let unknown = header.blocks.iter().find(|b| !b.id().is_known());
        if let (Some(unknown), false) = (unknown, self.profile.unknown_blocks) {
            return Err(misfit(format!(
                "the block has an optional block {} that TR-31 does not know, and the profile {} does not allow that",
                unknown.id(),
                self.profile.stamp()
            )));
        }
        self.own_check_value(found)
    }

    /// An HMAC key's block says which hash the key is for, and it is the template's
    /// (X9.143 clause 6.3.6.6).
    fn of_the_hash(&self, found: &Unwrapped) -> Result<(), ActionError> {
        let Some((code, name)) = self.template.form.hash() else {
            return Ok(());
        };
        let Some(said) = found.header.blocks.get(BlockId::HMAC_HASH) else {
            return Err(misfit(
                "the block has no optional block HM: nothing says which hash its HMAC key is for"
                    .into(),
            ));
        };
        if said == code {
            return Ok(());
        }
        let block = OptionalBlock::new(BlockId::HMAC_HASH, said);
        let meaning = block.and_then(|block| block.explain().ok());
        Err(misfit(format!(
            "the block's optional block HM is {said}, {}; the template {} has {code}, HMAC with \
             {name}",
            meaning.unwrap_or("which the standard does not have".into()),
            self.template.stamp()
        )))
    }

    /// The check value that the block itself carries, where it does.
    fn own_check_value(&self, found: &Unwrapped) -> Result<(), ActionError> {
        let carried = BlockId::new("KC").and_then(|id| found.header.blocks.get(id));
        let Some((kind, digits)) = carried.and_then(|data| data.split_at_checked(2)) else {
            return Ok(());
        };
        let method = match (kind, kind_of(self.template.form)) {
            (_, KeyKind::Hmac) => {
                return Err(misfit(
                    "the block carries a check value, and X9.143 has none for HMAC keys".into(),
                ));
            }
            ("00", KeyKind::Tdes) => Method::TdesZero,
            ("00", KeyKind::Aes) => Method::AesZero,
            ("01", KeyKind::Tdes) => Method::TdesCmac,
            ("01", KeyKind::Aes) => Method::AesCmac,
            _ => return Ok(()),
        };
        let same = Kcv::compute(method, found.key.expose())
            .is_ok_and(|kcv| !digits.is_empty() && kcv.hex().starts_with(digits));
        if same {
            return Ok(());
        }
        Err(misfit(
            "the check value in the block is not its key's".into(),
        ))
    }

    /// The key, for as long as the call: authenticated, fitting, and of the
    /// partner's check value.
    fn key_of(
        &self,
        permit: &mut Permit<'_>,
        under: &KeyRecord,
        came: &Came,
        claim: &Claim,
    ) -> Result<Secret, ActionError> {
        let stored: StoredKey = permit.get(Compartment::Keys, under.id)?;
        if stored.key != under.id || stored.form != under.form {
            return Err(ActionError::rule(
                format!("the stored value of {} is another key's", under.label),
                "do not use this key before it is known why",
            ));
        }
        let (provider, mark, _) = permit.provider();
        let block = match came {
            Came::Block(block) => block,
            Came::Bare(_) | Came::Token(_) => {
                let mut found = None;
                provider.open(&mark, &[&stored], &mut |secrets| {
                    let (profile, label) = (&self.profile, &under.label);
                    found = match (came, secrets) {
                        (Came::Bare(bare), [key]) => Some(bare.open(key, claim, profile, label)),
                        (Came::Token(token), [key]) => Some(token.open(key, claim, profile, label)),
                        _ => None,
                    };
                })?;
                return found.unwrap_or_else(|| Err(no_key(&under.label)));
            }
            Came::Maker(block) => {
                let mut found = None;
                provider.open(&mark, &[&stored], &mut |secrets| {
                    if let [wrapping] = secrets {
                        found = Some(block.open(wrapping, under, &self.template, &self.profile));
                    }
                })?;
                let key = found.unwrap_or_else(|| Err(no_key(&under.label)))?;
                return self.of_the_partner(key, claim);
            }
        };
        let mut found: Option<Result<Unwrapped, ReadError>> = None;
        provider.open(&mark, &[&stored], &mut |secrets| {
            if let [wrapping] = secrets {
                found = Kbpk::new(cipher(under.form), wrapping.duplicate())
                    .ok()
                    .map(|kbpk| block.unwrap(&kbpk));
            }
        })?;
        let Some(Ok(found)) = found else {
            return Err(no_key(&under.label));
        };
        self.fits(block, &found)?;
        self.of_the_partner(found.key, claim)
    }

    /// A key that authenticated, where it has the partner's check value.
    fn of_the_partner(&self, key: Secret, claim: &Claim) -> Result<Secret, ActionError> {
        if claim.is_of(key.expose()).unwrap_or(false) {
            return Ok(key);
        }
        let why = match kcv_fit::explain(kind_of(self.template.form), &[&key], claim) {
            Some(fit) => format!("the value that was typed: {fit}"),
            None => "none of the usual mistakes explains the value that was typed".into(),
        };
        Err(ActionError::rule(
            format!("the block's key has another check value; {why}"),
            "Compare the check value with the partner's letter.",
        ))
    }
}

impl Action for ImportBlock {
    const NAME: &'static str = "import-block";
    type Out = KeyMade;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        let mut words = vec![
            format!(
                "Import {} of {} under {}, KCV {}: {} ({})",
                self.label,
                self.partner,
                self.under.label,
                self.under.kcv,
                self.template.title,
                self.template.stamp()
            ),
            format!(
                "the partner's check value was typed as {} ({}) by {}",
                self.value,
                self.method,
                by.join(" and ")
            ),
        ];
        words.extend(self.exception.as_ref().map(exception_words));
        words.extend(self.known_value.as_deref().map(known_value_words));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let now = beforehand.now_ms();
        let under: KeyRecord = beforehand.get(Compartment::Catalogue, self.under.id)?;
        rules::same(&self.under, &under)?;
        rules::unwrapping(&under, now)?;
        two_people(&self.by, "a partner's check value is typed")?;
        known_value(self.known_value.as_deref())?;
        self.claim()?;
        self.in_clear(&under, now)?;
        import_tries::take(beforehand, &under)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyMade, ActionError> {
        check_new(permit, &self.label, &self.template)?;
        let under: KeyRecord = permit.get(Compartment::Catalogue, self.under.id)?;
        let came = self.in_clear(&under, permit.now_ms())?;
        let claim = self.claim()?;
        let wrapping: StoredKey = permit.get(Compartment::Keys, under.id)?;
        not_published(permit, &under.label, &wrapping)?;
        let clear = self.key_of(permit, &under, &came, &claim)?;
        refuse_published(permit.authority()?.mode, &self.label, &clear)?;
        let form = self.template.form;
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let made = provider.store_imported(&mark, self.key, form, clear, random)?;
        let kcv = check_value(&made.kcv);
        let now = permit.now_ms();
        let new = NewKey {
            id: self.key,
            label: &self.label,
            template: &self.template,
            ceremony: self.ceremony,
            provider: &identity,
        };
        let made_here = new.record(kcv.clone(), now);
        // It serves no longer than its exception does (R19).
        let ends = self.exception.as_ref().map_or(u64::MAX, |e| e.until_ms);
        let record = KeyRecord {
            expires_ms: made_here.expires_ms.min(ends),
            recipient_until_ms: made_here.recipient_until_ms.map(|until| until.min(ends)),
            exportability: came.exportability(&self.template.exportability),
            source: KeySource::Block {
                partner: self.partner.clone(),
                under: under.label.clone(),
                format: came.format(),
            },
            ..made_here
        };
        take_value(permit, (&made.stored, &record), self.known_value.as_deref())?;
        permit.put(
            Compartment::Keys,
            KeyRecord::VALUE_KIND,
            self.key,
            &made.stored,
        )?;
        permit.put(Compartment::Catalogue, KeyRecord::KIND, self.key, &record)?;
        import_tries::give_back(permit, under.id)?;
        Ok(KeyMade { id: self.key, kcv })
    }

    fn outcome(&self, out: &KeyMade) -> Vec<String> {
        vec![format!("check value {}", out.kcv.words())]
    }
}
