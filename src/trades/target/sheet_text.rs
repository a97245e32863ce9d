//! What run sheets of several targets have in common: head, wrapping key, end,
//! and lines of a profile with their places filled in.

use std::fmt::Write as _;

use conclave_keyroom::domain::target_system::Settings;

use super::{Sheet, Target, TargetError, shipped};
use crate::media::check_name;

/// The first step of every run sheet: with our program, or with anybody's.
pub(crate) fn check_bundle(folder: &str) -> String {
    let mut out = String::new();
    push_wrapped(
        &mut out,
        "",
        &format!("1. Check the bundle: conclave-verify {folder}"),
    );
    for text in check_steps() {
        push_wrapped(&mut out, "   ", text);
    }
    out
}

/// How the digests are compared, with our program and without it.
pub(crate) fn check_steps() -> [&'static str; 3] {
    [
        "Compare the manifest's digest with the words that the key room read to you.",
        "Without that program: sha256sum manifest.txt shows the digits that the key room reads \
         to you, and sha256sum of each other file those under its name in manifest.txt \
         (manifest.cbor and authority.cbor have none there, and are not loaded).",
        "Where anything differs, or a file is too many, load nothing.",
    ]
}

/// The widest line that a terminal and a page have.
const WIDTH: usize = 78;

/// Title, recipient, how sure it is, and the first step.
pub(super) fn head(target: &dyn Target, sheet: &Sheet<'_>) -> String {
    let (folder, mode) = (sheet.folder, sheet.mode);
    format!(
        "RUN SHEET  {folder}  {mode}\nfor {}\n{}, profile {}\nconformance: {}\n\n\
         {}",
        sheet.recipient,
        target.title(),
        sheet.settings.profile.stamp(),
        target.conformance().words(),
        check_bundle(folder),
    )
}

/// The second step: the wrapping key, and how it comes there.
pub(super) fn wrapping_key(sheet: &Sheet<'_>, how: &str) -> String {
    let under = sheet.under;
    let mut out = format!(
        "2. Have this wrapping key in your system, of this check value:\n   {}  {}\n   KCV {}\n",
        under.label,
        under.form,
        under.kcv.words()
    );
    let parts = under.components.len();
    let parts = match parts {
        0 => "its components".to_owned(),
        n => format!("its {n} components"),
    };
    for line in sheet.settings.profile.lines(how) {
        push_wrapped(&mut out, "   ", &filled(line, &[("parts", &parts)]));
    }
    out
}

/// What the codes of an answer mean, from the profile's table.
pub(super) fn errors(settings: &Settings, title: &str) -> String {
    let mut out = format!("\n{title}\n");
    for (code, meaning) in settings.profile.tables.get("error").into_iter().flatten() {
        push_wrapped(&mut out, "   ", &format!("{code}  {meaning}"));
    }
    out
}

/// Lines of a text: of the record's profile, or, where nobody is on record or the record
/// is older than the text, of the profile that came with the program.
pub(super) fn profile_text(profile: &str, settings: &Settings, text: &str) -> Vec<String> {
    match settings.profile.lines(text) {
        [] => shipped::lines(profile, text),
        lines => lines.to_vec(),
    }
}

/// What may be wrong where a system does not take a key, and has codes of its own for
/// it.
pub(super) fn troubles(target: &dyn Target, settings: &Settings) -> String {
    let mut out =
        String::from("\nWhere it is not taken, your system's own code says which it is:\n");
    for line in profile_text(target.name(), settings, "errors") {
        push_wrapped(&mut out, "   ", &line);
    }
    out
}

/// The last steps, the same for every system.
pub(super) fn foot(step: u8) -> String {
    let next = step + 1;
    format!(
        "\n{step}. Compare the check value of each key with the one above. A key with\n   \
         another one is deleted, not used.\n\
         {next}. Send the receipt back, with the check values that you see.\n"
    )
}

/// A line of a profile; `{name}` stands for a value.
pub(super) fn filled(line: &str, values: &[(&str, &str)]) -> String {
    let mut line = line.to_owned();
    for (name, value) in values {
        line = line.replace(&format!("{{{name}}}"), value);
    }
    line
}

/// Adds a text in lines that fit a page, broken at spaces.
pub(super) fn push_wrapped(out: &mut String, indent: &str, text: &str) {
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        let longer = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if longer && line.trim() != "" {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{}", line.trim_end());
            line = format!("{indent}   ");
        }
        if line.trim() != "" || word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// A rule of a target that forbids something, and what to do.
pub(super) fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

/// The name makes a plain file name.
pub(super) fn plain_file(label: &str, name: &str) -> Result<(), TargetError> {
    check_name(name).map_err(|_| {
        rule(
            format!("the label {label} makes no plain file name"),
            "give the key a label that is no device name and begins with a letter or digit",
        )
    })
}

/// Upper-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_in_and_broken_at_spaces() {
        let line = filled("key type {type}, {type}", &[("type", "001")]);
        assert_eq!(line, "key type 001, 001");
        let mut out = String::new();
        push_wrapped(&mut out, "   ", &"word ".repeat(40));
        assert!(out.lines().all(|l| l.chars().count() <= WIDTH), "{out}");
        assert_eq!(out.matches("word").count(), 40);
        let mut long = String::new();
        push_wrapped(&mut long, " ", &"x".repeat(200));
        assert_eq!(long.lines().count(), 1);
    }
}
