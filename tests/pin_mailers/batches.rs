//! Files of cards: taken whole, or refused with the place of every fault.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conclave_crypto::pin::block::decipher;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::authority::Mode;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::domain::form_stock::BatchForms;
use conclave_keyroom::domain::pin_batch::{Cards, Limits, PinBatch, Signing};
use conclave_keyroom::domain::pin_card::{Loss, Lost, PinCard, Values};
use conclave_keyroom::domain::pin_run::Left;
use conclave_keyroom::domain::pin_seen::Shown;
use conclave_keyroom::domain::ranges::Ranges;
use conclave_trades::pin::{
    Against, Batch, Before, Card, CardColumns, CardName, Fault, Keys, Letter, Occasion,
    OutputError, Template, Wrong, issue, issue_anew, read, tracking, write,
};
use conclave_trades::print::Layout;

use super::judge::ask;
use super::psec::{System, hex, text};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn template(name: &str) -> Template {
    let path = root().join("templates/pins").join(format!("{name}.toml"));
    Template::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn of_file(file: &Path) -> Template {
    match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => template("csv-pvv"),
        Some("txt") => template("fixed-offset"),
        _ => template("json-host"),
    }
}

fn good(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/vectors/pins").join(name)).unwrap()
}

/// What each malformed file is told, line by line.
const FAULTS: &[(&str, &str)] = &[
    (
        "batch-name.csv",
        "line 1, column 1: batch is not letters, digits, hyphens and dots",
    ),
    (
        "block-length.json",
        "line 10, column 17: pin-block is not a PIN block in hexadecimal",
    ),
    (
        "byte-order-mark.csv",
        "line 1, column 1: a control character",
    ),
    (
        "carriage-return.csv",
        "line 2, column 30: a control character",
    ),
    (
        "check-digit.csv",
        "line 3, column 1: pan has a wrong check digit",
    ),
    ("control.csv", "line 3, column 30: a control character"),
    (
        "count.csv",
        "line 1, column 14: count says 4, the file has 3",
    ),
    ("direction.csv", "line 2, column 30: a control character"),
    ("empty.csv", "the file: the file is empty"),
    (
        "escape-in-quotes.csv",
        "line 2, column 31: a control character",
    ),
    ("escape.json", "line 11, column 17: a control character"),
    ("expiry.csv", "line 2, column 21: expiry is not four digits"),
    ("fields.csv", "line 3: 8 fields, not 9"),
    ("filler.txt", "line 3, column 58: filler is not spaces"),
    (
        "hash-total.csv",
        "line 1, column 16: hash-total is not the sum of the card numbers",
    ),
    (
        "language.csv",
        "line 2, column 63: language is not two small letters",
    ),
    (
        "letters-in-pan.csv",
        "line 2, column 1: pan is not a card number of 12 to 19 digits",
    ),
    (
        "line-length.txt",
        "line 3: the line is 79 characters long, not 80",
    ),
    ("missing.csv", "line 2, column 26: holder is missing"),
    (
        "name-twice.json",
        "line 9, column 22: not JSON of the template's shape: a name is there twice",
    ),
    (
        "negative.json",
        "line 4, column 11: not JSON of the template's shape: a string or a number of digits is wanted",
    ),
    (
        "nested.json",
        "line 11, column 14: not JSON of the template's shape: a string or a number of digits is wanted",
    ),
    ("no-records.csv", "the file: no records"),
    (
        "no-records.json",
        "the file: not JSON of the template's shape: no records",
    ),
    (
        "not-utf8.csv",
        "line 4, column 1: not UTF-8 from here on: the issuer sends UTF-8, or its template says \
         encoding = \"iso-8859-1\"",
    ),
    (
        "number-in-address.csv",
        "line 2, column 50: address2 has digits of the card's number, and would be printed beside its PIN",
    ),
    (
        "number-in-batch.csv",
        "line 1, column 1: batch has digits of the card's number, and would be printed beside its PIN",
    ),
    (
        "open-quote.csv",
        "line 2, column 66: a quote is in the wrong place",
    ),
    (
        "other-digits.csv",
        "line 2, column 21: expiry is not four digits",
    ),
    (
        "pin-length.txt",
        "line 3, column 26: pin-length is not a length that the template allows",
    ),
    (
        "quote.csv",
        "line 2, column 28: a quote is in the wrong place",
    ),
    (
        "reference-missing.txt",
        "line 3, column 61: reference is missing",
    ),
    (
        "reference-twice.txt",
        "line 4, column 61: reference is the reference of line 2, and the output names cards by \
         nothing else",
    ),
    (
        "short-pan.csv",
        "line 2, column 1: pan is not a card number of 12 to 19 digits",
    ),
    (
        // Names and letters are told one by one; what is no JSON of this shape ends it.
        "several-faults.json",
        "line 9, column 22: not JSON of the template's shape: a name is there twice\n\
         line 11, column 17: a control character\n\
         line 13, column 4: not JSON of the template's shape: the template has no such field\n\
         line 17, column 4: not JSON of the template's shape: the template has no such field\n\
         line 18, column 17: not JSON of the template's shape: a string or a number of digits is wanted",
    ),
    (
        "surrogate.json",
        "line 11, column 24: not JSON of the template's shape: half a surrogate pair",
    ),
    (
        "trailing.json",
        "line 16, column 1: not JSON of the template's shape: something follows the object",
    ),
    (
        "twice.csv",
        "line 4, column 1: pan is the card of line 2 again",
    ),
    (
        "unclosed.json",
        "line 12, column 10: not JSON of the template's shape: a string does not end",
    ),
    (
        "unknown-name.json",
        "line 13, column 4: not JSON of the template's shape: the template has no such field",
    ),
    (
        "wide.csv",
        "line 2, column 26: holder is wider than 35 characters",
    ),
];

