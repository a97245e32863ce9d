//! What a record's profile says otherwise than the one that came with the program:
//! a file in the station's folder stands in for a shipped one of the same name, and
//! whoever signs has to see that.

use conclave_keyroom::domain::target_system::TargetProfile;

use super::profile::parse_target_profile;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(include_str!(concat!("../../../profiles/targets/", $name, ".toml"))),*]
    };
}

/// The profiles that came with the program, by file. A name may have a dot more.
const SHIPPED: &[&str] = shipped![
    "acsp",
    "atalla",
    "cca",
    "datapower",
    "icsf",
    "icsf-tr31",
    "kdb",
    "nshield",
    "payshield",
    "payshield-lmk",
    "pkcs11",
    "pkcs11-rsa",
    "racf",
    "sklm",
    "thales-variant",
    "tr31",
    "web-pin",
    "x917",
];

/// So many differences are told one by one.
const TOLD_MOST: usize = 20;

/// Lines of the shipped profile of this name, for a sheet that no record's profile has
/// them for: a key may leave in a key block for somebody who is not on record.
pub(super) fn lines(profile: &str, text: &str) -> Vec<String> {
    let mut shipped = SHIPPED
        .iter()
        .filter_map(|text| parse_target_profile(text).ok());
    let profile = shipped.find(|known| known.name == profile);
    profile.map_or_else(Vec::new, |known| known.lines(text).to_vec())
}

/// How a profile differs from the shipped one of its name, in words; nothing where
/// it does not.
pub(super) fn differences(profile: &TargetProfile) -> Vec<String> {
    let shipped = SHIPPED
        .iter()
        .filter_map(|text| parse_target_profile(text).ok())
        .find(|known| known.name == profile.name);
    let Some(shipped) = shipped else {
        return vec![format!(
            "no profile {:?} came with the program: this one is the house's own",
            profile.name
        )];
    };
    if shipped == *profile {
        return Vec::new();
    }
    let mut found = tables(profile, &shipped);
    for field in &profile.fields {
        if !shipped.fields.contains(field) {
            found.push(format!("field {}: not as shipped", field.title));
        }
    }
    for field in &shipped.fields {
        if !profile.fields.iter().any(|f| f.name == field.name) {
            found.push(format!("field {}: left out", field.title));
        }
    }
    let names = profile.text.keys().chain(shipped.text.keys());
    let names: std::collections::BTreeSet<&String> = names.collect();
    for name in names {
        if profile.text.get(name) != shipped.text.get(name) {
            found.push(format!("text {name}: not as shipped"));
        }
    }
    let more = found.len().saturating_sub(TOLD_MOST);
    found.truncate(TOLD_MOST);
    if more > 0 {
        found.push(format!("AND {more} FURTHER DIFFERENCES"));
    }
    let mut words = vec![format!(
        "THIS PROFILE {} IS NOT THE ONE THAT CAME WITH THE PROGRAM, {}:",
        profile.stamp(),
        shipped.stamp()
    )];
    words.extend(found);
    words
}

/// Entries of tables that are otherwise, new or left out.
fn tables(profile: &TargetProfile, shipped: &TargetProfile) -> Vec<String> {
    let mut found = Vec::new();
    for (table, entries) in &profile.tables {
        for (key, value) in entries {
            match shipped.entry(table, key) {
                Some(known) if known == value => {}
                Some(known) => found.push(format!("{table}, {key}: {value}, shipped {known}")),
                None => found.push(format!("{table}, {key}: {value}, new")),
            }
        }
    }
    for (table, entries) in &shipped.tables {
        for (key, value) in entries {
            if profile.entry(table, key).is_none() {
                found.push(format!("{table}, {key}: left out, shipped {value}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_of_the_folder_is_known_and_is_as_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../profiles/targets");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let profile = parse_target_profile(&text).unwrap();
            assert!(differences(&profile).is_empty(), "{}", profile.name);
            count += 1;
        }
        assert_eq!(count, SHIPPED.len());
    }

    #[test]
    fn what_differs_is_named_and_no_more_of_it_than_people_read() {
        let mut profile = parse_target_profile(SHIPPED[4]).unwrap();
        let types = profile.tables.get_mut("types").unwrap();
        types.insert("P0 B".into(), "ZERO-CV".into());
        types.remove("D0 B");
        profile.text.remove("load");
        profile.fields.remove(0);
        let words = differences(&profile).join("; ");
        for word in [
            "icsf v1 IS NOT",
            "types, P0 B: ZERO-CV, shipped OPINENC IPINENC",
            "types, D0 B: left out, shipped CIPHER",
            "text load",
            "field Importer key: left out",
        ] {
            assert!(words.contains(word), "{word}: {words}");
        }
        for at in 0..100 {
            let types = profile.tables.get_mut("types").unwrap();
            types.insert(format!("Z{at}"), "DATA".into());
        }
        let words = differences(&profile);
        assert_eq!(words.len(), TOLD_MOST + 2);
        assert!(words[TOLD_MOST + 1].contains("FURTHER"), "{words:?}");
        profile.name = "other".into();
        assert_eq!(differences(&profile).len(), 1);
    }
}
