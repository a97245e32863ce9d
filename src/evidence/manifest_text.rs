//! The manifest for people: `manifest.txt`, and what is printed.

use std::fmt::Write as _;

use crate::ids::Hash;
use crate::manifest::{FileEntry, Kcv, Manifest};
use crate::show::{clean, diagnostic, hex, utc};
use crate::words::digest_lines;

/// The manifest as text, 80 columns where names allow. `digest` is
/// [`crate::SignedManifest::digest`]. The same manifest gives the same text,
/// byte for byte.
#[must_use]
pub fn manifest_text(manifest: &Manifest, digest: &Hash) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_manifest(&mut text, manifest, digest);
    text
}

fn write_manifest(out: &mut String, manifest: &Manifest, digest: &Hash) -> std::fmt::Result {
    let m = manifest;
    writeln!(out, "CONCLAVE EXPORT BUNDLE {}   {}", m.sequence, m.mode)?;
    writeln!(out)?;
    writeln!(out, "Station      {}", clean(&m.station_name))?;
    writeln!(out, "Station id   {}", m.station)?;
    writeln!(out, "Incarnation  {}", m.incarnation)?;
    writeln!(out, "Made         {}", utc(m.made_at_ms))?;
    writeln!(out, "Recipient    {}", clean(&m.recipient))?;
    let (name, serial) = (clean(&m.medium.name), clean(&m.medium.serial));
    writeln!(out, "Medium       {name}, serial {serial}")?;
    write_digest(out, "Manifest", digest)?;
    for file in &m.files {
        writeln!(out)?;
        write_file(out, file)?;
    }
    writeln!(out)?;
    writeln!(out, "Approved     {}", clean(&m.action_name))?;
    writeln!(out, "  {}", diagnostic(&m.action_params))?;
    writeln!(out, "  proposed in journal entry {}", m.proposed)?;
    for signed in &m.approvals {
        let a = &signed.approval;
        writeln!(
            out,
            "  {}: person {}, card {}",
            a.group.title(),
            a.person,
            a.card
        )?;
    }
    writeln!(out, "  under authority record {}", m.authority)
}

fn write_file(out: &mut String, file: &FileEntry) -> std::fmt::Result {
    writeln!(out, "File         {}", clean(&file.name))?;
    writeln!(
        out,
        "  {} bytes, {}, {}",
        file.size,
        clean(&file.format),
        file.encoding.name()
    )?;
    if let Some(lrecl) = file.lrecl {
        writeln!(out, "  LRECL {lrecl}")?;
    }
    writeln!(out, "  conformance: {}", clean(&file.conformance))?;
    for key in &file.keys {
        writeln!(out, "  Key {}", clean(&key.label))?;
        let (algorithm, usage) = (clean(&key.algorithm), clean(&key.usage));
        writeln!(out, "    {algorithm} {} bits, {usage}", key.bits)?;
        if let Some(kcv) = &key.kcv {
            writeln!(out, "    {}", kcv_text(kcv))?;
        }
        if let Some(under) = &key.under {
            let kcv = under.kcv.as_ref().map(kcv_text).unwrap_or_default();
            writeln!(
                out,
                "    {}",
                format!("under {} {kcv}", clean(&under.label)).trim_end()
            )?;
        }
    }
    write_digest(out, "  file", &file.sha256)
}

fn kcv_text(kcv: &Kcv) -> String {
    format!("KCV {} ({})", clean(&kcv.value), clean(&kcv.method))
}

fn write_digest(out: &mut String, what: &str, digest: &Hash) -> std::fmt::Result {
    writeln!(out, "{what}, SHA-256")?;
    for half in digest.0.chunks(16) {
        let groups: Vec<String> = half.chunks(2).map(hex).collect();
        writeln!(out, "  {}", groups.join(" "))?;
    }
    for line in digest_lines(digest) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
