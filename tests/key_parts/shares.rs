//! Paper shares through the whole station, judged by a Shamir of a few lines in
//! another language.

use std::path::Path;
use std::process::Command;

use conclave_crypto::primitive::des_keys::set_odd_parity;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::ports::dialogue::{Answer, Ask};

use crate::people::{At, Scene, done};
use crate::reissue::{EXERCISE, LABEL, REISSUE, key, nothing, play, tasks, with_sheets};
use crate::sheets::{self, custodians, printed};
use crate::stage::{folder, scene};
use crate::typist::{Typist, hex, sum, unhex};

const SHARES: &str = "paper-shares.toml";
const ENTER: &str = "enter-shares.toml";
const PROVE: &str = "prove-shares.toml";
/// As the form calls the set.
const SET: &str = "BANK-LAKE.ZMK.001, 3 shares, any 2 of them";

/// GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, Lagrange at zero.
const COMBINE: &str = r#"
import sys
def mul(a, b):
    p = 0
    while b:
        if b & 1: p ^= a
        a <<= 1
        if a & 0x100: a ^= 0x11b
        b >>= 1
    return p
inv = {a: b for a in range(1, 256) for b in range(1, 256) if mul(a, b) == 1}
shares = [(int(x), bytes.fromhex(y)) for x, y in (s.split(":") for s in sys.argv[1:])]
out = bytearray(len(shares[0][1]))
for i, (x, y) in enumerate(shares):
    w = 1
    for j, (other, _) in enumerate(shares):
        if i != j: w = mul(w, mul(other, inv[other ^ x]))
    for k, b in enumerate(y): out[k] ^= mul(w, b)
print(out.hex().upper())
"#;

/// What an outsider makes of these shares.
fn outsider(shares: &[(usize, &Vec<u8>)]) -> Vec<u8> {
    let oracles = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        Into::into,
    );
    let python = oracles.join("bin/python3");
    let out = Command::new(&python)
        .args(["-c", COMBINE])
        .args(shares.iter().map(|(x, y)| format!("{x}:{}", hex(y))))
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}; run ./scripts/test", python.display()));
    assert!(out.status.success(), "{out:?}");
    unhex(String::from_utf8(out.stdout).unwrap().trim())
}

fn the_set(key: &KeyRecord) -> &PartSet {
    let kept = |s: &&PartSet| s.state == SetState::Kept;
    key.others.iter().find(kept).unwrap()
}

/// Custodians who type these shares, and two who type this check value.
fn typing(scene: &Scene, label: &str, typed: &[Vec<u8>], value: &str) -> At {
    let parts = scene.station.keys().into_iter().find(|k| k.label == label);
    let parts = parts.map(|k| the_set(&k).parts.clone()).unwrap_or_default();
    let mut named = sheets::serials(&parts);
    let mut values = Typist::new(typed.to_vec(), value).at();
    Box::new(move |prompt, times| named(prompt, times).or_else(|| values(prompt, times)))
}

fn assert_nothing_waits(scene: &Scene) {
    let ceremonies = scene.station.ceremonies().into_iter().map(|c| c.ceremony);
    for id in ceremonies.chain(scene.station.keys().into_iter().map(|k| k.id)) {
        for index in 1..=9 {
            assert!(!scene.station.door().component_waits(id, index));
        }
    }
}

