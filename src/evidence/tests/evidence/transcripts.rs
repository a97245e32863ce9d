//! Transcripts and who signed them.

use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::{EvidenceError, SignedTranscript, Transcript};

use crate::station::{Station, id, sign_transcript};

fn verdict(signed: &SignedTranscript) -> Result<Transcript, EvidenceError> {
    let chain = AuthorityChain::verify(&Station::new().authority).expect("the chain holds");
    signed.verify(&chain)
}

#[test]
fn a_whole_transcript_verifies() {
    let signed = Station::new().transcript();
    assert_eq!(verdict(&signed), signed.open());
    let file = signed.to_file().expect("encodes");
    assert_eq!(SignedTranscript::from_file(&file), Ok(signed));
}

#[test]
fn what_does_not_agree_is_refused() {
    let whole = Station::new().transcript().open().expect("opens");
    let changes: [fn(&mut Transcript); 7] = [
        |t| t.script.push('x'),
        |t| t.script_digest.0[0] ^= 1,
        |t| t.lines.reverse(),
        |t| t.lines[1].seq = 0,
        |t| t.station = id(9),
        |t| t.incarnation = id(9),
        |t| t.authority.0[0] ^= 1,
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut transcript = whole.clone();
        change(&mut transcript);
        let verdict = verdict(&sign_transcript(&transcript, &[4, 7]));
        assert!(
            matches!(verdict, Err(EvidenceError::Broken { .. })),
            "{at}: {verdict:?}"
        );
    }
}

#[test]
fn signatures_are_the_cards() {
    let whole = Station::new().transcript();
    let mut moved = whole.clone();
    moved.cards[0].card = id(5);
    let mut unknown = whole.clone();
    unknown.cards[0].card = id(99);
    let mut twice = whole.clone();
    twice.cards[1] = twice.cards[0].clone();
    let mut station = whole;
    station.signature = station.cards[0].signature;
    for signed in [moved, unknown, twice, station] {
        assert!(verdict(&signed).is_err());
    }
}
