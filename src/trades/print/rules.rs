//! The rules a layout keeps. They stand in code, not in the file: whoever
//! writes a layout cannot move the secret to the outside.

use std::collections::{BTreeMap, BTreeSet};

use super::digit_words;
use super::error::{LayoutError, LayoutFault};
use super::field::FieldName;
use super::kind::{Disclosure, Kind};
use super::layout::{Item, Layout, Page, What};
use super::letters::{has_card_number, has_pin_group, has_value_group};
use super::{escape, rules_place};

/// Empty lines and columns between the outside and a secret.
const GUARD: usize = 2;

pub(super) fn at(item: &Item, fault: LayoutFault) -> LayoutError {
    LayoutError {
        file_line: Some(item.file_line),
        fault,
    }
}

fn whole(fault: LayoutFault) -> LayoutError {
    LayoutError {
        file_line: None,
        fault,
    }
}

/// Everything that a form must not be. Numbers that are out of bounds come
/// alone: nothing is looked for on such a form.
pub fn faults(layout: &Layout) -> Vec<LayoutError> {
    let mut faults: Vec<LayoutError> = sizes(layout).into_iter().map(whole).collect();
    if !faults.is_empty() {
        return faults;
    }
    // Where it stands beside the PIN, a title is a text like any.
    let outside = |name: FieldName| {
        let mut of = layout.places().filter(|(_, place)| place.name == name);
        of.all(|(item, _)| rules_place::is_outside(layout, item))
    };
    for (what, text, outside) in [
        ("the name", &layout.name, true),
        ("the title", &layout.title, outside(FieldName::Title)),
    ] {
        faults.extend(letters(layout.kind, outside, what, text).map(whole));
    }
    faults.extend(settings(layout).into_iter().map(whole));
    for item in &layout.items {
        faults.extend(words(layout, item).map(|fault| at(item, fault)));
        faults.extend(areas(layout, item).map(|fault| at(item, fault)));
    }
    rules_place::overlaps(layout, &mut faults);
    counts(layout, &mut faults);
    let folds = layout
        .items
        .iter()
        .any(|item| matches!(item.what, What::Fold { .. }) && item.line == layout.outside_lines);
    let folded = layout.kind.has_secret() && layout.disclosure == Disclosure::OpenSheet;
    if folded && !folds {
        faults.push(whole(LayoutFault::NoFold(layout.outside_lines)));
    }
    faults
}

/// Numbers that are out of bounds.
pub(super) fn sizes(layout: &Layout) -> Vec<LayoutFault> {
    let mut faults = Vec::new();
    let mut size = |what, found: usize, least, most| {
        if !(least..=most).contains(&found) {
            faults.push(LayoutFault::Size {
                what,
                found,
                least,
                most,
            });
        }
    };
    let component = layout.kind == Kind::Component;
    let (widest, longest) = match layout.page {
        Page::A4 => (80, 68),
        Page::Letter => (80, 64),
        Page::Continuous => (136, 127),
    };
    let (least_columns, least_lines) = if component { (68, 24) } else { (20, 3) };
    let widest_form = if component { 80 } else { widest };
    size("columns", layout.columns, least_columns, widest_form);
    size("lines", layout.lines, least_lines, longest);
    size("across", layout.across, 1, 2);
    if layout.across == 2 {
        let most = widest.saturating_sub(layout.columns);
        size("offset", layout.offset, layout.columns, most);
    }
    size("pin_digits", layout.pin_digits, 4, 12);
    let version = usize::try_from(layout.version).unwrap_or(usize::MAX);
    size("version", version, 1, 9999);
    // The outside has to leave room for what is inside.
    let most = layout.lines.saturating_sub(GUARD + 1);
    if component {
        size("outside_lines", layout.outside_lines, 6, most);
    } else if layout.kind.has_secret() {
        size("outside_lines", layout.outside_lines, 0, most);
    } else {
        size("outside_lines", layout.outside_lines, 0, 0);
        size("areas of the outside", layout.outside.len(), 0, 0);
    }
    size("areas of the outside", layout.outside.len(), 0, 8);
    // Cut sheets have one grid; continuous forms are printed for several.
    let fixed = layout.page != Page::Continuous;
    for (what, found, least, other) in [
        ("columns_to_the_inch", layout.columns_to_the_inch, 10, 12),
        ("lines_to_the_inch", layout.lines_to_the_inch, 6, 8),
    ] {
        let most = if fixed { least } else { other };
        if found != least && found != most {
            faults.push(LayoutFault::Size {
                what,
                found,
                least,
                most,
            });
        }
    }
    faults
}

