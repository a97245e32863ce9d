//! IBM ICSF and CCA: DES keys as external tokens under an importer key (an
//! exception: TDES in ECB under control vectors, no key block), everything else
//! as TR-31 key blocks.
//!
//! - `types`: which CCA key type a key becomes, under which label
//! - `tokens`: the token of each key, made and opened again
//! - `cards`: text as records of 80 columns, ASCII or EBCDIC
//! - `kgup`: statements and job of the Key Generator Utility Program
//! - `rexx`: loaders for CKDS and PKDS
//! - `c_loader`: the loader for CCA on other systems
//! - `run_sheet`: what the administrator does, and what the codes mean
//! - `blocks`: the TR-31 way
//!
//! No IBM system has read any of it: the layouts are IBM's documentation's, the
//! cryptograms are judged by openssl, the key blocks by psec.

mod blocks;
mod c_loader;
mod cards;
mod kgup;
mod rexx;
mod run_sheet;
mod tokens;
mod types;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::{Companion, Conformance, Order, Payload, Sheet, Target, TargetError};

use tokens::Loaded;

pub use blocks::IcsfBlocks;
pub(crate) use rexx::pkds_loader;
pub(super) use types::label_fault;

fn rule(rule: impl Into<String>, advice: impl Into<String>) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

/// A system that takes external DES tokens. The tokens are the same everywhere; what
/// loads them, and what its administrator does, is not.
pub struct CcaTokens {
    name: &'static str,
    title: &'static str,
    loaders: fn(&Sheet<'_>, &[Loaded<'_>]) -> Result<Vec<Companion>, TargetError>,
    sheet: fn(&dyn Target, &Sheet<'_>) -> String,
}

impl CcaTokens {
    /// z/OS ICSF: KGUP and REXX.
    pub const ICSF: Self = Self {
        name: "icsf",
        title: "z/OS ICSF: external DES tokens, KGUP and REXX",
        loaders: zos_loaders,
        sheet: run_sheet::icsf,
    };
    /// CCA on AIX, IBM i, Linux and Windows: a small loader in C.
    pub const ELSEWHERE: Self = Self {
        name: "cca",
        title: "IBM CCA on AIX, IBM i, Linux, Windows: external DES tokens",
        loaders: |sheet, loaded| Ok(vec![c_loader::keys(sheet, loaded)?, c_loader::source()]),
        sheet: run_sheet::cca,
    };
}

fn zos_loaders(sheet: &Sheet<'_>, loaded: &[Loaded<'_>]) -> Result<Vec<Companion>, TargetError> {
    let mut out = Vec::new();
    let statements = kgup::statements(sheet, loaded)?;
    if !statements.is_empty() {
        out.push(cards::with_keys("kgup.txt", &statements, sheet)?);
        let job = kgup::job(sheet, &statements)?;
        out.push(cards::with_keys("kgupjob.jcl", &job, sheet)?);
    }
    let loader = rexx::ckds_loader(sheet, loaded)?;
    out.push(cards::with_keys("ckdsload.rex", &loader, sheet)?);
    Ok(out)
}

impl Target for CcaTokens {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::CcaEcb]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        tokens::check(key, under, settings)
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        tokens::export(key, clear, under, wrapping, settings)
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        (self.loaders)(sheet, &tokens::of_sheet(sheet)?)
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        (self.sheet)(self, sheet)
    }
}
