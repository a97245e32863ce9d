//! What a vector is made of. The program fills it from its files; this crate
//! reads none.

use std::fmt;

/// One known answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// Its name in reports.
    pub id: String,
    /// The operation, as `kcv_des_zero`.
    pub op: String,
    /// What goes in: a map.
    pub inputs: Value,
    /// What must come out: a map.
    pub expected: Value,
}

/// A value in a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// Text: hexadecimal, digits, codes.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Named values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The named values of a map; none for anything else.
    #[must_use]
    pub fn fields(&self) -> &[(String, Value)] {
        match self {
            Self::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The value of that name in a map.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let fields = self.fields();
        fields.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The text of a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Equal, the order of a map's fields aside.
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => {
                let all = |b: &Value, a: &[(String, Value)]| {
                    a.iter()
                        .all(|(name, value)| b.get(name).is_some_and(|v| v.same(value)))
                };
                a.len() == b.len() && all(other, a) && all(self, b)
            }
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => write!(f, "`{}`", text.escape_debug()),
            Self::List(list) => {
                f.write_str("[")?;
                for (index, value) in list.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
            Self::Map(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", name.escape_debug())?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Upper-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
