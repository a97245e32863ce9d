//! A file of cards, taken whole or not at all.

use std::collections::BTreeMap;

use conclave_crypto::card::pan::{Pan, PanError};
use conclave_keyroom::domain::pin_marks::Mark;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::against::{Against, At, InFile, validation_of};
use super::card::Card;
use super::card_values::is_month;
use super::fault::{Fault, Wrong};
use super::findings::Findings;
use super::rows::{self, Cell, Row};
use super::template::{CardName, FieldName, Method, Template, block_format, output_format};

/// A file of cards that is good.
pub struct Batch {
    /// Its id, of the header.
    pub id: String,
    /// For whom.
    pub issuer: String,
    /// The cards, in the order of the file.
    pub cards: Vec<Card>,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// How many of its cards had a mailer before.
    pub again: u32,
}

/// The address, line by line.
const ADDRESS: [FieldName; 4] = [
    FieldName::Address1,
    FieldName::Address2,
    FieldName::Address3,
    FieldName::Address4,
];

/// Looks at a file by its template.
struct Check<'a> {
    template: &'a Template,
    found: Findings,
}

impl Check<'_> {
    fn fault(&mut self, cell: &Cell, what: Wrong) {
        self.found.push(Fault {
            line: cell.line,
            column: cell.column,
            field: Some(cell.name),
            what,
        });
    }

    /// One fault in a place is enough; a field that the file does not have stands
    /// for its row.
    fn once(&mut self, row: &Row, name: FieldName, what: Wrong) {
        let cell = row.cells.iter().find(|cell| cell.name == name);
        let (line, column) = cell.map_or((row.line, 0), |cell| (cell.line, cell.column));
        self.found.push_once(Fault {
            line,
            column,
            field: Some(name),
            what,
        });
    }

    /// The address line that is printed as the so-manyth: empty ones and those
    /// that are too wide are none.
    fn address_line(&self, row: &Row, at: usize) -> FieldName {
        let width = |name: &FieldName| {
            let mut fields = self.template.input.record.iter();
            fields.find(|field| field.name == *name).map(|f| f.width)
        };
        let printed = |name: &FieldName| {
            let cell = row.cells.iter().find(|cell| cell.name == *name);
            let long = cell.map_or(0, |cell| cell.text.chars().count());
            width(name).is_some_and(|width| (1..=width).contains(&long))
        };
        let mut lines = ADDRESS.into_iter().filter(printed);
        lines.nth(at).unwrap_or(FieldName::Address1)
    }

    /// What does not fit of a card, each in its place.
    fn misfits(&mut self, header: &Row, row: &Row, found: Vec<(At, Wrong)>) {
        for (at, what) in found {
            let name = match at {
                At::Field(name) => name,
                At::AddressLine(at) => self.address_line(row, at),
                At::File => {
                    self.found.push_new(rows::fault(0, 0, what));
                    continue;
                }
            };
            let of = if name.is_header() { header } else { row };
            self.once(of, name, what);
        }
    }

    /// The field, if it is not empty. Width and presence are asked on the way.
    fn field<'r>(&mut self, row: &'r Row, name: FieldName) -> Option<&'r Cell> {
        let input = &self.template.input;
        let all = if name.is_header() {
            &input.header
        } else {
            &input.record
        };
        let field = all.iter().find(|field| field.name == name)?;
        let cell = row.cells.iter().find(|cell| cell.name == name)?;
        let width = cell.text.chars().count();
        if width > field.width {
            self.fault(cell, Wrong::Wide(field.width));
            return None;
        }
        if width == 0 {
            if !field.optional {
                self.fault(cell, Wrong::Missing);
            }
            return None;
        }
        Some(cell)
    }

    /// Digits, `len` of them where that is given.
    fn digits(&mut self, row: &Row, name: FieldName, len: Option<usize>) -> Option<String> {
        let cell = self.field(row, name)?;
        let digits = cell.text.bytes().all(|c| c.is_ascii_digit());
        match digits && len.is_none_or(|len| cell.text.len() == len) {
            true => Some(cell.text.to_string()),
            false => {
                let what = match len {
                    Some(2) => "two digits",
                    Some(3) => "three digits",
                    Some(4) => "four digits",
                    _ => "digits",
                };
                self.fault(cell, Wrong::Not(what));
                None
            }
        }
    }

    /// A number that fits, with its cell.
    fn number<'r>(&mut self, row: &'r Row, name: FieldName) -> Option<(&'r Cell, u64)> {
        let text = self.digits(row, name, None)?;
        let cell = row.cells.iter().find(|cell| cell.name == name)?;
        match text.parse() {
            Ok(number) => Some((cell, number)),
            Err(_) => {
                self.fault(cell, Wrong::Not("a number that fits"));
                None
            }
        }
    }

    /// A name of ids and references: what a file name or a report can hold.
    fn plain(&mut self, row: &Row, name: FieldName) -> Option<String> {
        let cell = self.field(row, name)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match cell.text.chars().all(plain) {
            true => Some(cell.text.to_string()),
            false => {
                self.fault(cell, Wrong::Not("letters, digits, hyphens and dots"));
                None
            }
        }
    }

    /// The issuer's reference. Where the output names cards by nothing else, each has
    /// one: a line without it would be nobody's.
    fn reference(&mut self, row: &Row) -> Option<String> {
        let found = self.plain(row, FieldName::Reference);
        if found.is_none() && self.template.output.card == CardName::Reference {
            self.once(row, FieldName::Reference, Wrong::Missing);
        }
        found
    }

    fn pan(&mut self, row: &Row) -> Option<Pan> {
        let cell = self.field(row, FieldName::Pan)?;
        let least = least_digits(self.template);
        match Pan::checked(&cell.text) {
            Ok(pan) if pan.digits().len() >= least => return Some(pan),
            Ok(pan) if pan.digits().len() >= 12 => {
                self.fault(cell, Wrong::Not("long enough for this template"));
            }
            Err(PanError::Check) => self.fault(cell, Wrong::Luhn),
            _ => self.fault(cell, Wrong::Not("a card number of 12 to 19 digits")),
        }
        None
    }

    fn pin_length(&mut self, row: &Row) -> usize {
        let lengths = &self.template.pin.lengths;
        let usual = lengths.first().copied().unwrap_or(4);
        match self.number(row, FieldName::PinLength) {
            None => usual,
            Some((_, found)) if lengths.iter().any(|length| *length as u64 == found) => {
                found as usize
            }
            Some((cell, _)) => {
                self.fault(cell, Wrong::Not("a length that the template allows"));
                usual
            }
        }
    }

    /// Where a record says how long its PIN is, the PIN in its block is so long.
    fn same_length(&mut self, row: &Row, said: usize, is: usize) {
        let mut cells = row.cells.iter();
        let stated = cells.any(|c| c.name == FieldName::PinLength && !c.text.is_empty());
        if stated && said != is {
            self.once(row, FieldName::PinLength, Wrong::OtherLength);
        }
    }

    fn pin_block(&mut self, row: &Row) -> Option<Vec<u8>> {
        let format = block_format(self.template.pin.block.as_deref()?)?;
        let cell = self.field(row, FieldName::PinBlock)?;
        let digits: Option<Vec<u8>> = cell
            .text
            .chars()
            .map(|c| c.to_digit(16).map(|half| half as u8))
            .collect();
        match digits {
            Some(digits) if digits.len() == 2 * format.block_len() => {
                Some(digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect())
            }
            _ => {
                self.fault(cell, Wrong::Not("a PIN block in hexadecimal"));
                None
            }
        }
    }

    fn language(&mut self, row: &Row) -> Option<String> {
        let cell = self.field(row, FieldName::Language)?;
        match cell.text.len() == 2 && cell.text.chars().all(|c| c.is_ascii_lowercase()) {
            true => Some(cell.text.to_string()),
            false => {
                self.fault(cell, Wrong::Not("two small letters"));
                None
            }
        }
    }

    /// Four digits; with a month in them where card values are made of it.
    fn expiry(&mut self, row: &Row) -> Option<String> {
        let found = self.digits(row, FieldName::Expiry, Some(4))?;
        let order = self.template.output.card_values.map(|rules| rules.expiry);
        let cell = row.cells.iter().find(|c| c.name == FieldName::Expiry)?;
        match order.is_none_or(|order| is_month(&found, order)) {
            true => Some(found),
            false => {
                self.fault(cell, Wrong::Not("a month and a year"));
                None
            }
        }
    }

    /// Three digits; with card values neither 000 nor 999, which stand for the
    /// CVV2 and the iCVV: the CVV of such a stripe would be one of those.
    fn service_code(&mut self, row: &Row) -> Option<String> {
        let found = self.digits(row, FieldName::ServiceCode, Some(3))?;
        let cell = row
            .cells
            .iter()
            .find(|c| c.name == FieldName::ServiceCode)?;
        let made = self.template.output.card_values.is_some();
        match made && matches!(found.as_str(), "000" | "999") {
            false => Some(found),
            true => {
                self.fault(cell, Wrong::Not("a service code"));
                None
            }
        }
    }

    /// What is printed on the form beside the PIN has no digits of the card's
    /// number, however they are divided among name, address and what else is printed.
    fn no_number_beside(&mut self, row: &Row, pan: &Pan) {
        let cells = std::iter::once(FieldName::Holder)
            .chain(ADDRESS)
            .chain(FieldName::hosts())
            .filter_map(|name| row.cells.iter().find(|cell| cell.name == name));
        let cells: Vec<&Cell> = cells.collect();
        if let Some(cell) =
            tells(pan, cells.iter().copied()).or_else(|| tells_in_pieces(pan, &cells))
        {
            self.fault(cell, Wrong::CardNumber);
        }
    }

    fn card(&mut self, row: &Row) -> Option<Card> {
        let pan = self.pan(row);
        if let Some(pan) = &pan {
            self.no_number_beside(row, pan);
        }
        let sequence = self.digits(row, FieldName::Sequence, Some(2));
        let expiry = self.expiry(row);
        let service_code = self.service_code(row);
        let holder = self.field(row, FieldName::Holder);
        let holder = holder.map(|cell| cell.text.clone());
        let address = ADDRESS
            .into_iter()
            .filter_map(|name| self.field(row, name))
            .map(|cell| cell.text.clone())
            .collect();
        let host = FieldName::hosts()
            .zip(0..)
            .filter(|(name, _)| self.template.has(*name))
            .map(|(name, number)| {
                let cell = self.field(row, name);
                (
                    number,
                    cell.map(|cell| cell.text.clone()).unwrap_or_default(),
                )
            })
            .collect();
        let language = self.language(row);
        let pin_length = self.pin_length(row);
        let pin_block = match self.template.pin.method {
            Method::Host => self.pin_block(row),
            _ => None,
        };
        let pin_version = self.number(row, FieldName::PinVersion);
        let reference = self.reference(row);
        Some(Card {
            pan: pan?,
            sequence: sequence.unwrap_or_else(|| "00".to_owned()),
            expiry,
            service_code,
            holder,
            address,
            host,
            language,
            pin_length,
            pin_block,
            pin_version: pin_version.map_or(0, |(_, version)| version),
            pin_mark: None,
            reference,
        })
    }
}

