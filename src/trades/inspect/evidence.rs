//! The files of this house: manifests, authority chains, journals, backups,
//! transcripts, updates. Described, not verified: `conclave-verify` does that.

use conclave_crypto::describe::{Confidence, Described};
use conclave_evidence::authority::SignedAuthority;
use conclave_evidence::backup::{BACKUP_FILE, SignedBackup, frames};
use conclave_evidence::cbor;
use conclave_evidence::export::JournalExport;
use conclave_evidence::ids::{Hash, Id};
use conclave_evidence::manifest::SignedManifest;
use conclave_evidence::read_authority_file;
use conclave_evidence::show::utc;
use conclave_evidence::transcript::SignedTranscript;
use conclave_evidence::update::{SignedUpdate, version_words};
use conclave_evidence::words::digest_lines;

/// What the tag of every file of this house begins with.
const HOUSE: &str = "conclave/";

/// Most files of a bundle that are listed.
const LISTED: usize = 40;

/// Describes a file of this house.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    let Some(tag) = cbor::tag_of(bytes) else {
        return training_card(bytes).or_else(|| backup_part(bytes));
    };
    if !tag.starts_with(HOUSE) {
        return None;
    }
    let read = match tag {
        "conclave/signed-manifest/1" => manifest(bytes),
        "conclave/authority-chain/1" => authority(bytes),
        "conclave/journal-export/1" => journal(bytes),
        "conclave/signed-backup/1" => backup(bytes),
        "conclave/signed-transcript/1" => transcript(bytes),
        "conclave/signed-update/1" => update(bytes),
        _ => None,
    };
    let mut said = read.unwrap_or_else(|| {
        let mut said = Described::new(format!("file of Conclave, {tag}"), Confidence::Likely);
        said.damaged("it has another form than this version knows, or is damaged");
        said
    });
    said.field("tag", tag, "");
    Some(said)
}

/// A description of a signed file, with what all of them say.
fn signed(what: &str, station: &str, id: Id, mode: &str) -> Described {
    let mut said = Described::new(what, Confidence::Certain);
    said.field("station", station, id.to_string());
    let meaning = match mode {
        "TEST" => "training and trial: nothing in it is real",
        _ => "real keys",
    };
    said.field("mode", mode, meaning);
    said
}

/// The digest that people read to one another, and what it takes to trust it.
fn digest(said: &mut Described, digest: &Hash) {
    digest_of(
        said,
        "digest",
        digest,
        "what is signed; compare it in words:",
    );
}

/// The same of a part of the file, under a name of its own.
fn digest_of(said: &mut Described, name: &str, digest: &Hash, meaning: &str) {
    said.field(name, digest.to_string(), meaning);
    for line in digest_lines(digest) {
        said.field("in words", line, "");
    }
    said.field(
        "signatures",
        "not checked here",
        "conclave-verify checks them, and everything they stand for",
    );
}

/// A card of the training room: a map whose first field names its form.
fn training_card(bytes: &[u8]) -> Option<Described> {
    const FORM: &[u8] = b"\x64form\x78\x18conclave/training-card/1";
    let (_, rest) = bytes.split_first()?;
    if !rest.starts_with(FORM) {
        return None;
    }
    let mut said = Described::new("card of the training room", Confidence::Certain);
    said.field(
        "use",
        "a file in place of a card",
        "on a TEST station alone",
    );
    said.unusual("it has the card's private keys: it protects nothing");
    Some(said)
}

fn manifest(bytes: &[u8]) -> Option<Described> {
    let file = SignedManifest::from_file(bytes).ok()?;
    let manifest = file.open().ok()?;
    let mut said = signed(
        "manifest of an export bundle",
        &manifest.station_name,
        manifest.station,
        &manifest.mode.to_string(),
    );
    said.field(
        "sequence",
        manifest.sequence.to_string(),
        "number of the bundle",
    );
    said.field("made", utc(manifest.made_at_ms), "");
    said.field("recipient", &manifest.recipient, "for whom");
    said.field("medium", &manifest.medium.name, &manifest.medium.serial);
    let approvals = manifest.approvals.len();
    said.field("approvals", approvals.to_string(), "signatures by cards");
    for signed in manifest.approvals.iter().take(LISTED) {
        let approval = &signed.approval;
        let meaning = format!("{}; authority.cbor has the name", approval.group.title());
        said.field("approved by", approval.person.to_string(), meaning);
    }
    for file in manifest.files.iter().take(LISTED) {
        let meaning = format!("{}, {} bytes, {}", file.format, file.size, file.conformance);
        said.field("file", &file.name, meaning);
        for key in file.keys.iter().take(LISTED) {
            let kcv = key.kcv.as_ref();
            let kcv = kcv.map_or("none".into(), |kcv| {
                format!("{} ({})", kcv.value, kcv.method)
            });
            let meaning = format!("{} usage {}, check value {kcv}", key.algorithm, key.usage);
            said.field("key", &key.label, meaning);
        }
    }
    if manifest.files.len() > LISTED {
        said.unusual(format!(
            "{} files: the first {LISTED} are listed",
            manifest.files.len()
        ));
    }
    if let Err(error) = manifest.check_files() {
        said.damaged(error.to_string());
    }
    digest(&mut said, &file.digest());
    Some(said)
}

