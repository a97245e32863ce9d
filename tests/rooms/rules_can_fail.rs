//! Each rule is broken once on purpose, in small sources made up for it.

use crate::rules::{Source, crate_may_use, manifest_violations, violations};

fn judge(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    violations(&sources)
}

fn refused(path: &str, text: &str) {
    let found = judge(&[(path, text)]);
    assert_eq!(found.len(), 1, "{path}: {text}\n{found:?}");
    assert!(found[0].contains(path), "{found:?}");
}

fn allowed(path: &str, text: &str) {
    assert_eq!(judge(&[(path, text)]), [] as [&str; 0], "{path}: {text}");
}

#[test]
fn crates_look_up_only() {
    refused(
        "src/keyroom/door/mod.rs",
        "use conclave_trades::print::Form;",
    );
    refused(
        "src/trades/print/mod.rs",
        "fn f() { conclave_station::compose() }",
    );
    refused("src/training/card.rs", "use ::conclave_station as s;");
    allowed("src/station/lib.rs", "use conclave_keyroom::door::Action;");
    allowed("src/cli/demo.rs", "use conclave_station::Station;");
}

#[test]
fn evidence_and_crypto_stand_apart() {
    refused(
        "src/crypto/primitive/mod.rs",
        "use conclave_evidence::cbor;",
    );
    refused("src/evidence/journal.rs", "use conclave_crypto::primitive;");
    assert!(crate_may_use("keyroom", "evidence") && crate_may_use("keyroom", "crypto"));
    assert!(!crate_may_use("keyroom", "tellers"));
}

#[test]
fn rooms_of_the_key_room_look_up_only() {
    refused("src/keyroom/domain/key.rs", "use crate::ports::Clock;");
    refused(
        "src/keyroom/provider/mod.rs",
        "use crate::{domain::Key, vault::Store};",
    );
    refused(
        "src/keyroom/vault/open.rs",
        "fn f(p: &crate::door::Permit) {}",
    );
    refused("src/keyroom/piv/mod.rs", "use super::provider;");
    refused(
        "src/keyroom/piv/tlv.rs",
        "mod inner { use super::super::super::vault::Record; }",
    );
    refused("src/keyroom/ports/mod.rs", "use crate::*;");
    allowed(
        "src/keyroom/door/mod.rs",
        "use crate::{domain, ports, piv, provider, vault};",
    );
    allowed(
        "src/keyroom/piv/tlv.rs",
        "use super::apdu::Command; use crate::piv::error::Error;",
    );
    allowed(
        "src/keyroom/piv/mod.rs",
        "// crate::vault\nconst S: &str = \"crate::vault::X\";",
    );
}