fn words(faults: &[Fault]) -> String {
    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
    words.join("\n")
}

#[test]
fn every_malformed_file_is_refused_at_its_place() {
    let folder = root().join("tests/malformed/pins");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let found = read(
            &of_file(&path),
            &fs::read(&path).unwrap(),
            &Against::NOTHING,
        );
        seen.insert(name.clone());
        match (found, name.as_str()) {
            (Ok(_), "same-card-other-sequence-is-good.csv") => {}
            // Four faults a line, and an end.
            (Err(faults), "many-faults.csv") => assert_eq!(faults.len(), 50),
            (Err(faults), _) => {
                let expected = FAULTS.iter().find(|(file, _)| *file == name);
                if expected.map(|(_, words)| *words) != Some(words(&faults).as_str()) {
                    wrong.push(format!("{name}: {}", words(&faults)));
                }
            }
            (Ok(_), _) => wrong.push(format!("{name}: taken")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(FAULTS.iter().all(|(file, _)| seen.contains(*file)));
}

/// A card's only name in the output is there, also where its template lets it be empty.
#[test]
fn a_reference_that_is_a_cards_only_name_is_in_every_record() {
    let mut named = template("csv-pvv");
    let file = good("good.csv");
    assert!(read(&named, &file, &Against::NOTHING).is_ok());
    named.output.card = CardName::Reference;
    assert!(read(&named, &file, &Against::NOTHING).is_ok());
    let text = String::from_utf8(file).unwrap();
    let text = text.replace(";R-11129", ";").replace(";R-11137", ";");
    let faults = read(&named, text.as_bytes(), &Against::NOTHING);
    assert_eq!(
        words(&faults.err().unwrap_or_default()),
        "line 3, column 66: reference is missing\nline 4, column 66: reference is missing"
    );
}

struct Seen(&'static str, [u8; 32]);

impl Before for Seen {
    fn has_batch(&self, issuer: &str, id: &str) -> bool {
        issuer == "BANKX" && id == self.0
    }

    fn has_file(&self, digest: &[u8; 32]) -> bool {
        *digest == self.1
    }

    fn had_card(&self, _: &Card) -> Option<u64> {
        None
    }

    fn has_pin(&self, _: &[u8; 8]) -> bool {
        false
    }

    fn has_natural_pin(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// The first record too many and the first field too many end the reading.
#[test]
fn what_is_too_much_is_not_read() {
    let mut few = template("csv-pvv");
    let file = String::from_utf8(good("good.csv")).unwrap();
    let records = file.lines().count() - 1;
    few.input.most = records;
    assert!(read(&few, file.as_bytes(), &Against::NOTHING).is_ok());
    few.input.most = records - 1;
    // What stands after it is no longer looked at: the line would be a fault.
    let longer = format!("{file}one field\n");
    let faults = read(&few, longer.as_bytes(), &Against::NOTHING)
        .err()
        .unwrap();
    let wanted = format!("line {}: more than {} records", records + 1, records - 1);
    assert_eq!(words(&faults), wanted);

    few.input.most = records;
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    lines[1].push_str(";;x\"");
    let faults = read(&few, lines.join("\n").as_bytes(), &Against::NOTHING)
        .err()
        .unwrap();
    assert_eq!(words(&faults), "line 2: more than 9 fields");
}

#[test]
fn a_batch_is_taken_once() {
    let (template, file) = (template("csv-pvv"), good("good.csv"));
    let batch = read(&template, &file, &Against::NOTHING).ok().unwrap();
    assert_eq!((batch.id.as_str(), batch.cards.len()), ("B-0001", 10));
    let after = |seen: Seen| {
        let against = Against {
            before: &seen,
            ..Against::NOTHING
        };
        read(&template, &file, &against)
    };
    let what = |seen: Seen| {
        let faults = after(seen).err().unwrap();
        faults
            .into_iter()
            .map(|fault| fault.what)
            .collect::<Vec<_>>()
    };
    assert_eq!(what(Seen("B-0001", [0; 32])), [Wrong::Replayed]);
    assert_eq!(what(Seen("other", batch.digest)), [Wrong::SameFile]);
    assert!(after(Seen("B-0002", [0; 32])).is_ok());
}

const PVK: &str = "0123456789ABCDEFFEDCBA9876543210";
const ZPK: &str = "13F10E5D868A529E9D2F1A4C07B0C8D3";

fn key(hex: &str) -> Secret {
    let mut bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    Secret::take(&mut bytes)
}

fn opened(template: &Template, batch: &Batch) -> PinBatch {
    let count = batch.cards.len() as u32;
    let nobody = Signing {
        at_ms: 0,
        people: Vec::new(),
    };
    PinBatch {
        id: Id([0; 16]),
        incarnation: Id([0; 16]),
        name: batch.id.clone(),
        issuer: batch.issuer.clone(),
        partner: Id([0; 16]),
        template: template.name.clone(),
        template_digest: Hash([0; 32]),
        layout: "pin-mailer-continuous".into(),
        layout_digest: Hash([0; 32]),
        form: String::new(),
        across: 1,
        printer: "PIN-1".into(),
        input: Hash(batch.digest),
        count,
        method: template.pin.method.words().into(),
        replaces: template.pin.method.can_replace(),
        pin_key: Id([0; 16]),
        zone_key: None,
        cvv_key: None,
        limits: Limits {
            tries: 3,
            replacements: 9,
        },
        raised: Vec::new(),
        cards: Cards {
            waiting: Ranges::of(1, count.into()),
            ..Cards::default()
        },
        window: Vec::new(),
        printed: Vec::new(),
        replaced: 0,
        forms: BatchForms::default(),
        opened: nobody,
        hand_overs: Vec::new(),
        said: Vec::new(),
        followed: Vec::new(),
        printers: Vec::new(),
        test_prints: Vec::new(),
        outputs: 0,
        passed_over_outputs: 0,
        lost_a_range: false,
        exported: None,
        lost_outputs: Vec::new(),
        reconciled: None,
        purged_ms: None,
    }
}

/// A run with one form spoiled and one unknown; psec finds the same value for
/// the PIN that was printed last, and the output has no PIN in it.
#[test]
fn what_goes_back_fits_the_pins_on_paper() {
    let (pvk, zpk) = (key(PVK), key(ZPK));
    let keys = Keys {
        pin: &pvk,
        zone: Some(&zpk),
    };
    let mut random = System::new();
    for (file, name) in [
        ("good.csv", "csv-pvv"),
        ("good.txt", "fixed-offset"),
        ("good.json", "json-host"),
    ] {
        let template = template(name);
        let batch = read(&template, &good(file), &Against::NOTHING)
            .unwrap_or_else(|faults| panic!("{}", words(&faults)));
        let mut run = opened(&template, &batch);
        let mut cards: Vec<PinCard> = (1..)
            .zip(&batch.cards)
            .map(|(number, card)| card.record(run.id, number))
            .collect();
        run.forms.take(500, 519).unwrap();
        let mut paper = vec![String::new(); batch.cards.len()];
        while let Ok(window) = run.intend(4, run.next_form().unwrap_or(0)) {
            let window = window.to_vec();
            for mailer in &window {
                let at = mailer.card as usize - 1;
                let card = Card::of(&cards[at]).unwrap();
                let (pin, stored) = issue(&template, &keys, &card, &mut random).unwrap();
                paper[at] = text(&pin);
                cards[at].is_printed(mailer.form, None, Some(stored));
            }
            // The power goes in the first window; another printer fails later.
            match window[0].card {
                1 => run.interrupted().map(|_| ()).unwrap(),
                _ => {
                    let sent = window.len();
                    let left = Left {
                        sent,
                        ..Left::default()
                    };
                    run.printed(left).unwrap();
                }
            }
            for mailer in window {
                let card = &mut cards[mailer.card as usize - 1];
                match (card.number, card.attempt) {
                    (3, 1) => drop(run.spoil(card, Loss::Missing, 0).unwrap()),
                    (6, 1) => drop(run.spoil(card, Loss::Damaged, 0).unwrap()),
                    _ => {
                        let from = run.state_of(card.number).unwrap();
                        let shown = Shown {
                            first: card.number,
                            last: card.number,
                        };
                        let form = (mailer.form, mailer.form);
                        run.confirm(form, shown, from).unwrap();
                    }
                }
            }
        }
        assert!(matches!(
            write(&template, &run, &cards, CardColumns::None),
            Err(OutputError::Run(_))
        ));
        run.return_rest().unwrap();
        assert!(matches!(
            write(&template, &run, &cards[1..], CardColumns::None),
            Err(OutputError::Mixed)
        ));
        let output = write(&template, &run, &cards, CardColumns::None).unwrap();
        let host = name == "json-host";
        let last = if host {
            "count;10;8;2"
        } else {
            "count;10;10;0"
        };
        assert_eq!(output.lines().last(), Some(last));
        assert_eq!(
            output
                .lines()
                .filter(|line| line.contains(";reissue"))
                .count(),
            if host { 2 } else { 0 }
        );

        let questions: Vec<String> = batch
            .cards
            .iter()
            .zip(&paper)
            .map(|(card, pin)| {
                let (pan, block) = (
                    card.pan.digits(),
                    format!("iso0 {pin} {}", card.pan.digits()),
                );
                match name {
                    "csv-pvv" => format!("pvv {PVK} 1 {pan} {pin}"),
                    "fixed-offset" => format!("offset {PVK} 0123456789012345 {pan} 0 13 {pin}"),
                    _ => block,
                }
            })
            .collect();
        for (at, theirs) in ask(&questions).into_iter().enumerate() {
            let line = output.lines().nth(2 + at).unwrap();
            let columns: Vec<&str> = line.split(';').collect();
            match name {
                "csv-pvv" => {
                    assert_eq!((columns[3], columns[4]), (theirs.as_str(), "1"));
                    assert_eq!(columns[0], batch.cards[at].pan.digits());
                }
                "fixed-offset" => {
                    assert_eq!(columns[5], theirs);
                    assert_eq!(columns[0], format!("REF-{at:04}"));
                    assert!(!line.contains(batch.cards[at].pan.digits()));
                    let clear = decipher(&zpk, key(columns[6]).expose()).unwrap();
                    let [block] = ask(&[format!(
                        "iso0 {} {}",
                        paper[at],
                        batch.cards[at].pan.digits()
                    )])
                    .try_into()
                    .unwrap();
                    assert_eq!(hex(clear.expose()), block);
                }
                _ => {
                    // The host's own PINs, as psec wrapped them.
                    assert_eq!(paper[at], format!("{}", 1230 + at));
                    let result = match at {
                        2 => "reissue-missing",
                        5 => "reissue",
                        _ => "issued",
                    };
                    assert_eq!(columns[2], result);
                }
            }
        }
    }
}

/// An outsider reads the PINs off the forms that went to the printer, and finds
/// with psec the PVVs that went to the issuer.
#[test]
fn the_pins_on_the_forms_have_the_pvvs_of_the_output() {
    let layout = root().join("keymailer-layouts/pin-mailer-continuous.toml");
    let layout = Layout::parse(&fs::read_to_string(layout).unwrap()).unwrap();
    let template = template("csv-pvv");
    let batch = read(&template, &good("good.csv"), &Against::NOTHING)
        .ok()
        .unwrap();
    let pvk = key(PVK);
    let keys = Keys {
        pin: &pvk,
        zone: None,
    };
    let mut random = System::new();
    let mut questions = Vec::new();
    let mut values = Vec::new();
    let on = Occasion {
        mode: Mode::Test,
        station: "KEYROOM-TEST",
        batch: &batch.id,
        wall_ms: 0,
    };
    for (at, card) in batch.cards.iter().enumerate() {
        let letter = Letter {
            on: &on,
            card,
            tracking: tracking(&mut random).unwrap(),
            number: (at + 1, batch.cards.len()),
        };
        let language = PrinterLanguage::Line;
        let shown = letter.preview(&layout, language).unwrap();
        let (pin, stored) = issue(&template, &keys, card, &mut random).unwrap();
        let form = letter.render(&layout, &pin, language).unwrap();
        // The two differ in the digits and nothing else.
        let pairs = shown
            .iter()
            .zip(form.expose())
            .filter(|(x, digit)| x != digit);
        let digits: String = pairs
            .filter(|(x, digit)| **x == b'X' && digit.is_ascii_digit())
            .map(|(_, digit)| char::from(*digit))
            .collect();
        assert!(digits.len() >= 4, "{digits}");
        let printed = &digits[..4];
        assert!(digits.len().is_multiple_of(4) && digits.starts_with(printed));
        let page = String::from_utf8_lossy(&shown).into_owned();
        assert!(page.contains("ANNA"), "{page}");
        for hidden in [card.pan.digits(), &card.pan.truncated()] {
            assert!(!page.contains(hidden));
        }
        questions.push(format!("pvv {PVK} 1 {} {printed}", card.pan.digits()));
        values.push(stored.pvv.unwrap());
    }
    assert_eq!(ask(&questions), values);
}

/// Bytes that come again in the same order.
struct Same(u64);

impl RandomSource for Same {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

#[test]
fn what_is_drawn_again_is_another_pin() {
    let (pvk, zpk) = (key(PVK), key(ZPK));
    let keys = Keys {
        pin: &pvk,
        zone: Some(&zpk),
    };
    for (file, name) in [("good.csv", "csv-pvv"), ("good.txt", "fixed-offset")] {
        let template = template(name);
        let batch = read(&template, &good(file), &Against::NOTHING)
            .unwrap_or_else(|faults| panic!("{}", words(&faults)));
        let card = &batch.cards[0];
        let (first, values) = issue(&template, &keys, card, &mut Same(7)).unwrap();
        let lost = |check: &Values| Lost {
            attempt: 1,
            form: 1,
            loss: Loss::Damaged,
            check: check.check().cloned(),
            at_ms: 0,
        };
        // The generator gives the lost PIN once more: it is passed over.
        let once = [lost(&values)];
        let (second, other) = issue_anew(&template, &keys, card, &once, &mut Same(7)).unwrap();
        assert_ne!(text(&first), text(&second));
        assert_ne!(values.check(), other.check());
        let twice = [lost(&values), lost(&other)];
        let (third, _) = issue_anew(&template, &keys, card, &twice, &mut Same(7)).unwrap();
        assert!(![text(&first), text(&second)].contains(&text(&third)));
        // A card that has lost nothing gets what is drawn first.
        let (again, _) = issue_anew(&template, &keys, card, &[], &mut Same(7)).unwrap();
        assert_eq!(text(&first), text(&again));
    }
}

/// What each malformed template is told.
const TEMPLATE_FAULTS: &[(&str, &str)] = &[
    (
        "denied-of-host.toml",
        "PIN of the host does not know denied: no PIN is drawn",
    ),
    (
        "denied-of-natural.toml",
        "IBM 3624 natural PIN does not know denied: no PIN is drawn",
    ),
    ("no-block-of-host.toml", "PIN of the host needs block"),
    (
        "pin-version-of-drawn.toml",
        "random PIN, Visa PVV does not know the field pin-version",
    ),
    (
        "host-field-of-no-digit.toml",
        "\"host-g\" is no field that a batch knows",
    ),
    (
        "replacement-of-natural.toml",
        "IBM 3624 natural PIN does not know replacement: its PINs cannot change",
    ),
    (
        "replacement-of-six.toml",
        "replacement has 1 to 5 tries, and at most 100 percent",
    ),
    (
        "years-of-longer-pins.toml",
        "denied years are PINs of four digits, and no record may ask for one",
    ),
];

#[test]
fn every_malformed_template_is_told_why() {
    let folder = root().join("tests/malformed/pin-templates");
    let mut told = BTreeSet::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let why = Template::parse(&fs::read_to_string(&path).unwrap()).unwrap_err();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        told.insert((name, why.to_string()));
    }
    let wanted = TEMPLATE_FAULTS.iter();
    let wanted = wanted.map(|(name, why)| (name.to_string(), why.to_string()));
    assert_eq!(told, wanted.collect());
}

#[test]
fn templates_that_are_none() {
    let text = fs::read_to_string(root().join("templates/pins/fixed-offset.toml")).unwrap();
    assert!(Template::parse(&text).is_ok());
    for (from, to) in [
        ("format = \"fixed\"", "format = \"csv\""),
        (
            "decimalisation = \"0123456789012345\"",
            "decimalisation = \"0000000000000000\"",
        ),
        ("decimalisation = \"0123456789012345\"\n", ""),
        ("lengths = [4, 5, 6]", "lengths = [3]"),
        ("lengths = [4, 5, 6]", "lengths = []"),
        ("count = 13", "count = 17"),
        ("pad = \"F\"", "pad = \"G\""),
        ("block = \"iso-0\"", "block = \"iso-2\""),
        (
            "block = \"iso-0\"",
            "block = \"iso-2\"\nblock-reason = \" \"",
        ),
        (
            "block = \"iso-0\"",
            "block = \"iso-0\"\nblock-reason = \"the chip takes it\"",
        ),
        ("block = \"iso-0\"", "block = \"iso-5\""),
        ("method = \"ibm3624-offset\"", "method = \"random-pvv\""),
        (
            "{ name = \"pan\", width = 19 }",
            "{ name = \"pan\", width = 19, optional = true }",
        ),
        (
            "{ name = \"pan\", width = 19 }",
            "{ name = \"holder\", width = 19 }",
        ),
        (
            "{ name = \"batch\", width = 12 }",
            "{ name = \"pan\", width = 12 }",
        ),
        (
            "{ name = \"reference\", width = 20 }",
            "{ name = \"filler\", width = 20 }",
        ),
        ("most = 50000", "most = 0"),
        ("title", "tilte"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(
            Template::parse(&text.replacen(from, to, 1)).is_err(),
            "{to}"
        );
    }
}

/// The same file in ISO 8859-1, by iconv, is the same cards; each encoding refuses the
/// other's letters, with their place.
#[test]
fn a_template_says_in_which_encoding_its_files_come() {
    let text = fs::read_to_string(root().join("templates/pins/csv-pvv.toml")).unwrap();
    let other = text.replace("[input]\n", "[input]\nencoding = \"iso-8859-1\"\n");
    assert_ne!(text, other);
    let (utf8, latin1) = (template("csv-pvv"), Template::parse(&other).unwrap());
    let file = String::from_utf8(good("good.csv")).unwrap();
    assert!(!file.is_ascii(), "it has letters to tell the two apart by");
    let mut iconv = std::process::Command::new("iconv")
        .args(["-f", "UTF-8", "-t", "ISO-8859-1"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = iconv.stdin.take().unwrap();
    std::io::Write::write_all(&mut to, file.as_bytes()).unwrap();
    drop(to);
    let bytes = iconv.wait_with_output().unwrap().stdout;
    let read_by = |template: &Template, bytes: &[u8]| read(template, bytes, &Against::NOTHING);
    let (a, b) = (read_by(&utf8, file.as_bytes()), read_by(&latin1, &bytes));
    let (a, b) = (a.ok().unwrap(), b.ok().unwrap());
    assert_eq!(a.cards.len(), b.cards.len());
    for (a, b) in a.cards.iter().zip(&b.cards) {
        assert!(a.holder == b.holder && a.address == b.address && a.pan == b.pan);
    }
    let faults = read_by(&utf8, &bytes).err().unwrap();
    assert!(words(&faults).contains("not UTF-8 from here on"));
    // A letter of Windows' own is a control character of ISO 8859-1, in its place.
    let mut windows = bytes.clone();
    let at = windows.iter().position(|byte| *byte > 0x7F).unwrap();
    windows[at] = 0x8A;
    let line = windows[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = windows[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap();
    let faults = read_by(&latin1, &windows).err().unwrap();
    let wanted = format!("line {line}, column {}: a control character", at - start);
    assert_eq!(words(&faults), wanted);
    assert!(Template::parse(&other.replace("iso-8859-1", "ibm-1047")).is_err());
}
