//! Why a script is refused: the rule, the step, and what to do.

use std::fmt;

/// A rule that every script keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// UTF-8, at most 64 KiB, well-formed TOML.
    Readable,
    /// No unknown table, key or type.
    KnownKeys,
    /// The format tag of this version.
    Format,
    /// Text lengths, counts, number of steps.
    Limits,
    /// No control characters in any text.
    PlainText,
    /// Names and ids are made of `a-z`, `0-9` and `-`.
    Names,
    /// One id, one step; one name, one part.
    Unique,
    /// A verb that the engine knows.
    KnownVerb,
    /// A verb's parameters: the needed ones, and no others.
    Parameters,
    /// Parts that steps name stand in the cast.
    InCast,
    /// Both quorums are in the cast, as separate parts (separation of duties).
    Duties,
    /// Nobody witnesses their own act; what needs two has two.
    OwnWitness,
    /// Custodians come from custodian groups, one for each component (R4).
    Custodian,
    /// Those who witness a sealing hold no component (R13).
    WitnessHoldsNothing,
    /// Exactly one sign-in, before the opening.
    SignIn,
    /// Exactly one opening, before anything is made.
    Open,
    /// Exactly one generation, after the opening.
    Generate,
    /// Components are typed in the component repeat, by their custodians, and
    /// what goes wrong ends the ceremony.
    Enter,
    /// What was entered is combined once, after the last component.
    Combine,
    /// A key block is imported once, after the opening.
    Import,
    /// Sheets are proven in the component repeat, and sealed again in it.
    Exercise,
    /// A key that is there is split once, after the opening.
    Split,
    /// Sheets are destroyed in the component repeat, one by one, by two people.
    Destroy,
    /// Printing stands in the component repeat, after the generation.
    Print,
    /// Every printed component is sealed, in the same repeat, by its custodian.
    Seal,
    /// What goes wrong between print and seal voids the key.
    Window,
    /// The check value of a key in components is read back after the last one.
    ReadBack,
    /// A working key is exported after its generation.
    Export,
    /// The closing is the last step.
    Close,
    /// The component repeat: once, not nested, only in scripts for components.
    Repeat,
}

impl Rule {
    /// Its name in tests and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::KnownKeys => "known-keys",
            Self::Format => "format",
            Self::Limits => "limits",
            Self::PlainText => "plain-text",
            Self::Names => "names",
            Self::Unique => "unique",
            Self::KnownVerb => "known-verb",
            Self::Parameters => "parameters",
            Self::InCast => "in-cast",
            Self::Duties => "duties",
            Self::OwnWitness => "own-witness",
            Self::Custodian => "custodian",
            Self::WitnessHoldsNothing => "witness-holds-nothing",
            Self::SignIn => "sign-in",
            Self::Open => "open",
            Self::Generate => "generate",
            Self::Enter => "enter",
            Self::Combine => "combine",
            Self::Import => "import",
            Self::Exercise => "exercise",
            Self::Split => "split",
            Self::Destroy => "destroy",
            Self::Print => "print",
            Self::Seal => "seal",
            Self::Window => "window",
            Self::ReadBack => "read-back",
            Self::Export => "export",
            Self::Close => "close",
            Self::Repeat => "repeat",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Readable => "Save the script as UTF-8 TOML of at most 64 KiB.",
            Self::KnownKeys => {
                "Remove the key, or correct its spelling and type; the shipped scripts show every key."
            }
            Self::Format => "Begin the script with format = \"conclave-ceremony-1\".",
            Self::Limits => "Shorten the text or the list to the limit named.",
            Self::PlainText => "Remove the control character; each text is one line.",
            Self::Names => "Use lower-case letters, digits and hyphens, 32 at most.",
            Self::Unique => "Give each step and each part a name of its own.",
            Self::KnownVerb => {
                "Use sign-in, confirm, open, generate, split, enter, combine, import, exercise, destroy, print, seal, read-back, export or close."
            }
            Self::Parameters => "Give the verb the parameters it needs, and no others.",
            Self::InCast => "Name a part of the cast; write PART.2 for its second person.",
            Self::Duties => "Cast key managers and approvers as two parts of different people.",
            Self::OwnWitness => "Name another part as witness.",
            Self::Custodian => {
                "Let a part of group custodians (or custodians-a, -b, -c) print and seal, without a count."
            }
            Self::WitnessHoldsNothing => {
                "Take the sealing's witnesses from a group that holds no components."
            }
            Self::SignIn => "Put exactly one sign-in before the opening.",
            Self::Open => "Put exactly one opening before the generation.",
            Self::Generate => "Put exactly one generation after the opening, outside the repeat.",
            Self::Enter => {
                "Enter once, inside the component repeat, with on_deviation = \"abort\" and at most retry 3 then abort; only in scripts for a partner's key."
            }
            Self::Combine => {
                "Combine exactly once, after the component repeat, with on_deviation = \"abort\" and at most retry 3 then abort; only in scripts for a partner's key."
            }
            Self::Import => {
                "Import exactly once, after the opening, with on_deviation = \"abort\" and at most retry 3 then abort; only in scripts that import."
            }
            Self::Exercise => {
                "Exercise once, inside the component repeat, with a witness and a seal after it; only in scripts of an exercise."
            }
            Self::Split => {
                "Split exactly once, after the opening, outside the repeat; only in scripts of a re-issue."
            }
            Self::Destroy => {
                "Destroy once, inside the component repeat, with a witness and on_deviation = \"abort\"; only in scripts that destroy, which have no custodian part."
            }
            Self::Print => "Print once, inside the component repeat, after the generation.",
            Self::Seal => {
                "Add a seal step after the print, in the same repeat, by the same custodian."
            }
            Self::Window => {
                "From print to seal write on_deviation = \"void\", and on_failure = \"void\" or \"retry N then void\"."
            }
            Self::ReadBack => "Add a read-back after the component repeat and before the closing.",
            Self::Export => {
                "Export exactly once, after the generation; only working keys are exported."
            }
            Self::Close => "Make one closing the last step.",
            Self::Repeat => "Use one repeat = \"component\" group with its steps inside.",
        }
    }
}

/// A refused script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// Which rule.
    pub rule: Rule,
    /// Which step, where one is to blame.
    pub step: Option<String>,
    /// What is wrong, in words.
    pub detail: String,
}

impl ScriptError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.rule.advice()
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(
                f,
                "step {step}: {} (rule {})",
                self.detail,
                self.rule.name()
            ),
            None => write!(f, "{} (rule {})", self.detail, self.rule.name()),
        }
    }
}

pub(super) fn refuse<T>(
    rule: Rule,
    step: Option<&str>,
    detail: impl Into<String>,
) -> Result<T, ScriptError> {
    Err(ScriptError {
        rule,
        step: step.map(str::to_owned),
        detail: detail.into(),
    })
}
