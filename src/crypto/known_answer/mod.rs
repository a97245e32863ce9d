//! Known answers: vectors that others published, computed again here.
//!
//! A [`Vector`] names an operation, its inputs and what must come out. Rooms
//! further down bring their own [`Operations`]; [`Primitives`] are those of this
//! crate. Every field of `expected` is compared, and one that the operation does
//! not compute is a failure, and so is an input that it does not ask for: nothing
//! passes by being overlooked. An operation
//! whose name ends in `_reject` must be refused.
//!
//! [`power_on`] is the built-in selection that runs at every start.

mod atalla;
mod cca;
mod checks;
mod components;
mod cvv;
mod dukpt;
mod emv;
mod emv_oda;
mod inputs;
mod mac;
mod pin;
mod pin_block;
mod power_on;
mod thales;
mod tr31;
mod value;

#[cfg(test)]
mod tests;

pub use inputs::Inputs;
pub use power_on::{Failure, power_on};
pub use value::{Value, Vector};

/// What became of one vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All expected fields came out.
    Passed,
    /// They did not; the text names the fields. Vectors hold published test
    /// keys only, so it may show values.
    Failed(String),
    /// Nobody knows the operation.
    Unsupported,
}

/// One field that an operation computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Compared as it is; hexadecimal and other text in the case it has.
    Exact(Value),
    /// Bytes of which the vector may hold the leftmost few: check values, MACs.
    Leftmost(Vec<u8>),
    /// A text of which the check was made by the operation itself, because it
    /// holds random bytes: `Err` says what is wrong with the expected one.
    Judged(Result<(), String>),
}

/// Why there are no outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The operation is not one of these.
    Unknown,
    /// The vector lacks an input or has it in a form that no operation takes:
    /// a failure, also where a refusal is expected.
    Incomplete(String),
    /// The inputs are refused, which is what a `_reject` vector wants.
    Refused(String),
}

/// The computed fields by name.
pub type Answer = Result<Vec<(&'static str, Output)>, NoAnswer>;

/// A set of operations.
pub trait Operations {
    /// Computes `op` (without `_reject`; see [`Inputs::must_fail`]).
    fn answer(&self, op: &str, inputs: &Inputs<'_>) -> Answer;
}

/// The operations of this crate: check values, parity, components, keys with
/// and without key blocks, tokens of IBM CCA, PINs, card verification values,
/// MACs, DUKPT, EMV.
#[derive(Debug, Clone, Copy, Default)]
pub struct Primitives;

impl Operations for Primitives {
    fn answer(&self, op: &str, inputs: &Inputs<'_>) -> Answer {
        let rooms: &[fn(&str, &Inputs<'_>) -> Answer] = &[
            cca::answer,
            checks::answer,
            components::answer,
            thales::answer,
            atalla::answer,
            tr31::answer,
            pin::answer,
            pin_block::answer,
            cvv::answer,
            mac::answer,
            dukpt::answer,
            emv::answer,
            emv_oda::answer,
        ];
        for room in rooms {
            match room(op, inputs) {
                Err(NoAnswer::Unknown) => {}
                known => return known,
            }
        }
        Err(NoAnswer::Unknown)
    }
}

/// Computes one vector with the first set that knows its operation, and compares.
#[must_use]
pub fn check(vector: &Vector, sets: &[&dyn Operations]) -> Verdict {
    let (op, must_fail) = match vector.op.strip_suffix("_reject") {
        Some(op) => (op, true),
        None => (vector.op.as_str(), false),
    };
    let inputs = Inputs::new(&vector.inputs, &vector.expected, must_fail);
    let answer = sets
        .iter()
        .map(|set| set.answer(op, &inputs))
        .find(|answer| !matches!(answer, Err(NoAnswer::Unknown)))
        .unwrap_or(Err(NoAnswer::Unknown));
    let unknown = inputs.unknown(op, matches!(answer, Err(NoAnswer::Refused(_))));
    match (answer, must_fail) {
        (Err(NoAnswer::Unknown), _) => Verdict::Unsupported,
        (Err(NoAnswer::Incomplete(why)), _) => Verdict::Failed(format!("bad vector: {why}")),
        (Ok(_) | Err(NoAnswer::Refused(_)), _) if let Some(name) = unknown => {
            let name = name.escape_debug();
            Verdict::Failed(format!("bad vector: input `{name}` is not known here"))
        }
        (Err(NoAnswer::Refused(_)), true) => rejection(&vector.expected),
        (Err(NoAnswer::Refused(why)), false) => Verdict::Failed(format!("refused: {why}")),
        (Ok(_), true) => Verdict::Failed("accepted, and must be refused".into()),
        (Ok(outputs), false) => compare(&vector.expected, &outputs),
    }
}

/// A `_reject` vector describes its error and expects nothing else.
fn rejection(expected: &Value) -> Verdict {
    let other = expected
        .fields()
        .iter()
        .find(|(name, _)| name != "error")
        .map(|(name, _)| name);
    match other {
        Some(name) => Verdict::Failed(format!("{name}: not computed by a refusal")),
        None => Verdict::Passed,
    }
}

fn compare(expected: &Value, outputs: &[(&'static str, Output)]) -> Verdict {
    let fields = expected.fields();
    if fields.is_empty() {
        return Verdict::Failed("nothing is expected".into());
    }
    let wrong: Vec<String> = fields
        .iter()
        .filter_map(|(name, value)| {
            let output = outputs.iter().find(|(known, _)| known == name);
            let why = match output {
                None => Some("not computed by this operation".into()),
                Some((_, output)) => output.differs(value),
            };
            why.map(|why| format!("{name}: {why}"))
        })
        .collect();
    match wrong.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Failed(wrong.join("; ")),
    }
}

impl Output {
    /// Bytes as upper-case hexadecimal, compared whole.
    #[must_use]
    pub fn hex(bytes: &[u8]) -> Self {
        Self::text(value::hex(bytes))
    }

    /// A text, compared whole.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Exact(Value::Text(text.into()))
    }

    /// Where the expected value is another.
    fn differs(&self, expected: &Value) -> Option<String> {
        match self {
            Self::Exact(found) => {
                (!found.same(expected)).then(|| format!("{found}, expected {expected}"))
            }
            Self::Leftmost(bytes) => {
                let found = value::hex(bytes);
                let fits = matches!(expected, Value::Text(text)
                    if text.len() >= 2 && text.len() % 2 == 0 && found.starts_with(text.as_str()));
                (!fits).then(|| format!("{found}, expected {expected}"))
            }
            Self::Judged(judged) => judged.clone().err(),
        }
    }
}
