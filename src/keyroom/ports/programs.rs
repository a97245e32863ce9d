//! The installed programs, as a port: a version in a folder of its own, and one
//! of them stands.

use crate::domain::Permission;

/// Why programs were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramsError {
    /// Nothing says where programs are installed.
    #[error("this station is not told where its programs are installed")]
    Nowhere,
    /// There is no such version.
    #[error("version {0} is not installed")]
    Missing(String),
    /// Files or folders fail.
    #[error("the programs' folder fails: {0}")]
    Failed(String),
    /// The program does not run here, or its self-test fails.
    #[error("the new program's self-test fails: {0}")]
    SelfTest(String),
}

/// Which versions stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The version that is started.
    pub current: Option<String>,
    /// The one before it.
    pub former: Option<String>,
}

/// The installed programs.
pub trait Programs: Send {
    /// Which versions stand.
    ///
    /// # Errors
    /// [`ProgramsError`]
    fn standing(&mut self) -> Result<Standing, ProgramsError>;

    /// The signed manifest of an installed version; nothing where it came
    /// without one.
    ///
    /// # Errors
    /// [`ProgramsError`]
    fn manifest(&mut self, version: &str) -> Result<Option<Vec<u8>>, ProgramsError>;

    /// Puts a version beside the others, durably. What a cut left of an earlier
    /// try is taken away first; what stands is not touched.
    ///
    /// # Errors
    /// [`ProgramsError`]
    fn place(
        &mut self,
        permit: &dyn Permission,
        version: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<(), ProgramsError>;

    /// Has an installed version compute its known answers.
    ///
    /// # Errors
    /// [`ProgramsError::SelfTest`]
    fn self_test(&mut self, permit: &dyn Permission, version: &str) -> Result<(), ProgramsError>;

    /// Lets a version stand from the next start on: at once or not at all. The
    /// one before it becomes the former.
    ///
    /// # Errors
    /// [`ProgramsError`]; then what stood stands.
    fn switch(&mut self, permit: &dyn Permission, version: &str) -> Result<(), ProgramsError>;
}

/// Where nothing says where programs are.
pub struct NoPrograms;

impl Programs for NoPrograms {
    fn standing(&mut self) -> Result<Standing, ProgramsError> {
        Err(ProgramsError::Nowhere)
    }

    fn manifest(&mut self, _: &str) -> Result<Option<Vec<u8>>, ProgramsError> {
        Err(ProgramsError::Nowhere)
    }

    fn place(
        &mut self,
        _: &dyn Permission,
        _: &str,
        _: &[(String, Vec<u8>)],
    ) -> Result<(), ProgramsError> {
        Err(ProgramsError::Nowhere)
    }

    fn self_test(&mut self, _: &dyn Permission, _: &str) -> Result<(), ProgramsError> {
        Err(ProgramsError::Nowhere)
    }

    fn switch(&mut self, _: &dyn Permission, _: &str) -> Result<(), ProgramsError> {
        Err(ProgramsError::Nowhere)
    }
}
