//! The run sheet of a hand-over.

use std::fmt::Write as _;

use super::{HandOver, StoreTarget};
use crate::target::sheet_text::check_steps;

/// A line of it, at most 72 characters from a margin.
fn wrapped(out: &mut String, first: &str, text: &str) {
    let margin = " ".repeat(first.len());
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.len() + 1 + word.len() > 74 {
            out.push_str(line.trim_end());
            out.push('\n');
            line.clone_from(&margin);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

pub(super) fn write(target: &dyn StoreTarget, over: &HandOver<'_>) -> String {
    let mut out = String::new();
    let [first, second] = over.holders;
    // Writing to a String does not fail.
    let _ = writeln!(out, "RUN SHEET  {}  {}", over.folder, over.mode);
    let _ = writeln!(out, "for {}", over.recipient);
    let _ = writeln!(out, "{}", target.title());
    let _ = writeln!(out, "conformance: {}\n", target.conformance().words());
    for (at, step) in (1..).zip(
        [
            format!("Check the bundle: conclave-verify {}", over.folder),
            check_steps().join(" "),
            format!(
                "The passphrase comes on paper in two halves of 28 characters. {first} types \
                 half 1, {second} half 2, each alone; it is typed without spaces, and written \
                 nowhere."
            ),
        ]
        .into_iter()
        .chain(target.steps(over)),
    ) {
        wrapped(&mut out, &format!("{at:>2}. "), &step);
    }
    for key in &over.keys {
        let _ = writeln!(out, "\n    {}  as {}", key.key.label, key.alias);
        let _ = writeln!(
            out,
            "    {}  usage {}  check {}",
            key.key.form,
            key.key.usage,
            key.key.kcv.words()
        );
        for (kind, file) in &key.stores {
            let _ = writeln!(out, "    in {file}  ({})", kind.title());
        }
        for file in &key.certificates {
            let _ = writeln!(out, "    certificate {file}");
        }
    }
    out.push('\n');
    wrapped(
        &mut out,
        "    ",
        "When it is loaded: both destroy their halves before a witness, the medium's files are \
         erased, and the receipt goes back with the fingerprints or check values that you see.",
    );
    wrapped(
        &mut out,
        "    ",
        "A store that says \"wrong password\" or \"MAC verify failure\": one half is mistyped, or \
         the file was carried as text. Ask for a new hand-over after three tries.",
    );
    out
}