/// An HMAC key has eight lines: its shares and new components stand on the long forms.
#[test]
fn a_key_of_eight_lines_is_shared_and_gets_new_components() {
    const HMAC: &str = "PARTNER.HMAC.001";
    let place = folder();
    let mut scene = scene(&place);
    let value: Vec<u8> = (1..=64).map(|n: u8| n.wrapping_mul(37)).collect();
    let line = |by: u8| (0..64).map(|n: u8| n.wrapping_mul(by) ^ 0x5A).collect();
    let (first, second): (Vec<u8>, Vec<u8>) = (line(31), line(73));
    let last = sum(&[first.clone(), second.clone(), value.clone()]);
    let kcv = Kcv::compute(Method::HmacSha2Vp1, &value).unwrap().hex();
    let typist = Typist::new(vec![first, second, last], &kcv).at();
    let fields = [
        HMAC,
        "hmac-sha512",
        "3",
        "PARTNER",
        "none",
        "on each component",
        "usual for the cipher",
    ];
    let (title, told) = play(&mut scene, "enter-components.toml", &fields, typist);
    assert!(title.ends_with("done"), "{title}: {told}");
    let (title, told) = play(&mut scene, SHARES, &[HMAC, "3", "2"], nothing());
    assert!(title.ends_with("done"), "{title}: {told}");
    let shares = printed(&scene);
    assert_eq!(shares.len(), 3);
    for (a, b) in [(1, 2), (3, 1)] {
        let pair = [(a, &shares[a - 1]), (b, &shares[b - 1])];
        assert_eq!(outsider(&pair), value, "{a} {b}");
    }
    let (title, told) = play(&mut scene, REISSUE, &[HMAC, "3"], nothing());
    assert!(title.ends_with("done"), "{title}: {told}");
    let made = sheets::key(&scene, HMAC);
    assert_eq!((made.components.len(), made.kcv.value), (3, kcv));
    assert!(made.components.iter().all(|part| part.printed_ms.is_some()));
}

/// A station with a key in three sheets and in three shares, and the shares.
fn with_shares() -> (tempfile::TempDir, Scene, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (folder, mut scene, components) = with_sheets();
    let (title, told) = play(&mut scene, SHARES, &[LABEL, "3", "2"], nothing());
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let shares = printed(&scene);
    assert_eq!(shares.len(), 3);
    (folder, scene, components, shares)
}