/// What concerns the layout as a whole.
fn settings(layout: &Layout) -> Vec<LayoutFault> {
    let mut faults = Vec::new();
    if layout.kind.has_secret() && layout.outside.is_empty() {
        faults.push(LayoutFault::NoOutside);
    }
    let blind = layout.disclosure == Disclosure::BlindMailer;
    // Whoever takes the half of a passphrase or recovery words looks whether they are
    // legible, and there is no dialogue for a form that stays closed.
    let wrong = match layout.kind {
        Kind::PinMailer => !blind,
        Kind::Component => false,
        _ => blind,
    };
    if wrong {
        faults.push(LayoutFault::Disclosure {
            kind: layout.kind,
            found: layout.disclosure,
        });
    }
    if blind
        && layout.page != Page::Continuous
        && ![&layout.stock, &layout.toner].into_iter().all(is_named)
    {
        faults.push(LayoutFault::NoStock);
    }
    for (what, text) in [("the stock", &layout.stock), ("the toner", &layout.toner)] {
        if let Some(text) = text {
            faults.extend(letters(Kind::Envelope, true, what, text));
        }
    }
    if digit_words::longest(&layout.language).is_none() {
        faults.push(LayoutFault::Language(layout.language.clone()));
    }
    for area in &layout.outside {
        let fits = area.line >= 1
            && area.column >= 1
            && area.width >= 1
            && area.height >= 1
            && area.line.saturating_add(area.height) <= layout.lines + 1
            && area.column.saturating_add(area.width) <= layout.columns + 1;
        if !fits {
            faults.push(LayoutFault::Overflow {
                item: "an area of the outside".to_owned(),
                line: area.line,
                column: area.column,
                lines: layout.lines,
                columns: layout.columns,
            });
        }
    }
    faults
}

/// A fixed text: printable ASCII, not empty, not like the form's secret.
fn letters(kind: Kind, outside: bool, item: &str, text: &str) -> Option<LayoutFault> {
    let item = item.to_owned();
    if text.trim().is_empty() {
        return Some(LayoutFault::Empty(item));
    }
    if let Some(character) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Some(LayoutFault::Character { item, character });
    }
    if has_card_number(text) {
        return Some(LayoutFault::LooksLikePan(item));
    }
    if kind == Kind::Component && has_value_group(text) {
        return Some(LayoutFault::LooksLikeValue(item));
    }
    if kind == Kind::PinMailer && !outside && has_pin_group(text) {
        return Some(LayoutFault::LooksLikePin(item));
    }
    None
}

fn words(layout: &Layout, item: &Item) -> Option<LayoutFault> {
    match &item.what {
        What::Text { text, .. } | What::Fold { text } => {
            let outside = rules_place::is_outside(layout, item);
            letters(layout.kind, outside, &item.title(), text)
        }
        What::Frame { width, height } if *width < 2 || *height < 2 => {
            Some(LayoutFault::Empty(item.title()))
        }
        What::Frame { .. } => None,
        What::Field(place) => rules_place::room(layout, place),
        What::Escape { language, code } => {
            let known = escape::EscapeLanguage::from_name(language)
                .is_some_and(|known| escape::allowed(known, code));
            (!known).then(|| LayoutFault::Escape {
                printer: language.clone(),
                code: code.iter().map(|byte| format!("{byte:02X}")).collect(),
            })
        }
    }
}

/// What may stand where.
fn areas(layout: &Layout, item: &Item) -> Option<LayoutFault> {
    let What::Field(place) = &item.what else {
        return None;
    };
    let name = place.name;
    let kind = layout.kind;
    if !kind.may(name, true) && !kind.may(name, false) {
        return Some(match name {
            FieldName::Pan if kind.has_secret() => LayoutFault::PanBesideSecret,
            field => LayoutFault::NotOfKind { field, kind },
        });
    }
    if name == FieldName::CardHint && !layout.card_hint {
        return Some(LayoutFault::CardHint);
    }
    let outside = rules_place::is_outside(layout, item);
    if outside && !kind.may(name, true) {
        return Some(LayoutFault::Outside {
            field: name,
            line: item.line,
        });
    }
    if outside && !rules_place::is_wholly_outside(layout, item) {
        return Some(LayoutFault::Straddles {
            field: name,
            line: item.line,
        });
    }
    if !outside && !kind.may(name, false) {
        return Some(LayoutFault::NotOfKind { field: name, kind });
    }
    if name.is_secret() && rules_place::near_outside(layout, item, GUARD) {
        return Some(LayoutFault::NearOutside {
            what: name.secret_title(),
            guard: GUARD,
        });
    }
    None
}

fn counts(layout: &Layout, faults: &mut Vec<LayoutError>) {
    let mut seen = BTreeSet::new();
    let mut languages: BTreeMap<FieldName, BTreeSet<&str>> = BTreeMap::new();
    for (item, place) in layout.places() {
        let area = area(rules_place::is_outside(layout, item));
        // Digit words may stand there once in each language.
        let language = match (place.name, &place.language) {
            (FieldName::PinWords, Some(language)) => language.as_str(),
            _ => "",
        };
        let new_language = languages.entry(place.name).or_default().insert(language);
        let new = seen.insert((place.name, area));
        if !new && (place.name != FieldName::PinWords || !new_language) {
            let field = place.name;
            faults.push(at(item, LayoutFault::Duplicate { field, area }));
        }
    }
    let needs = layout
        .kind
        .outside_needs()
        .iter()
        .map(|field| (*field, true));
    let needs = needs.chain(
        layout
            .kind
            .inside_needs()
            .iter()
            .map(|field| (*field, false)),
    );
    for (field, outside) in needs {
        let area = area(outside);
        if !seen.contains(&(field, area)) {
            faults.push(whole(LayoutFault::Missing { field, area }));
        }
    }
}

fn area(outside: bool) -> &'static str {
    if outside { "outside" } else { "inside" }
}

/// TRUE for words that tell a maker and a number from others: `-` and `x` do not.
fn is_named(words: &Option<String>) -> bool {
    const LEAST: usize = 6;
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    words.as_deref().is_some_and(|text| letters(text) >= LEAST)
}
