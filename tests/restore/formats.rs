//! Which format a backup is of: named in its signed manifest; a newer one is refused by
//! name, and one that names none is a former program's and is restored as before.

use std::path::Path;

use conclave_crypto::secret::Secret;
use conclave_evidence::backup::{BACKUP_FILE, Backup, SignedBackup};
use conclave_evidence::verify::verify_path;
use conclave_evidence::{Bytes, GroupId};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::format::{FORMAT, format_of};
use conclave_station::front::Phase;
use serde::{Deserialize, Serialize};

use crate::people::Scene;
use crate::stage::{STAFF, folder};
use crate::{back_up, machine_apart, make_key, restored};

/// What no action of the product does: signs a backup as a program of another format
/// would have.
#[derive(Serialize, Deserialize)]
struct SignAs {
    manifest: Bytes,
    format: Option<u32>,
}

impl Action for SignAs {
    const NAME: &'static str = "sign-as";
    type Out = Vec<u8>;

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Vec<u8>, ActionError> {
        let mut backup = manifest(&self.manifest.0);
        backup.format = self.format;
        let signed =
            SignedBackup::sign::<VaultError>(&backup, |digest| permit.sign_as_station(digest))?;
        Ok(signed.to_file().unwrap())
    }
}

fn manifest(bytes: &[u8]) -> Backup {
    SignedBackup::from_file(bytes).unwrap().open().unwrap()
}

fn format_here(station: &Path) -> u32 {
    format_of(&SledStore::open(&station.join("repository")).unwrap()).unwrap()
}

#[test]
fn a_backup_names_its_format_and_a_newer_one_is_refused_by_name() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    make_key(&mut scene, "BANK-LAKE.ZMK.001");
    let at = back_up(&mut scene);
    let file = at.join(BACKUP_FILE);
    let made = std::fs::read(&file).unwrap();
    assert_eq!(manifest(&made).format, Some(FORMAT));
    let named = |format: u32| format!("repository format {format}");
    let told = verify_path(&at);
    assert!(
        told.ok() && told.to_string().contains(&named(FORMAT)),
        "{told}"
    );

    scene.logon(GroupId::Administrators);
    let mut signed_as = |format| {
        let act = SignAs {
            manifest: Bytes(made.clone()),
            format,
        };
        scene.station.act(&act, "sign", &mut scene.people).unwrap()
    };
    // A newer program's: whoever verifies reads so; here it is not restored.
    std::fs::write(&file, signed_as(Some(FORMAT + 1))).unwrap();
    let told = verify_path(&at);
    let newer = named(FORMAT + 1);
    assert!(told.ok() && told.to_string().contains(&newer), "{told}");
    let machine = machine_apart(folder.path());
    let mut there = Scene::open(machine.path(), STAFF);
    let refused = there.station.restore_backup(&mut there.people).unwrap_err();
    assert!(refused.happened.contains(&newer), "{refused:?}");
    assert!(
        refused.advice.contains("the program that made it"),
        "{refused:?}"
    );
    assert_eq!(there.station.status(0).phase, Phase::Empty);
    drop(there);

    // One of before the format was named, and one that names an older one: brought up.
    for format in [None, Some(1)] {
        std::fs::write(&file, signed_as(format)).unwrap();
        let told = verify_path(&at);
        assert!(told.ok(), "{told}");
        assert_eq!(
            told.to_string().contains("repository format"),
            format.is_some()
        );
        let machine = machine_apart(folder.path());
        let mut there = Scene::open(machine.path(), STAFF);
        restored(&mut there);
        drop(there);
        assert_eq!(format_here(machine.path()), FORMAT, "{format:?}");
        let mut there = Scene::open(machine.path(), STAFF);
        there.logon_both();
        let state = there.key_state("BANK-LAKE.ZMK.001");
        assert_eq!(state.as_deref(), Some("active"), "{format:?}");
    }
}
