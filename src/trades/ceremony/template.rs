//! Reads key templates, `templates/keys/*.toml`, profiles of key blocks, and
//! the duties of custodians.

use conclave_keyroom::domain::custodian_form::Duties;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;

/// The largest template, in bytes.
pub const TEMPLATE_MAX: usize = 8 * 1024;

/// Why a template is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Longer than [`TEMPLATE_MAX`].
    #[error("{file}: longer than {TEMPLATE_MAX} bytes")]
    TooLong {
        /// Which file.
        file: String,
    },
    /// No TOML, or a field is missing, unknown, or of another type.
    #[error("{file}: {detail}")]
    Fields {
        /// Which file.
        file: String,
        /// What the reader says; it names the field.
        detail: String,
    },
    /// A rule forbids it.
    #[error("{file}: {rule}")]
    Rule {
        /// Which file.
        file: String,
        /// The rule in words.
        rule: String,
    },
}

/// Reads one template. `file` is its name for the error text.
///
/// # Errors
/// [`TemplateError`]
pub fn parse_template(file: &str, text: &str) -> Result<KeyTemplate, TemplateError> {
    let file = super::script::one_line(file);
    if text.len() > TEMPLATE_MAX {
        return Err(TemplateError::TooLong { file });
    }
    let template: KeyTemplate = toml::from_str(text).map_err(|e| TemplateError::Fields {
        file: file.clone(),
        detail: super::script::one_line(e.message()),
    })?;
    let rule = |rule: String| TemplateError::Rule {
        file: file.clone(),
        rule,
    };
    template.check().map_err(rule)?;
    if template.title.chars().any(char::is_control) {
        return Err(rule("its title holds a control character".into()));
    }
    if template.version == 0 {
        return Err(rule("its version is 0; versions count from 1".into()));
    }
    if !template.in_components && template.exportability == "N" && !template.comes_from_outside() {
        // It would be born inside and could never leave: nothing would use it.
        return Err(rule(
            "a working key with exportability N could never leave the room".into(),
        ));
    }
    Ok(template)
}

/// Reads one profile of a maker of key blocks, `profiles/*.toml`.
///
/// # Errors
/// [`TemplateError`]
pub fn parse_profile(file: &str, text: &str) -> Result<BlockProfile, TemplateError> {
    let file = super::script::one_line(file);
    if text.len() > TEMPLATE_MAX {
        return Err(TemplateError::TooLong { file });
    }
    let profile: BlockProfile = toml::from_str(text).map_err(|e| TemplateError::Fields {
        file: file.clone(),
        detail: super::script::one_line(e.message()),
    })?;
    profile
        .check()
        .map_err(|rule| TemplateError::Rule { file, rule })?;
    Ok(profile)
}

/// Reads the duties of custodians, `duties/*.toml`.
///
/// # Errors
/// [`TemplateError`]
pub fn parse_duties(file: &str, text: &str) -> Result<Duties, TemplateError> {
    let file = super::script::one_line(file);
    if text.len() > TEMPLATE_MAX {
        return Err(TemplateError::TooLong { file });
    }
    let duties: Duties = toml::from_str(text).map_err(|e| TemplateError::Fields {
        file: file.clone(),
        detail: super::script::one_line(e.message()),
    })?;
    duties
        .check()
        .map_err(|rule| TemplateError::Rule { file, rule })?;
    Ok(duties)
}
