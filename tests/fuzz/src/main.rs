//! One program for all parsers; `CONCLAVE_FUZZ` says which. `scripts/fuzz`
//! builds it and runs it on each.

#![no_main]

use std::sync::OnceLock;

#[path = "../parsers.rs"]
mod parsers;

use parsers::{PARSERS, Parser};

static CHOSEN: OnceLock<&'static Parser> = OnceLock::new();

fn choose() {
    let name = std::env::var("CONCLAVE_FUZZ").unwrap_or_default();
    let Some(parser) = PARSERS.iter().find(|parser| parser.name == name) else {
        // Asked for none: the list, for scripts/fuzz. A name, then folders with
        // seeds besides its own.
        for parser in PARSERS {
            println!("{} {}", parser.name, parser.seeds.join(" "));
        }
        std::process::exit(0);
    };
    let _ = CHOSEN.set(parser);
}

libfuzzer_sys::fuzz_target!(
    init: choose(),
    |data: &[u8]| {
        if let Some(parser) = CHOSEN.get() {
            (parser.run)(data);
        }
    }
);
