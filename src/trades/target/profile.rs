//! Reads the profile of a kind of system, `profiles/targets/*.toml`.

use conclave_keyroom::domain::target_system::TargetProfile;

/// The largest profile, in bytes.
pub const PROFILE_MAX: usize = 64 * 1024;

/// Why a profile is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Longer than [`PROFILE_MAX`].
    #[error("longer than {PROFILE_MAX} bytes")]
    TooLong,
    /// No TOML, or a field is missing, unknown, or of another type.
    #[error("{0}")]
    Fields(String),
    /// A rule forbids it.
    #[error("{0}")]
    Rule(String),
}

/// Reads one profile.
///
/// # Errors
/// [`ProfileError`]
pub fn parse_target_profile(text: &str) -> Result<TargetProfile, ProfileError> {
    if text.len() > PROFILE_MAX {
        return Err(ProfileError::TooLong);
    }
    let profile: TargetProfile = toml::from_str(text).map_err(|error| {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        ProfileError::Fields(error.message().chars().map(plain).collect())
    })?;
    profile.check().map_err(ProfileError::Rule)?;
    Ok(profile)
}