#[test]
fn a_reexport_at_the_crate_root_hides_nothing() {
    let found = judge(&[
        (
            "src/keyroom/lib.rs",
            "pub mod domain; pub mod vault; pub use vault::record::Record;",
        ),
        ("src/keyroom/domain/mod.rs", "use crate::Record;"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`vault`"), "{found:?}");
}

#[test]
fn rooms_of_crypto_and_trades_look_up_only() {
    refused("src/crypto/secret/mod.rs", "use crate::primitive::xor;");
    refused("src/crypto/keyblock/mod.rs", "use crate::x509::Chain;");
    refused("src/crypto/x509/mod.rs", "use crate::keyblock::Header;");
    refused("src/trades/print/mod.rs", "use crate::ceremony::Step;");
    refused("src/trades/media/mod.rs", "use crate::target::Bundle;");
    refused("src/trades/ceremony/mod.rs", "use crate::media::Bundle;");
    allowed("src/trades/target/mod.rs", "use crate::{media, print};");
    allowed(
        "src/crypto/x509/mod.rs",
        "use crate::{primitive::aes, secret::Secret};",
    );
}

#[test]
fn a_room_that_nobody_placed_is_refused() {
    refused("src/keyroom/cellar/mod.rs", "");
    refused("src/trades/stamps.rs", "");
    allowed("src/trades/atm/mod.rs", "");
}

#[test]
fn test_code_may_look_down() {
    allowed(
        "src/keyroom/piv/mod.rs",
        "#[cfg(test)] mod tests { use crate::vault::Store; }",
    );
    refused(
        "src/keyroom/piv/mod.rs",
        "#[cfg(not(test))] mod real { use crate::vault::Store; }",
    );
    let suite = ("src/keyroom/piv/suite.rs", "use crate::vault::Store;");
    assert_eq!(
        judge(&[("src/keyroom/piv/mod.rs", "mod suite;"), suite]).len(),
        1
    );
    assert!(judge(&[("src/keyroom/piv/mod.rs", "#[cfg(test)] mod suite;"), suite]).is_empty());
}

#[test]
fn time_and_randomness_are_asked_for_in_one_place() {
    refused(
        "src/station/jobs.rs",
        "fn f() { std::time::Instant::now(); }",
    );
    refused("src/cli/demo.rs", "fn f() { SystemTime::now() }");
    refused("src/crypto/primitive/mod.rs", "use getrandom::fill;");
    refused(
        "src/crypto/primitive/mod.rs",
        "use rustix::rand::getrandom;",
    );
    allowed(
        "src/station/host/clock.rs",
        "fn f() { Instant::now(); getrandom::fill(b) }",
    );
    allowed("src/station/compose.rs", "fn f() { SystemTime::now() }");
    allowed(
        "src/tui/app.rs",
        "fn f(now: std::time::Instant) { now.elapsed() }",
    );
}

#[test]
fn pages_without_secrets_and_sockets_are_made_in_one_place() {
    let page = "fn f() { OpenPage::without_secrets(title, bytes) }";
    refused("src/trades/pin/letter.rs", page);
    allowed("src/trades/print/print_report.rs", page);
    refused("src/station/jobs.rs", "use std::net::TcpStream;");
    refused("src/cli/demo.rs", "fn f() { std::net::UdpSocket::bind(a) }");
    allowed("src/station/host/ipp.rs", "use std::net::TcpStream;");
}

#[test]
fn store_and_readers_are_named_once() {
    let one = ("src/keyroom/vault/store.rs", "use sled::Db;");
    assert!(judge(&[one]).is_empty());
    let found = judge(&[one, ("src/keyroom/vault/open.rs", "fn f() -> sled::Db {}")]);
    assert_eq!(found.len(), 1, "{found:?}");
    // A module of that name is no second naming of the crate.
    let pcsc = ("src/station/host/pcsc.rs", "use ::pcsc::Context;");
    let composed = "mod pcsc; use pcsc::Readers;";
    assert!(judge(&[pcsc, ("src/station/host/mod.rs", composed)]).is_empty());
    let found = judge(&[pcsc, ("src/station/jobs.rs", "extern crate pcsc;")]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn only_the_terminal_draws() {
    refused("src/cli/demo.rs", "use ratatui::text::Line;");
    refused("src/station/lib.rs", "fn f(e: crossterm::event::Event) {}");
    allowed(
        "src/tui/logon.rs",
        "use ratatui::Frame; use crossterm::event::Event;",
    );
    allowed("src/main.rs", "use crossterm::terminal;");
}

#[test]
fn files_are_short_and_rooms_have_names() {
    allowed("src/tui/logon.rs", &"\n".repeat(700));
    refused("src/tui/logon.rs", &"\n".repeat(701));
    refused("src/tui/utils.rs", "");
    refused("src/evidence/lib.rs", "mod utils {}");
}

#[test]
fn manifests_are_read() {
    let asks = |krate, text: &str| manifest_violations(krate, text).len();
    assert_eq!(
        asks(
            "crypto",
            "[dependencies]\nconclave-evidence.workspace = true"
        ),
        1
    );
    assert_eq!(
        asks(
            "keyroom",
            "[dependencies]\nconclave-trades = { path = \"x\" }"
        ),
        1
    );
    assert_eq!(
        asks("keyroom", "[dependencies.conclave-station]\npath = \"x\""),
        1
    );
    assert_eq!(
        asks("evidence", "[build-dependencies]\nconclave-crypto = \"1\""),
        1
    );
    assert_eq!(
        asks(
            "trades",
            "[target.'cfg(unix)'.dependencies]\nconclave-training = \"1\""
        ),
        1
    );
    assert_eq!(
        asks(
            "keyroom",
            "[dev-dependencies]\nconclave-training.workspace = true"
        ),
        0
    );
    assert_eq!(
        asks(
            "station",
            "[dependencies]\nconclave-crypto.workspace = true"
        ),
        0
    );
}