/// More digits in a row than a hint has: whoever finds the mailer and these
/// needs few tries for the rest.
const TELLING: usize = 8;

/// The shortest piece of a card's number that counts, and how many of its digits may
/// stand there in such pieces, in whatever order. One piece is a postal code by chance,
/// and two are: three are not.
const PIECE: usize = 4;
const IN_PIECES: usize = 3 * PIECE;

/// The cell with which pieces of a card's number, each of four digits or more, come to
/// twelve digits.
fn tells_in_pieces<'r>(pan: &Pan, cells: &[&'r Cell]) -> Option<&'r Cell> {
    let pan = pan.digits().as_bytes();
    let mut told = 0;
    for &cell in cells {
        let digits = cell.text.bytes().filter(u8::is_ascii_digit);
        let digits = Zeroizing::new(digits.collect::<Vec<u8>>());
        let mut rest = digits.as_slice();
        while rest.len() >= PIECE {
            let longest = (PIECE..=rest.len()).rev().find(|len| {
                let piece = rest.get(..*len).unwrap_or_default();
                pan.windows(*len).any(|part| part == piece)
            });
            told += longest.unwrap_or(0);
            if told >= IN_PIECES {
                return Some(cell);
            }
            rest = rest.get(longest.unwrap_or(1)..).unwrap_or_default();
        }
    }
    None
}

