//! A real file system, mounted as a stick would be.

use std::path::PathBuf;
use std::process::Command;

use crate::desk::*;
use crate::room::{NoPrinters, Room};
use conclave_evidence::{Id, verify_path};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::door::{ActionError, DoorError, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_station::host::media::{HostMedia, MediaPlaces};
use conclave_trades::media::EnrolMedium;
use conclave_training::stick::{FolderStick, StickPorts};

/// A file system in a file, mounted as a stick would be.
struct Image {
    dir: tempfile::TempDir,
    mounted: bool,
}

impl Image {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = Self {
            dir,
            mounted: false,
        };
        let file = std::fs::File::create(image.file()).unwrap();
        file.set_len(16 << 20).unwrap();
        let path = image.file().display().to_string();
        root(&["mkfs.ext4", "-q", "-U", UUID, &path]);
        std::fs::create_dir(image.point()).unwrap();
        image
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn point(&self) -> PathBuf {
        self.dir.path().join("media")
    }

    fn mount(&mut self, options: &str) {
        let (file, point) = (self.file(), self.point());
        let options = format!("loop,nodev,nosuid,noexec,{options}");
        let (file, point) = (file.display().to_string(), point.display().to_string());
        root(&["mount", "-o", &options, &file, &point]);
        self.mounted = true;
    }

    fn unmount(&mut self) {
        if std::mem::take(&mut self.mounted) {
            root(&["umount", &self.point().display().to_string()]);
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.unmount();
    }
}

const UUID: &str = "6b1d3c52-0000-4000-8000-00000000c0de";

pub fn root(words: &[&str]) -> String {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("env")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "env"]);
        command
    };
    let done = command
        .arg(format!("PATH={path}"))
        .args(words)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{words:?} needs root, or sudo without a password, and what ./scripts/test installs: \
         {done:?}"
    );
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_mounted_file_system_is_found_enrolled_and_written_and_gone_when_unmounted() {
    let mut image = Image::new();
    let places = MediaPlaces::of_system(vec![image.point()]);
    // Without a serial of its own it is no medium.
    image.mount("rw");
    assert_eq!(HostMedia::new(places.clone()).found(), Ok(vec![]));

    let places = MediaPlaces {
        images: true,
        ..places
    };
    let mut desk = Desk::new();
    let mut host = HostMedia::new(places);
    let found = host.found().unwrap();
    assert_eq!(found.len(), 1);
    let serial = format!("IMAGE/{UUID}");
    assert_eq!(found[0].serial, serial);
    assert!(found[0].training && !found[0].read_only && found[0].free > 1 << 20);
    image.unmount();
    assert_eq!(host.found(), Ok(vec![]));

    image.mount("ro");
    assert!(host.found().unwrap()[0].read_only);
    desk.ports = Box::new(host);
    desk.medium = desk.enrol(7, "IMAGE-1", &serial).unwrap();
    let zmk = desk.key("A.ZMK.1", KeyForm::Aes128, "K0");
    let key = desk.key("A.ZPK.1", KeyForm::Aes128, "P0");
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("write-protected"));
    image.unmount();
    let act = desk.plan(&[&key], &zmk);
    assert!(device(desk.export(&act)).contains("no medium"));

    image.mount("rw");
    if !rustix::process::geteuid().is_root() {
        root(&["chmod", "777", &image.point().display().to_string()]);
    }
    let act = desk.plan(&[&key], &zmk);
    let out = desk.export(&act).unwrap();
    assert!(verify_path(&image.point().join(&out.folder)).ok());
    image.unmount();
    // The tools of the file system itself see every file.
    let listed = root(&[
        "debugfs",
        "-R",
        &format!("ls -p /{}", out.folder),
        &image.file().display().to_string(),
    ]);
    for name in &out.files {
        assert!(listed.contains(&format!("/{name}/")), "{listed}");
    }
    assert!(!listed.contains(".part"), "{listed}");
}

#[test]
fn a_production_station_enrols_no_training_medium() {
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::before_founding(crate::room::MemoryStore::default());
    let mut founding = room.founding();
    founding.mode = conclave_evidence::authority::Mode::Production;
    let mut founded = room.door_mut().found(founding).unwrap();
    let digest = founded.digest().unwrap();
    for name in ["Ada", "Ben"] {
        let card = &room.holder(name).card;
        founded.sign(conclave_evidence::authority::CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    room.management_signs(&mut founded);
    room.door_mut().commit_founding(founded).unwrap();
    room.door_mut().finish_genesis().unwrap();
    let act = EnrolMedium {
        id: Id([1; 16]),
        name: "STICK-1".into(),
        serial: "S-1".into(),
        plate: None,
    };
    let proposal = room.propose(&act);
    let warrant = Warrant {
        approvals: room.approve(&proposal, &ADMINISTRATORS),
        proposal: Some(proposal),
    };
    let mut media = StickPorts::new(vec![FolderStick::new(folder.path(), "S-1")]);
    let mut printers = NoPrinters;
    let mut ports = Ports {
        printers: &mut printers,
        media: &mut media,
        programs: &mut NoPrograms,
    };
    let result = room
        .door_mut()
        .perform(&act, &warrant, Vec::new(), &mut ports);
    let Err(DoorError::Failed(ActionError::Rule { rule, .. })) = result else {
        panic!("it was enrolled");
    };
    assert!(rule.contains("PRODUCTION"), "{rule}");
}
