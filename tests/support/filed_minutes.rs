//! Minutes that an act left in the station's folder, judged by its journal.

use std::path::{Path, PathBuf};

use conclave_crypto::primitive::derive::sha256;
use conclave_evidence::Hash;
use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::transcript::{SignedTranscript, Transcript};
use conclave_evidence::words::in_words;
use conclave_keyroom::vault::Vault;

/// The transcripts of this kind of act, each with its page beside it: signed by the
/// station, over the page, and with the journal's own entries. The page names the last
/// of them in digits and in words.
pub fn filed(folder: &Path, kind: &str, vault: &Vault) -> Vec<Transcript> {
    let chain = AuthorityChain::verify(vault.authority_chain().unwrap()).unwrap();
    let begin = format!("{}-{kind}-act-", vault.authority().unwrap().mode);
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder.join("minutes"))
        .map(|files| files.map(|file| file.unwrap().path()).collect())
        .unwrap_or_default();
    found.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(&begin) && name.ends_with(".cbor")
    });
    found.sort();
    let one = |path: &PathBuf| {
        let signed = SignedTranscript::from_file(&std::fs::read(path).unwrap()).unwrap();
        let transcript = signed.verify(&chain).unwrap();
        for line in &transcript.lines {
            let (header, hash) = vault.header_at(line.seq).unwrap();
            assert_eq!((header.action, hash), (line.step.clone(), line.entry));
        }
        let page = std::fs::read(path.with_extension("pdf")).unwrap();
        let digest = Hash(sha256(&[&page]));
        assert_eq!(transcript.minutes_sha256, Some(digest));
        let last = transcript.lines.last().unwrap();
        let told = [
            format!(
                "entry {}, the last of this act: SHA-256 {}",
                last.seq, last.entry
            ),
            in_words(&last.entry.0).join(" "),
        ];
        for words in told {
            assert!(
                transcript.script.contains(&words),
                "{words}\n{}",
                transcript.script
            );
        }
        transcript
    };
    found.iter().map(one).collect()
}

/// The one of this kind that there is.
pub fn only(folder: &Path, kind: &str, vault: &Vault) -> Transcript {
    let mut all = filed(folder, kind, vault);
    assert_eq!(all.len(), 1, "{kind}");
    all.remove(0)
}