fn authority(bytes: &[u8]) -> Option<Described> {
    let chain: Vec<SignedAuthority> = read_authority_file(bytes).ok()?;
    let newest = chain.last()?.open().ok()?;
    let mut said = signed(
        "authority chain: who may do what",
        &newest.station_name,
        newest.station,
        &newest.mode.to_string(),
    );
    said.field("records", chain.len().to_string(), "from the founding on");
    said.field(
        "newest",
        utc(newest.made_at_ms),
        format!("number {}", newest.seq),
    );
    said.field("cards", newest.cards.len().to_string(), "revoked ones too");
    for card in newest.cards.iter().take(LISTED) {
        let state = format!("{:?}", card.state).to_lowercase();
        let meaning = format!("person {}, card {}, {state}", card.person, card.card);
        said.field("person", &card.person_name, meaning);
    }
    for group in &newest.groups {
        let members = group.members.len();
        let quorum = format!("{} of {members}", group.m);
        said.field("group", group.group.to_string(), quorum);
    }
    if let Some(first) = chain.first().and_then(|first| first.digest().ok()) {
        let meaning = "the founding, which all others hang on; compare it in words:";
        digest_of(&mut said, "first record", &first, meaning);
    }
    Some(said)
}

fn journal(bytes: &[u8]) -> Option<Described> {
    let export = JournalExport::from_file(bytes).ok()?;
    let what = "journal of a station, exported";
    // An export without authority records does not say whose it is.
    let newest = export.authority.last().map(SignedAuthority::open);
    let mut said = match newest {
        Some(Ok(newest)) => signed(
            what,
            &newest.station_name,
            newest.station,
            &newest.mode.to_string(),
        ),
        _ => Described::new(what, Confidence::Certain),
    };
    if export.authority.is_empty() {
        said.unusual("there are no authority records in it: whose journal it is is not said");
    }
    said.field(
        "entries",
        export.entries.len().to_string(),
        "headers in clear, bodies sealed",
    );
    said.field("authority records", export.authority.len().to_string(), "");
    said.field(
        "anchors",
        export.anchors.len().to_string(),
        "heads that cards have signed",
    );
    for (name, entry) in [
        ("first", export.entries.first()),
        ("last", export.entries.last()),
    ] {
        if let Some(header) = entry.and_then(|entry| entry.open_header().ok()) {
            let meaning = format!(
                "number {}, {} {}",
                header.seq,
                header.kind.name(),
                header.action
            );
            said.field(name, utc(header.wall_ms), meaning);
        }
    }
    said.field(
        "signatures",
        "not checked here",
        "conclave-verify checks them, and the chain",
    );
    Some(said)
}

fn backup(bytes: &[u8]) -> Option<Described> {
    let file = SignedBackup::from_file(bytes).ok()?;
    let backup = file.open().ok()?;
    let mut said = signed(
        "manifest of a backup",
        &backup.station_name,
        backup.station,
        &backup.mode.to_string(),
    );
    said.field("made", utc(backup.made_at_ms), "");
    said.field("journal", format!("up to entry {}", backup.head_seq), "");
    let size: u64 = backup.files().map(|file| file.size).sum();
    let count = backup.files().count();
    said.field("files", count.to_string(), format!("{size} bytes, sealed"));
    said.field(
        "approvals",
        backup.approvals.len().to_string(),
        "signatures by cards",
    );
    if let Err(error) = backup.check_files() {
        said.damaged(error.to_string());
    }
    digest(&mut said, &file.digest());
    Some(said)
}

/// `records-NNNN.bin` and `journal-NNNN.bin` of a backup: frames to the last byte.
fn backup_part(bytes: &[u8]) -> Option<Described> {
    let (mut count, mut named) = (0usize, true);
    let read = frames("", bytes, &mut |key, value| {
        count += 1;
        named &= !key.is_empty() && !value.is_empty();
        Ok(())
    });
    if read.is_err() || !named || count == 0 {
        return None;
    }
    let what = "part of a backup of Conclave: records or journal, sealed";
    let mut said = Described::new(what, Confidence::Likely);
    said.field("values", count.to_string(), "each sealed by itself");
    let beside = format!("{BACKUP_FILE} beside it has its digest; conclave-verify checks it");
    said.field("digest", "not checked here", beside);
    Some(said)
}

fn transcript(bytes: &[u8]) -> Option<Described> {
    let file = SignedTranscript::from_file(bytes).ok()?;
    let transcript = file.open().ok()?;
    let mut said = signed(
        "transcript of a ceremony",
        &transcript.station_name,
        transcript.station,
        &transcript.mode.to_string(),
    );
    said.field(
        "ceremony",
        &transcript.title,
        transcript.ceremony.to_string(),
    );
    said.field("steps", transcript.lines.len().to_string(), "");
    match (file.cards.len(), transcript.closed()) {
        (0, Some(line)) => said.field(
            "closed",
            format!("journal entry {}", line.seq),
            "whoever closed it signed there; the station signs this file",
        ),
        (0, None) => said.field("closed", "not said", "the station signs this file, no card"),
        (cards, _) => said.field("cards", cards.to_string(), "signed it"),
    };
    digest(&mut said, &file.digest());
    Some(said)
}

fn update(bytes: &[u8]) -> Option<Described> {
    let file = SignedUpdate::from_file(bytes).ok()?;
    let update = file.verify().ok()?;
    let mut said = Described::new("software update", Confidence::Certain);
    said.field("version", version_words(update.version), "");
    said.field("for", &update.target, "");
    said.field("made", utc(update.made_at_ms), "");
    said.field("note", &update.note, "");
    digest(&mut said, &file.digest());
    Some(said)
}
