//! Optional block CT through the door: the certificate on record of a system stands in
//! each block for it, as psec reads the block and openssl the certificate.

use std::path::Path;

use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::TargetSystem;
use conclave_trades::ceremony::state::Player;
use conclave_trades::target::system_certificate;

use super::exported::{clear, plan, proposed, sound, text};
use super::to_rsa::openssl;
use crate::ask;
use crate::desk::{ADMINISTRATORS, DAY_MS, Desk, rule};

/// A certificate of openssl's, for 100 days.
fn certificate(at: &Path, bits: &str) -> Vec<u8> {
    let words = ["req", "-x509", "-newkey", bits, "-nodes", "-days", "100"];
    let files = ["-keyout", "lake.key", "-outform", "DER", "-out", "lake.der"];
    let rest = ["-subj", "/O=BANK-LAKE/CN=transport"];
    openssl(at, &[&words[..], &files, &rest].concat());
    std::fs::read(at.join("lake.der")).unwrap()
}

/// The record of a system that asks for these blocks, with this certificate.
fn system(desk: &mut Desk, blocks: &str, der: Option<&[u8]>) -> TargetSystem {
    let mut act = proposed(desk, "tr31", &[("blocks", blocks)]);
    if let Some(der) = der {
        let typed = Recipient::read(der).unwrap().facts().fingerprint;
        let enrolled = system_certificate(der, &Hash(typed)).unwrap();
        let name = "certificate".to_owned();
        act.settings.certificates.insert(name, enrolled);
        act.by = ["Ada", "Ben"]
            .map(|name| Player {
                id: desk.room.holder(name).person.id,
                name: name.into(),
                group: GroupId::Administrators,
                reports_to: String::new(),
            })
            .into();
    }
    desk.act(&act, &ADMINISTRATORS).unwrap()
}

fn wrapping(desk: &mut Desk, label: &str, form: KeyForm, until: u64) -> KeyRecord {
    desk.key_with(label, form, "K0", |record| {
        record.wrapping = Some(WrappingMethod::of(form));
        record.expires_ms = until;
    })
}

#[test]
fn psec_reads_the_certificate_in_the_block() {
    let folder = tempfile::tempdir().unwrap();
    let der = certificate(folder.path(), "rsa:3072");
    let mut desk = Desk::new();
    let from_ms = Recipient::read(&der).unwrap().facts().not_before * 1000;
    desk.room.clock.set(from_ms + 60_000);
    let base64 = openssl(folder.path(), &["base64", "-A", "-in", "lake.der"]);
    let there = system(&mut desk, "CT LB", Some(&der));
    let until = from_ms + 300 * DAY_MS;
    for (form, of, version) in [
        (KeyForm::Aes256, KeyForm::Aes128, 'D'),
        (KeyForm::Tdes3, KeyForm::Tdes2, 'B'),
    ] {
        let zmk = wrapping(&mut desk, &format!("LAKE.ZMK.{form}"), form, until);
        let label = format!("LAKE.ZPK.{of}");
        let key = desk.key_with(&label, of, "P0", |record| record.expires_ms = until);
        let act = plan(&desk, &there, &[&key], &zmk);
        let out = desk.export(&act).unwrap();
        sound(&mut desk, &out, &[&key]);
        let block = text(&desk, &out, &format!("{label}.tr31"));
        let ct = format!("00{}", base64.trim());
        assert!(block.starts_with(version) && block.contains(&ct), "{block}");
        let kek = clear(&mut desk, &zmk);
        let found = ask(&[format!("L\t{kek}\t{block}")]).remove(0);
        assert_eq!(found[0], clear(&mut desk, &key));
        assert_eq!(found[2], format!("CT={}", ct.to_uppercase()));
        assert_eq!(found[3], format!("LB={label}"));
    }
    // Once it has ended nothing leaves with it.
    desk.room.clock.set(from_ms + 200 * DAY_MS);
    let zmk = wrapping(&mut desk, "LAKE.ZMK.002", KeyForm::Aes256, until);
    let key = desk.key_with("LAKE.ZPK.002", KeyForm::Aes128, "P0", |record| {
        record.expires_ms = until;
    });
    let act = plan(&desk, &there, &[&key], &zmk);
    let said = rule(desk.export(&act));
    assert!(said.contains("certificate"), "{said}");
}

#[test]
fn without_a_certificate_on_record_there_is_no_block() {
    let mut desk = Desk::new();
    let there = system(&mut desk, "CT", None);
    let zmk = wrapping(&mut desk, "LAKE.ZMK.001", KeyForm::Aes256, u64::MAX);
    let key = desk.key("LAKE.ZPK.001", KeyForm::Aes128, "P0");
    let act = plan(&desk, &there, &[&key], &zmk);
    let said = rule(desk.export(&act));
    assert!(said.contains("asks for optional block CT"), "{said}");
    assert_eq!(desk.on_stick(), 0);
}