/// The cell in which a card's number shows, if it does: all digits are taken
/// together, whatever stands between them.
fn tells<'r>(pan: &Pan, cells: impl Iterator<Item = &'r Cell>) -> Option<&'r Cell> {
    let mut digits = Zeroizing::new([0u8; TELLING]);
    let mut count = 0usize;
    for cell in cells {
        for digit in cell.text.bytes().filter(u8::is_ascii_digit) {
            digits.rotate_left(1);
            digits[TELLING - 1] = digit;
            count += 1;
            let mut parts = pan.digits().as_bytes().windows(TELLING);
            if count >= TELLING && parts.any(|part| part == digits.as_slice()) {
                return Some(cell);
            }
        }
    }
    None
}

/// How long card numbers are at least: for the PVV, for PIN blocks that are
/// bound to them, for validation data.
fn least_digits(template: &Template) -> usize {
    let bound = [
        template.pin.block.as_deref().and_then(block_format),
        template.output.block.as_deref().and_then(output_format),
    ];
    let bound = bound.into_iter().flatten();
    let bound = bound.filter(|format| format.takes_pan()).map(|_| 13);
    let validation = template
        .pin
        .validation
        .map(|v| v.from.saturating_add(v.count));
    bound.chain(validation).fold(12, usize::max)
}

