//! Custodians who type their sheets, with a slip where a test wants one.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_trades::print::check::line_check;

use crate::people::At;

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

pub fn sum(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut sum = vec![0; parts[0].len()];
    for part in parts {
        for (a, b) in sum.iter_mut().zip(part) {
            *a ^= b;
        }
    }
    sum
}

/// A custodian's sheet.
#[derive(Clone, Default)]
pub struct Sheet {
    pub component: Vec<u8>,
    pub value: String,
}

/// Changes the digits of a line: sheet and line and typing of it, from 1.
type Slip = Box<dyn Fn(usize, usize, usize, &mut [u8]) + Send>;

#[derive(Clone)]
pub struct Typist {
    sheets: Arc<Mutex<Vec<Sheet>>>,
    slip: Arc<Mutex<Slip>>,
    /// What is typed from the partner's letter, by how often it was asked.
    partner: Arc<Mutex<Box<dyn Fn(usize) -> String + Send>>>,
}

impl Typist {
    /// Sheets with their own check values, and the partner's for the key.
    pub fn new(components: Vec<Vec<u8>>, value: &str) -> Self {
        // A value of ten digits is CMAC: AES; what is longer than its keys is HMAC's, and
        // the longest are parts of primes.
        let bytes = components.first().map_or(0, Vec::len);
        let method = match value.len() {
            _ if bytes >= 128 => Method::Sha256,
            10 if bytes > 32 => Method::HmacSha2Vp1,
            10 => Method::AesCmac,
            _ => Method::TdesZero,
        };
        let sheets = components
            .into_iter()
            .map(|component| Sheet {
                value: Kcv::compute(method, &component).unwrap().hex(),
                component,
            })
            .collect();
        let value = value.to_owned();
        Self {
            sheets: Arc::new(Mutex::new(sheets)),
            slip: Arc::new(Mutex::new(Box::new(|_, _, _, _| {}))),
            partner: Arc::new(Mutex::new(Box::new(move |_| value.clone()))),
        }
    }

    pub fn sheets(&self) -> Vec<Sheet> {
        self.sheets.lock().unwrap().clone()
    }

    pub fn slip(&self, slip: impl Fn(usize, usize, usize, &mut [u8]) + Send + 'static) {
        *self.slip.lock().unwrap() = Box::new(slip);
    }

    /// The sheet says another check value than its component has.
    pub fn value_of(&self, sheet: usize, value: &str) {
        self.sheets.lock().unwrap()[sheet - 1].value = value.to_owned();
    }

    pub fn partner_says(&self, value: &str) {
        let value = value.to_owned();
        self.partner(move |_| value.clone());
    }

    pub fn partner(&self, says: impl Fn(usize) -> String + Send + 'static) {
        *self.partner.lock().unwrap() = Box::new(says);
    }

    /// The answers.
    pub fn at(&self) -> At {
        let this = self.clone();
        let mut typings: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut asked = 0;
        Box::new(move |prompt, _| {
            let sheet = prompt
                .title
                .strip_prefix("Component ")
                .or(prompt.title.strip_prefix("Share "))
                .and_then(|rest| rest.split([' ', ',']).next())
                .and_then(|n| n.parse::<usize>().ok());
            match (&prompt.ask, prompt.code.as_str()) {
                (Ask::Groups(groups), _) => {
                    let sheet = sheet.expect("a component is named");
                    let line = usize::from(groups.line);
                    let bytes = this.sheets.lock().unwrap()[sheet - 1].component
                        [(line - 1) * 8..line * 8]
                        .to_vec();
                    let letter = line_check(groups.line, &bytes);
                    let mut digits = hex(&bytes).into_bytes();
                    let typing = typings.entry((sheet, line)).or_default();
                    *typing += 1;
                    (this.slip.lock().unwrap())(sheet, line, *typing, &mut digits);
                    if groups.check {
                        digits.push(letter);
                    }
                    Some(Answer::Secret(Secret::take(&mut digits)))
                }
                (_, "enter.kcv") => {
                    let sheet = sheet.expect("a component is named");
                    Some(Answer::Word(
                        this.sheets.lock().unwrap()[sheet - 1].value.clone(),
                    ))
                }
                (Ask::Text { .. }, code) if code.starts_with("combine.") => {
                    asked += 1;
                    Some(Answer::Word((this.partner.lock().unwrap())(asked)))
                }
                _ => None,
            }
        })
    }
}
