//! What the administrator at the target does, expects, and looks up.

use std::fmt::Write as _;

use super::super::sheet_text::check_bundle;
use super::super::{Conformance, Sheet, Target};
use super::{kgup, tokens};

/// The beginning of every run sheet.
fn head(target: &dyn Target, sheet: &Sheet<'_>, out: &mut String) {
    let under = sheet.under;
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "RUN SHEET  {}  {}\nfor {}\n{}\nprofile {}\nconformance: {}\n\n\
         {}",
        sheet.folder,
        sheet.mode,
        sheet.recipient,
        target.title(),
        sheet.settings.profile.stamp(),
        target.conformance().words(),
        check_bundle(sheet.folder),
    );
    let _ = write!(
        out,
        "2. Have this key as importer in your key data set, of this check value:\n   \
         here   {}  {}\n   there  {}\n   KCV {}\n",
        under.label,
        under.form,
        kgup::importer(sheet),
        under.kcv.words(),
    );
}

fn texts(sheet: &Sheet<'_>, name: &str, out: &mut String) {
    for line in sheet.settings.profile.lines(name) {
        let _ = writeln!(out, "   {line}");
    }
}

/// Each record with its label there, and what it has to show.
fn records(sheet: &Sheet<'_>, out: &mut String) {
    let Ok(loaded) = tokens::of_sheet(sheet) else {
        return;
    };
    let mut files = sheet.rows.iter().flat_map(|row| row.payloads);
    for one in &loaded {
        let key = one.key;
        let file = files.next().map_or("", |payload| payload.name.as_str());
        let _ = write!(
            out,
            "\n   {}\n   type {}  {}  KCV {}\n   control vector {}\n   file {}  (key room: {}, \
             usage {}, mode {})\n",
            one.part.label,
            one.part.kind,
            key.form,
            key.kcv.words(),
            one.part.vector,
            file,
            key.label,
            key.usage,
            key.mode_of_use,
        );
    }
}

/// How check values are compared: of tokens and of blocks it is another program's
/// work.
const TOKENS: &str = "(CSNBKYT with ENC-ZERO shows it; the loader does so by itself).";
const BLOCKS: &str = "(t31load.rex does so by itself for double-length DES and for HMAC keys.\n   \
                      For all others it does NOT: do it by hand, with Key Test2, CSNBKYT2).";

fn tail(sheet: &Sheet<'_>, step: u8, how: &str, out: &mut String) {
    let _ = write!(
        out,
        "\n{step}. Compare the check value of each key with the one above\n   {how}\n\
         {}. Send the receipt back, with the check values that you see.\n\n\
         Return and reason codes (return 4 or less: done):\n",
        step + 1
    );
    texts(sheet, "codes", out);
}

fn transfer(sheet: &Sheet<'_>, files: &str, out: &mut String) {
    let _ = write!(out, "3. Bring the files over: {files};\n   the texts ");
    out.push_str(if sheet.settings.value("encoding") == Some("EBCDIC") {
        "in binary too: they are EBCDIC (IBM-1047), records of 80.\n"
    } else {
        "as text, to records of 80 (RECFM=FB, LRECL=80).\n"
    });
}

/// For z/OS.
pub(super) fn icsf(target: &dyn Target, sheet: &Sheet<'_>) -> String {
    let mut out = String::new();
    head(target, sheet, &mut out);
    transfer(sheet, "*.cca in binary, record length 64", &mut out);
    let loaded = tokens::of_sheet(sheet).unwrap_or_default();
    let by_kgup = loaded.iter().filter(|one| kgup::takes(sheet, one)).count();
    if by_kgup > 0 {
        let _ = write!(
            out,
            "4. EITHER submit kgupjob.jcl: it adds {by_kgup} of {} record{} and refreshes\n   \
             the CKDS in storage. Expect return code 0 of both steps, and in\n   \
             CSFDIAG no message but that each statement was processed.\n   \
             OR run the exec ckdsload.rex: it loads all of them, and writes none\n   \
             whose check value is another. Never both for one label.\n",
            loaded.len(),
            if loaded.len() == 1 { "" } else { "s" },
        );
    } else {
        out.push_str(
            "4. Run the exec ckdsload.rex: it writes no record whose check value is\n   \
             another. KGUP makes none of these keys.\n",
        );
    }
    texts(sheet, "load", &mut out);
    records(sheet, &mut out);
    tail(sheet, 5, TOKENS, &mut out);
    out
}

/// For CCA on other systems.
pub(super) fn cca(target: &dyn Target, sheet: &Sheet<'_>) -> String {
    let mut out = String::new();
    head(target, sheet, &mut out);
    out.push_str(
        "3. Bring keys.txt and ccaload.c over as text. Build the loader with the\n   \
         header and library of the installed CCA product:\n",
    );
    let platform = sheet.settings.value("platform").unwrap_or("Linux");
    let text = format!("build-{}", platform.to_lowercase().replace(' ', "-"));
    texts(sheet, &text, &mut out);
    out.push_str(
        "4. Run: ccaload keys.txt. It imports each token, shows its check value,\n   \
         and writes no record whose check value is another. It ends with 0\n   \
         where all of them were loaded.\n",
    );
    texts(sheet, "load", &mut out);
    records(sheet, &mut out);
    tail(sheet, 5, TOKENS, &mut out);
    out
}

/// For TR-31 key blocks; each label there with usage and mode.
pub(super) fn blocks(
    target: &dyn Target,
    sheet: &Sheet<'_>,
    labels: &[(String, String)],
) -> String {
    let mut out = String::new();
    head(target, sheet, &mut out);
    transfer(sheet, "*.tr31 are texts of one line", &mut out);
    let _ = write!(
        out,
        "   The key blocks themselves are {}; their\n   loading is {}.\n\
         4. Run the exec t31load.rex: it imports each block by CSNBT31I and makes\n   \
         its record.\n",
        Conformance::Proven.words(),
        Conformance::Documented.words(),
    );
    texts(sheet, "load", &mut out);
    let files = sheet
        .rows
        .iter()
        .flat_map(|row| row.payloads.iter().map(move |payload| (row.key, payload)));
    for ((label, usage), (key, payload)) in labels.iter().zip(files) {
        let _ = write!(
            out,
            "\n   {label}\n   usage and mode {usage}  {}  KCV {}\n   file {}, {}\n",
            key.form,
            key.kcv.words(),
            payload.name,
            payload.format,
        );
        if let Some((code, hash)) = key.form.hash() {
            let _ = writeln!(
                out,
                "   becomes an HMAC key of type MAC (variable-length token, version 05),\n   \
                 for {hash} alone: the block says so in HM {code}"
            );
        }
    }
    if sheet.rows.iter().any(|row| row.key.form.is_hmac()) {
        out.push_str(
            "\n   HMAC keys: CSNBKYT2 with HMAC, GENERATE, SHA2VP1 shows the pattern of\n   \
             which the check value is the beginning; the loader does so by itself.\n",
        );
    }
    tail(sheet, 5, BLOCKS, &mut out);
    out
}
