//! What the profiles' tables say of a key fits what the key is for.

use super::*;

/// The shipped profile of this target, with nothing filled in.
pub(crate) fn shipped(name: &str) -> Settings {
    let path = format!(
        "{}/profiles/targets/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    Settings {
        profile: parse_target_profile(&std::fs::read_to_string(path).unwrap()).unwrap(),
        ..Settings::default()
    }
}

/// A table is data that people change; what a key is for is not.
#[test]
fn no_profile_changes_what_a_key_is_for() {
    use WrappingMethod::{AesKwp, AtallaVariant, CcaEcb, ThalesBlock, ThalesLmk, ThalesVariant};
    for (name, method, blocks, table, entry, usage, mode, bent) in [
        ("icsf", CcaEcb, false, "types", "P0 B", "P0", "B", "ZERO-CV"),
        (
            "icsf", CcaEcb, false, "types", "P0 E", "P0", "E", "ENCIPHER",
        ),
        ("icsf", CcaEcb, false, "types", "D0 E", "D0", "E", "CIPHER"),
        ("icsf", CcaEcb, false, "vectors", "OPINENC", "P0", "E", "00"),
        ("cca", CcaEcb, false, "types", "K0 B", "K0", "B", "DATA"),
        (
            "payshield",
            ThalesVariant,
            false,
            "key-type",
            "P0",
            "P0",
            "B",
            "00A",
        ),
        (
            "payshield",
            ThalesVariant,
            false,
            "key-type",
            "K0",
            "K0",
            "B",
            "00B",
        ),
        (
            "payshield",
            ThalesBlock,
            true,
            "usage",
            "P0",
            "P0",
            "B",
            "D0",
        ),
        (
            "payshield",
            ThalesBlock,
            true,
            "usage",
            "K0",
            "K0",
            "B",
            "22",
        ),
        (
            "payshield-lmk",
            ThalesLmk,
            false,
            "key-type",
            "P0",
            "P0",
            "B",
            "30B",
        ),
        (
            "atalla",
            AtallaVariant,
            false,
            "variant",
            "P0",
            "P0",
            "B",
            "2",
        ),
        (
            "nshield",
            AesKwp,
            false,
            "attributes",
            "P0",
            "P0",
            "B",
            "CKA_ENCRYPT, CKA_SIGN",
        ),
        (
            "nshield",
            AesKwp,
            false,
            "attributes",
            "D0",
            "D0",
            "B",
            "CKA_DECRYPT, CKA_UNWRAP",
        ),
        (
            "nshield",
            AesKwp,
            false,
            "attributes",
            "K0-E",
            "K0",
            "E",
            "CKA_UNWRAP",
        ),
        (
            "pkcs11",
            AesKwp,
            false,
            "operations",
            "B",
            "P0",
            "B",
            "ENCRYPT WRAP",
        ),
        (
            "pkcs11",
            AesKwp,
            false,
            "operations",
            "C",
            "D0",
            "C",
            "SIGN",
        ),
        (
            "pkcs11",
            AesKwp,
            false,
            "operations",
            "E",
            "D0",
            "E",
            "DECRYPT",
        ),
    ] {
        let mut settings = shipped(name);
        if blocks {
            settings.values.insert("lmk".into(), "key-block".into());
        }
        settings
            .values
            .insert("master-key".into(), "allowed".into());
        let form = match method {
            AesKwp => KeyForm::Aes128,
            _ => KeyForm::Tdes2,
        };
        let (mut under, _) = key("LAKE.ZMK.001", form, "K0", "B");
        under.wrapping = Some(method);
        for pair in ["04-05", "06-07", "30-31"] {
            let field = format!("lmk-{pair}");
            settings.values.insert(field, under.label.clone());
        }
        let (record, _) = key("LAKE.KEY.001", form, usage, mode);
        let target = target(name).unwrap();
        if name != "pkcs11" || usage != "D0" || mode != "C" {
            target.check(&record, &under, &settings).unwrap();
        }
        let bent = match bent {
            "00" => "0".repeat(32),
            text => text.to_owned(),
        };
        let tables = &mut settings.profile.tables;
        tables
            .get_mut(table)
            .unwrap()
            .insert(entry.into(), bent.clone());
        match target.check(&record, &under, &settings) {
            Err(TargetError::Rule { rule, advice }) => {
                assert!(
                    rule.contains("a key keeps its purpose"),
                    "{name} {bent}: {rule}"
                );
                assert!(advice.contains("correct the profile"), "{advice}");
            }
            other => panic!("{name} {table} {entry} {bent}: {other:?}"),
        }
    }
}

/// The other way round: every entry that is shipped fits.
#[test]
fn what_the_shipped_tables_say_fits_every_key() {
    use WrappingMethod::{AesKwp, AtallaVariant, CcaEcb, ThalesVariant};
    for (name, method, table) in [
        ("icsf", CcaEcb, "types"),
        ("icsf", CcaEcb, "types-24"),
        ("cca", CcaEcb, "types"),
        ("payshield", ThalesVariant, "key-type"),
        ("payshield", ThalesVariant, "key-type-terminal"),
        ("atalla", AtallaVariant, "variant"),
        ("nshield", AesKwp, "attributes"),
    ] {
        let mut settings = shipped(name);
        if table.ends_with("terminal") {
            settings.values.insert("side".into(), "terminal".into());
        }
        for entry in settings.profile.tables[table].keys() {
            let (usage, mode) = entry.split_once([' ', '-']).unwrap_or((entry, "B"));
            let form = match (method, table) {
                (AesKwp, _) => KeyForm::Aes128,
                (_, "types-24") => KeyForm::Tdes3,
                _ => KeyForm::Tdes2,
            };
            let (mut under, _) = key("LAKE.ZMK.001", form, "K0", "B");
            under.wrapping = Some(method);
            let (record, _) = key("LAKE.KEY.001", form, usage, mode);
            let checked = target(name).unwrap().check(&record, &under, &settings);
            assert_eq!(checked, Ok(()), "{name} {table} {entry}");
        }
    }
}