#[test]
fn any_two_of_three_sheets_are_the_key_and_each_is_proven_alone() {
    let (_folder, mut scene, components, shares) = with_shares();
    let mut clear = sum(&components);
    set_odd_parity(&mut clear);
    for (a, b) in [(1, 2), (1, 3), (2, 3), (3, 1)] {
        let pair = [(a, &shares[a - 1]), (b, &shares[b - 1])];
        assert_eq!(outsider(&pair), clear, "{a} {b}");
    }
    assert_ne!(outsider(&[(1, &shares[0])]), clear);
    let before = key(&scene);
    let set = the_set(&before);
    assert_eq!((set.quorum, set.parts.len()), (Some(2), 3));
    assert!(
        set.parts
            .iter()
            .all(|p| p.commitment.is_some() && p.envelope.is_some())
    );
    assert_eq!(before.components.len(), 3, "components stay in custody");
    assert!(!tasks(&scene).contains("old sheet"));

    // Each sheet alone: a changed one is found, the others are proven.
    let mut wrong = shares.clone();
    wrong[1][7] ^= 0x10;
    let at = custodians(&set.parts, &wrong);
    let (title, told) = play(&mut scene, EXERCISE, &[SET], at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(told.contains("Share 2: what was typed is not"), "{told}");
    let found = key(&scene);
    let doubted = |k: &KeyRecord| {
        let parts = the_set(k).parts.iter();
        parts
            .filter(|p| p.doubted_ms.is_some())
            .map(|p| p.index)
            .collect::<Vec<u8>>()
    };
    assert_eq!(doubted(&found), [2]);
    assert!(tasks(&scene).contains("the sheet of share 2 was not proven"));
    let at = custodians(&the_set(&found).parts, &shares);
    let (title, told) = play(&mut scene, EXERCISE, &[SET], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert!(doubted(&key(&scene)).is_empty());
    assert_nothing_waits(&scene);

    // Other shares take their place.
    let (title, told) = play(&mut scene, SHARES, &[LABEL, "3", "3"], nothing());
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let all = printed(&scene);
    let new = &all[3..];
    let three = [(1, &new[0]), (2, &new[1]), (3, &new[2])];
    assert_eq!(outsider(&three), clear);
    assert_ne!(outsider(&three[..2]), clear);
    assert_ne!(outsider(&[(1, &shares[0]), (2, &new[1])]), clear);
    assert!(tasks(&scene).contains("destroy 3 old sheets"));
}

#[test]
fn shares_prove_the_key_that_is_there_and_a_bad_one_is_named_at_once() {
    let (_folder, mut scene, _, shares) = with_shares();
    let before = key(&scene);
    let value = before.kcv.value.clone();
    let at = typing(&scene, LABEL, &shares, &value);
    let (title, told) = play(&mut scene, PROVE, &[SET, "3, 1"], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let after = key(&scene);
    assert_eq!((after.state, &after.kcv), (KeyState::Active, &before.kcv));
    for (old, new) in the_set(&before).parts.iter().zip(&the_set(&after).parts) {
        assert_eq!(
            new.envelope != old.envelope,
            new.index != 2,
            "a new package"
        );
        assert!(new.opened.is_none());
    }
    assert_nothing_waits(&scene);

    // A share with one other digit, and the check value of what is typed.
    let mut wrong = shares.clone();
    wrong[2][0] ^= 2;
    let at = typing(&scene, LABEL, &wrong, &value);
    let (title, told) = play(&mut scene, PROVE, &[SET, "1, 3"], at);
    assert!(title.ends_with("not proven"), "{title}: {told}");
    assert!(
        told.contains("share 3 is not the one that was printed"),
        "{told}"
    );
    // The right shares, and another check value.
    let at = typing(&scene, LABEL, &shares, "000000");
    let (title, told) = play(&mut scene, PROVE, &[SET, "1, 2"], at);
    assert!(title.ends_with("not proven"), "{title}: {told}");
    assert!(told.contains("not the key's check value"), "{told}");
    // One too few, and one too many, is not begun.
    for numbers in ["1", "1, 2, 3", "1, 4"] {
        let (title, told) = play(&mut scene, PROVE, &[SET, numbers], nothing());
        assert_eq!(title, "given up", "{numbers}");
        assert!(told.contains("It is proven by 2 of its shares"), "{told}");
    }
    assert_eq!(key(&scene).state, KeyState::Active);
    assert_nothing_waits(&scene);
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL));
}

#[test]
fn another_station_makes_the_key_of_its_sheets() {
    let (_first, mut first, _, shares) = with_shares();
    let value = key(&first).kcv.value;
    first.station.logout("logged out").unwrap();
    let folder = folder();
    let mut scene = scene(&folder);
    let fields = [LABEL, "3, 1", "3", "zmk-tdes2", "KEYROOM-TEST"];
    // Another key's check value: no key, nothing kept.
    let at = typing(&scene, "", &shares, "000000");
    let (title, told) = play(&mut scene, ENTER, &fields, at);
    assert!(title.ends_with("without a key"), "{title}: {told}");
    assert!(told.contains("a key of another check value"), "{told}");
    // The letters of the line agree, the check value on the sheet does not.
    let mut wrong = shares.clone();
    wrong[2][0] ^= 2;
    let typed = Typist::new(wrong, &value);
    let right = Typist::new(shares.clone(), &value).sheets()[2]
        .value
        .clone();
    typed.value_of(3, &right);
    let (title, told) = play(&mut scene, ENTER, &fields, typed.at());
    assert!(title.ends_with("without a key"), "{title}: {told}");
    assert!(
        told.contains("Share 3: its check value does not agree"),
        "{told}"
    );
    assert!(scene.station.keys().is_empty());
    assert_nothing_waits(&scene);

    let at = typing(&scene, "", &shares, &value);
    let (title, told) = play(&mut scene, ENTER, &fields, at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let made = sheets::key(&scene, LABEL);
    assert_eq!((made.state, &made.kcv.value), (KeyState::Active, &value));
    let typed: Vec<u8> = the_set(&made).parts.iter().map(|p| p.index).collect();
    assert_eq!(typed, [3, 1]);
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL));
    assert_nothing_waits(&scene);
}