/// The lowest sixteen digits of a sum of card numbers.
fn hash_total(cards: &[Card]) -> u64 {
    let ten16 = 10_000_000_000_000_000u128;
    let sum = cards.iter().fold(0u128, |sum, card| {
        let number: u128 = card.pan.digits().parse().unwrap_or_default();
        (sum + number) % ten16
    });
    sum as u64
}

/// Reads a file by its template: a batch, or every fault that was found.
///
/// # Errors
/// The faults; then nothing of the file is taken.
pub fn read(template: &Template, bytes: &[u8], against: &Against<'_>) -> Result<Batch, Vec<Fault>> {
    let before = against.before;
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    if before.has_file(&digest) {
        return Err(vec![rows::fault(0, 0, Wrong::SameFile)]);
    }
    let rows = rows::read(&template.input, bytes)?;
    if rows.records.is_empty() {
        return Err(vec![rows::fault(0, 0, Wrong::None)]);
    }
    let mut check = Check {
        template,
        found: Findings::default(),
    };
    let id = check.plain(&rows.header, FieldName::Batch);
    let issuer = check
        .plain(&rows.header, FieldName::Issuer)
        .unwrap_or_default();
    if let Some(chosen) = against.issuer.filter(|chosen| *chosen != issuer) {
        let what = Wrong::Issuer(chosen.to_owned());
        check.once(&rows.header, FieldName::Issuer, what);
    }
    let count = check.number(&rows.header, FieldName::Count);
    let total = check.number(&rows.header, FieldName::HashTotal);
    // By a digest, so that no further copy of a card number lies about.
    let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut natural: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut pins: BTreeMap<Mark, usize> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut cards = Vec::with_capacity(rows.records.len());
    let mut again = 0;
    for (row, number) in rows.records.iter().zip(1..) {
        let Some(mut card) = check.card(row) else {
            continue;
        };
        let mut key = Sha256::new();
        key.update(card.pan.digits());
        key.update("/");
        key.update(&card.sequence);
        let key = key.finalize().into();
        let first = seen.get(&key).copied();
        if let (Some(first), Some(cell)) = (first, check.field(row, FieldName::Pan)) {
            check.fault(cell, Wrong::Twice(first));
        }
        seen.entry(key).or_insert(row.line);
        // The batch's id stands on the form.
        let of_batch = rows.header.cells.iter();
        let of_batch = of_batch.filter(|cell| cell.name == FieldName::Batch);
        if let Some(cell) = tells(&card.pan, of_batch) {
            check.fault(cell, Wrong::CardNumber);
        }
        if let (CardName::Reference, Some(name)) = (template.output.card, &card.reference) {
            if let Some(first) = names.get(name) {
                let what = Wrong::SameReference(*first);
                check.once(row, FieldName::Reference, what);
            }
            names.entry(name.clone()).or_insert(row.line);
        }
        let validation = validation_of(template, &card);
        if let Some(validation) = &validation {
            let shared: [u8; 32] = Sha256::digest(validation.as_bytes()).into();
            let other = natural.get(&shared).copied();
            // The same card twice was told above.
            if let (Some(line), None, Some(cell)) = (other, first, check.field(row, FieldName::Pan))
            {
                check.fault(cell, Wrong::SameNatural(line));
            }
            natural.entry(shared).or_insert(row.line);
        }
        let same_pin =
            validation.is_some_and(|validation| before.has_natural_pin(&issuer, &validation));
        let mailed = before.had_card(&card);
        let mut told = first.is_some();
        if mailed.is_some() || same_pin {
            // A host that counted up made another PIN, or says so: see below.
            let newer = mailed.is_some_and(|version| version < card.pin_version);
            again += u32::from(!newer);
            // Its PIN would be on two papers.
            let what = match template.pin.method {
                Method::Host if newer => None,
                Method::Host => Some(Wrong::Mailed),
                Method::Ibm3624Natural => Some(Wrong::MailedNatural),
                Method::RandomPvv | Method::Ibm3624Offset => None,
            };
            if let (Some(what), Some(cell)) = (what, check.field(row, FieldName::Pan)) {
                check.fault(cell, what);
                told = true;
            }
        }
        if let Some(fit) = against.fit.filter(|_| !check.found.are_enough()) {
            let file = InFile {
                batch: id.as_deref().unwrap_or_default(),
                number,
                of: rows.records.len(),
            };
            let said = card.pin_length;
            let found = fit.misfits(file, &mut card);
            let is = card.pin_length;
            check.misfits(&rows.header, row, found);
            check.same_length(row, said, is);
        }
        if let Some(mark) = card.pin_mark {
            let what = match pins.get(&mark) {
                _ if before.has_pin(&mark) => Some(Wrong::SamePin),
                other => other.copied().map(Wrong::SamePinAs),
            };
            if let Some(what) = what.filter(|_| !told) {
                check.once(row, FieldName::PinBlock, what);
            }
            pins.entry(mark).or_insert(row.line);
        }
        cards.push(card);
    }
    let found = rows.records.len() as u64;
    if let Some((cell, said)) = count.filter(|(_, said)| *said != found) {
        check.fault(cell, Wrong::Count { said, found });
    }
    // The sum is asked only where every card is good: else it is wrong anyway.
    if cards.len() as u64 == found
        && let Some((cell, _)) = total.filter(|(_, total)| *total != hash_total(&cards))
    {
        check.fault(cell, Wrong::HashTotal);
    }
    let replayed = id.as_ref().is_some_and(|id| before.has_batch(&issuer, id));
    if replayed && let Some(cell) = check.field(&rows.header, FieldName::Batch) {
        check.fault(cell, Wrong::Replayed);
    }
    match (id, check.found.are_none()) {
        (Some(id), true) => Ok(Batch {
            id,
            issuer,
            cards,
            digest,
            again,
        }),
        _ => Err(check.found.told()),
    }
}