#[test]
fn a_mistake_with_shares_is_named_and_shows_no_digit() {
    let (_first, mut first, components, shares) = with_shares();
    let value = key(&first).kcv.value;
    first.station.logout("logged out").unwrap();
    let mut clear = sum(&components);
    set_odd_parity(&mut clear);
    let of = |method, key: &[u8]| Kcv::compute(method, key).unwrap().hex();
    let (cmac, half) = (
        of(Method::TdesCmac, &clear),
        of(Method::TdesZero, &clear[..8]),
    );
    // Sheet 1 lies at the place of share 2.
    let mut astray = shares.clone();
    astray[1].clone_from(&shares[0]);
    // Sheets 1 and 3 changed places.
    let mut swapped = shares.clone();
    swapped.swap(0, 2);
    for (typed, numbers, claimed, words) in [
        (
            &astray,
            "2, 3",
            value.as_str(),
            "typed as share 2 is share 1",
        ),
        (&swapped, "1, 3", &value, "shares 1 and 3 change numbers"),
        (
            &shares,
            "1, 3",
            &cmac[..6],
            "by the method TDES CMAC, not ENC-ZERO",
        ),
        (&shares, "1, 3", &value[..4], "has 4 digits"),
        (&shares, "1, 3", &half, "a shorter key"),
        (&shares, "1, 3", "000000", "none of the usual mistakes"),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let fields = [LABEL, numbers, "3", "zmk-tdes2", "KEYROOM-TEST"];
        let at = typing(&scene, "", typed, claimed);
        let (title, told) = play(&mut scene, ENTER, &fields, at);
        assert!(title.ends_with("without a key"), "{claimed}: {title}");
        assert!(told.contains(words), "{claimed}: {told}");
        if claimed != value {
            assert!(
                !told.contains(&value),
                "no digit of the right value: {told}"
            );
        }
        let entries = scene.station.door().vault().entries(0).unwrap();
        let failed = entries
            .iter()
            .filter_map(|e| e.open_header().ok())
            .filter(|h| h.action == "combine-shares" && h.kind == EntryKind::Failed);
        assert_eq!(failed.count(), 3, "{claimed}");
        assert!(scene.station.keys().is_empty());
        assert_nothing_waits(&scene);
    }
}

#[test]
fn every_form_gets_new_components_is_shared_and_made_again() {
    let folder = folder();
    let mut scene = scene(&folder);
    for template in ["zmk-tdes3", "zmk-aes128", "zmk-aes192", "zmk-aes256"] {
        let name = template.to_uppercase();
        let (label, again) = (format!("{name}.ZMK.001"), format!("{name}.ZMK.002"));
        done(scene.zmk(&label, template, "2"));
        let before = printed(&scene).len();
        let (title, told) = play(&mut scene, REISSUE, &[&label, "3"], nothing());
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{title}: {told}"
        );
        let all = printed(&scene);
        // Parity bits are set in the key, whatever the parts add up to.
        let made = |parts: &[Vec<u8>]| {
            let mut sum = sum(parts);
            if template.contains("tdes") {
                set_odd_parity(&mut sum);
            }
            sum
        };
        let clear = made(&all[before..]);
        assert_eq!(all.len(), before + 3, "{template}");
        assert_eq!(clear, made(&all[before - 2..before]), "{template}");
        let (title, told) = play(&mut scene, SHARES, &[&label, "3", "2"], nothing());
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{title}: {told}"
        );
        let shares = printed(&scene)[before + 3..].to_vec();
        assert_eq!(
            outsider(&[(3, &shares[2]), (2, &shares[1])]),
            clear,
            "{template}"
        );
        let value = sheets::key(&scene, &label).kcv.value;
        let at = typing(&scene, "", &shares, &value);
        // Its own key is here, and so are its sheets: whoever holds a share types it.
        let why = "the same key on this station, to compare";
        let fields = [&again, "1, 2", "3", template, "KEYROOM-TEST", why];
        let (title, told) = play(&mut scene, ENTER, &fields, at);
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{title}: {told}"
        );
        assert_eq!(
            sheets::key(&scene, &again).kcv,
            sheets::key(&scene, &label).kcv
        );
    }
}

/// A printed share that is not sealed voids its set; the key and its
/// components stay.
#[test]
fn an_interrupted_print_voids_the_shares_alone() {
    let (_folder, mut scene, _) = with_sheets();
    let before = key(&scene);
    let at: At = Box::new(|prompt, _| {
        let here = prompt.code == "confirm.sheet" && prompt.title.starts_with("Share 2");
        (here && matches!(prompt.ask, Ask::Confirm { .. })).then_some(Answer::CardGone)
    });
    let (title, told) = play(&mut scene, SHARES, &[LABEL, "3", "2"], at);
    assert!(title.ends_with("the new set is void"), "{title}: {told}");
    let after = key(&scene);
    assert_eq!(
        (after.state, &after.components),
        (before.state, &before.components)
    );
    assert_eq!(after.others[0].state, SetState::Void);
    assert!(tasks(&scene).contains("destroy 2 old sheets"));
    assert_nothing_waits(&scene);
}
