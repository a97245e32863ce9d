//! The wrapping key of a channel to the key of its certificate, through the door:
//! openssl makes the certificate, reads it in the bundle, and opens what goes to it.

use std::path::Path;

use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::show::utc;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::TargetSystem;
use conclave_keyroom::door::Action;
use conclave_trades::ceremony::state::Player;
use conclave_trades::target::system_certificate;

use super::exported::{clear, plan, proposed, sound, text};
use super::to_rsa::{opened, openssl, public};
use crate::desk::{ADMINISTRATORS, DAY_MS, Desk, psec, rule};
use crate::hex;

/// A desk whose clock stands in the certificates' time, and the files of one.
struct Made {
    desk: Desk,
    folder: tempfile::TempDir,
    from_ms: u64,
}

impl Made {
    fn new(bits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Self {
            desk: Desk::new(),
            folder,
            from_ms: 0,
        };
        let der = made.certificate("retail", bits);
        made.from_ms = Recipient::read(&der).unwrap().facts().not_before * 1000;
        made.desk.room.clock.set(made.from_ms + 60_000);
        made
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    /// Of openssl's, for 100 days.
    fn certificate(&self, name: &str, bits: &str) -> Vec<u8> {
        let (key, file) = (format!("{name}.key"), format!("{name}.der"));
        let subject = format!("/O=BANK-LAKE/CN={name}");
        let words = ["req", "-x509", "-newkey", bits, "-nodes", "-days", "100"];
        let files = ["-keyout", &key, "-outform", "DER", "-out", &file];
        let rest = ["-subj", &subject, "-addext", "keyUsage=keyEncipherment"];
        openssl(self.at(), &[&words[..], &files, &rest].concat());
        std::fs::read(self.at().join(file)).unwrap()
    }

    fn day(&self, after: u64) -> String {
        utc(self.from_ms + after * DAY_MS)[..10].to_owned()
    }

    /// The channel's record, with this certificate where there is one.
    fn channel(&mut self, der: Option<&[u8]>) -> TargetSystem {
        self.generation("3", der, None)
    }

    fn generation(
        &mut self,
        number: &str,
        der: Option<&[u8]>,
        before: Option<&TargetSystem>,
    ) -> TargetSystem {
        let (from, until) = (self.day(2), self.day(12));
        let values = [
            ("channel", "RETAIL"),
            ("key-prefix", "WEB.RETAIL."),
            ("generation", number),
            ("from", from.as_str()),
            ("former-until", until.as_str()),
        ];
        let mut act = proposed(&mut self.desk, "web-pin", &values);
        if let Some(before) = before {
            (act.id, act.name) = (before.id, before.name.clone());
        }
        if let Some(der) = der {
            let typed = Recipient::read(der).unwrap().facts().fingerprint;
            let certificate = system_certificate(der, &Hash(typed)).unwrap();
            act.settings
                .certificates
                .insert("certificate".into(), certificate);
            act.by = ["Ada", "Ben"]
                .map(|name| Player {
                    id: self.desk.room.holder(name).person.id,
                    name: name.into(),
                    group: GroupId::Administrators,
                    reports_to: String::new(),
                })
                .into();
            let words = act.words().join("\n");
            for said in [
                "Certificate of the channel: ",
                ",O=BANK-LAKE, RSA-",
                &hex(&typed),
                "by Ada and Ben",
            ] {
                assert!(words.contains(said), "{said}: {words}");
            }
        }
        self.desk.act(&act, &ADMINISTRATORS).unwrap()
    }

    fn key(&mut self, label: &str, form: KeyForm, change: fn(&mut KeyRecord)) -> KeyRecord {
        let until = self.from_ms + 200 * DAY_MS;
        let usage = if label.contains(".KEK.") { "K0" } else { "P0" };
        self.desk.key_with(label, form, usage, |record| {
            record.expires_ms = until;
            record.exportability = "S".into();
            change(record);
        })
    }
}

fn json(
    desk: &Desk,
    out: &conclave_trades::target::ExportedBundle,
    name: &str,
) -> serde_json::Value {
    serde_json::from_str(&text(desk, out, name)).unwrap()
}

#[test]
fn the_wrapping_key_of_a_channel_opens_under_the_key_of_its_certificate() {
    let mut made = Made::new("rsa:3072");
    let der = std::fs::read(made.at().join("retail.der")).unwrap();
    let channel = made.channel(Some(&der));
    let under = public(&mut made.desk, "WEB.RETAIL.CERT.001", &der, "K3");
    let kek = made.key("WEB.RETAIL.KEK.001", KeyForm::Aes128, |_| {});
    let act = plan(&made.desk, &channel, &[&kek], &under);
    // Approvers read whose certificate it is.
    let words = act.words().join("\n");
    let digest = hex(&Recipient::read(&der).unwrap().facts().fingerprint);
    assert!(
        words.contains(&digest) && words.contains("CN=retail"),
        "{words}"
    );
    let out = made.desk.export(&act).unwrap();
    sound(&mut made.desk, &out, &[&kek]);

    let value = clear(&mut made.desk, &kek);
    let file = made.desk.file(&out, "WEB.RETAIL.KEK.001.rsaaes");
    assert_eq!(opened(made.at(), "retail.key", "sha256", &file, 384), value);
    // The check value of what was opened, by openssl (CMAC over zeros).
    std::fs::write(made.at().join("zeros"), [0; 16]).unwrap();
    let hexkey = format!("hexkey:{value}");
    let words = ["mac", "-cipher", "AES-128-CBC", "-macopt", &hexkey];
    let mac = openssl(made.at(), &[&words[..], &["-in", "zeros", "CMAC"]].concat());
    assert!(
        mac.trim().starts_with(&kek.kcv.value),
        "{mac} {:?}",
        kek.kcv
    );

    let list = json(&made.desk, &out, "wrapping-key.json");
    assert_eq!(list["keys"][0]["file"], "WEB.RETAIL.KEK.001.rsaaes");
    assert_eq!(list["keys"][0]["check_value"], kek.kcv.value);
    assert_eq!(list["bytes_under_rsa"], 384);
    assert_eq!(list["certificate"]["sha256"], digest);
    assert_eq!(made.desk.file(&out, "channel-certificate.der"), der);
    let sheet = text(&made.desk, &out, "runsheet.txt");
    for said in [
        "NO KEY BLOCK, AND NO TR-34",
        "WEB.RETAIL.CERT.001  RSA-3072",
        "CN=retail,O=BANK-LAKE",
        &digest[..32],
        &digest[32..],
    ] {
        assert!(sheet.contains(said), "{said}: {sheet}");
    }
    let listed = made.desk.record(&kek).exports.pop().unwrap();
    assert_eq!(
        (listed.format.as_str(), listed.under.as_str()),
        ("rsa-aes", "WEB.RETAIL.CERT.001")
    );
    assert_eq!(
        made.desk.register(out.number).labels,
        ["WEB.RETAIL.KEK.001"]
    );

    // Under the key that openssl opened the generation's keys come.
    let zpk = made.key("WEB.RETAIL.ZPK.003", KeyForm::Aes128, |_| {});
    let out = made
        .desk
        .export(&plan(&made.desk, &channel, &[&zpk], &kek))
        .unwrap();
    sound(&mut made.desk, &out, &[&zpk]);
    let block = made.desk.file(&out, "WEB.RETAIL.ZPK.003.tr31");
    assert_eq!(psec(&value, &block).0, clear(&mut made.desk, &zpk));
    // What rotation.json says of the certificate, openssl says of the file.
    let list = json(&made.desk, &out, "rotation.json");
    let told = &list["certificate"];
    assert_eq!(told["file"], "channel-certificate.der");
    std::fs::write(
        made.at().join("sent.der"),
        made.desk.file(&out, "channel-certificate.der"),
    )
    .unwrap();
    let words = ["x509", "-inform", "DER", "-in", "sent.der", "-noout"];
    let asks = ["-serial", "-fingerprint", "-sha256", "-subject", "-enddate"];
    let dates = ["-dateopt", "iso_8601", "-nameopt", "RFC2253"];
    let said = openssl(made.at(), &[&words[..], &asks, &dates].concat());
    let wanted = |name: &str| told[name].as_str().unwrap().to_owned();
    let not_after = wanted("not_after").replace(" UTC", "Z");
    let colons: Vec<String> = wanted("sha256")
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    for line in [
        format!("serial={}", wanted("serial")),
        format!("subject={}", wanted("subject")),
        format!("notAfter={not_after}"),
        format!("Fingerprint={}", colons.join(":")),
    ] {
        assert!(said.contains(&line), "{line}: {said}");
    }
    let sheet = text(&made.desk, &out, "runsheet.txt");
    assert!(sheet.contains(&wanted("serial")), "{sheet}");
}

#[test]
fn what_does_not_go_to_the_certificate_of_a_channel_is_named() {
    let mut made = Made::new("rsa:3072");
    let der = std::fs::read(made.at().join("retail.der")).unwrap();
    let channel = made.channel(Some(&der));
    let under = public(&mut made.desk, "WEB.RETAIL.CERT.001", &der, "K3");
    let other = made.certificate("other", "rsa:3072");
    let other = public(&mut made.desk, "WEB.RETAIL.CERT.002", &other, "K3");
    let good = made.key("WEB.RETAIL.KEK.001", KeyForm::Aes128, |_| {});
    let long = made.key("WEB.RETAIL.KEK.002", KeyForm::Aes256, |_| {});
    let stays = made.key("WEB.RETAIL.KEK.003", KeyForm::Aes128, |key| {
        key.exportability = "N".into();
    });
    let bare = made.key("WEB.RETAIL.KEK.004", KeyForm::Aes128, |key| {
        key.wrapping = Some(WrappingMethod::AesKwp);
    });
    let foreign = made.key("WEB.STAFF.KEK.001", KeyForm::Aes128, |_| {});
    let pin = made.key("WEB.RETAIL.ZPK.003", KeyForm::Aes128, |_| {});
    for (key, under, why) in [
        (&long, &under, "is weaker than WEB.RETAIL.KEK.002 (AES-256)"),
        (&stays, &under, "is not exportable"),
        (&bare, &under, "no key that wraps TR-31 key blocks"),
        (&pin, &under, "no key that wraps TR-31 key blocks"),
        (&foreign, &under, "no key of the channel RETAIL"),
        (&good, &other, "is not the key of the certificate on record"),
    ] {
        let act = plan(&made.desk, &channel, &[key], under);
        let told = rule(made.desk.export(&act));
        assert!(told.contains(why), "{why}: {told}");
    }
    let mut act = plan(&made.desk, &channel, &[&good], &under);
    act.exception = None;
    assert!(rule(made.desk.export(&act)).contains("18-3"));
    // Under a key block key the wrapping key itself is none of the channel's keys.
    let act = plan(&made.desk, &channel, &[&long], &good);
    assert!(rule(made.desk.export(&act)).contains("usage K0: a channel has none"));

    // The certificate's own time.
    let act = plan(&made.desk, &channel, &[&good], &under);
    made.desk.room.clock.set(made.from_ms - 1000);
    let told = rule(made.desk.export(&act));
    assert!(told.contains("does not hold yet"), "{told}");
    made.desk.room.clock.set(made.from_ms + 101 * DAY_MS);
    for (key, under) in [(&good, &under), (&pin, &good)] {
        let act = plan(&made.desk, &channel, &[key], under);
        let told = rule(made.desk.export(&act));
        assert!(told.contains("has expired"), "{told}");
    }
    assert_eq!(made.desk.on_stick(), 0);
}

#[test]
fn nothing_of_the_former_generation_goes_with_the_certificate_of_the_next() {
    let mut made = Made::new("rsa:3072");
    let one = std::fs::read(made.at().join("retail.der")).unwrap();
    let two = made.certificate("next", "rsa:3072");
    let third = made.channel(Some(&one));
    let former = public(&mut made.desk, "WEB.RETAIL.CERT.001", &one, "K3");
    let new = public(&mut made.desk, "WEB.RETAIL.CERT.002", &two, "K3");
    let kek = made.key("WEB.RETAIL.KEK.001", KeyForm::Aes128, |_| {});
    let pin = made.key("WEB.RETAIL.ZPK.003", KeyForm::Aes128, |_| {});
    let approved = plan(&made.desk, &third, &[&kek], &former);
    let fourth = made.generation("4", Some(&two), Some(&third));
    assert_eq!(fourth.former.len(), 1);
    // What was approved before the record changed, the former certificate's key, and
    // keys of the former generation.
    for (act, why) in [
        (approved, "is not the one that was approved"),
        (
            plan(&made.desk, &fourth, &[&kek], &former),
            "is not the key of the certificate on record",
        ),
        (
            plan(&made.desk, &fourth, &[&pin], &kek),
            "is not of generation 4",
        ),
    ] {
        let told = rule(made.desk.export(&act));
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(made.desk.on_stick(), 0);
    let act = plan(&made.desk, &fourth, &[&kek], &new);
    let out = made.desk.export(&act).unwrap();
    assert_eq!(made.desk.file(&out, "channel-certificate.der"), two);
    let file = made.desk.file(&out, "WEB.RETAIL.KEK.001.rsaaes");
    let value = clear(&mut made.desk, &kek);
    assert_eq!(opened(made.at(), "next.key", "sha256", &file, 384), value);
}

#[test]
fn a_short_certificate_takes_a_tdes_key_and_no_certificate_takes_none() {
    for with in [false, true] {
        let mut made = Made::new("rsa:2048");
        let der = std::fs::read(made.at().join("retail.der")).unwrap();
        let channel = made.channel(with.then_some(&der));
        let under = public(&mut made.desk, "WEB.RETAIL.CERT.001", &der, "K3");
        let aes = made.key("WEB.RETAIL.KEK.001", KeyForm::Aes128, |_| {});
        let tdes = made.key("WEB.RETAIL.KEK.002", KeyForm::Tdes3, |_| {});
        let act = plan(&made.desk, &channel, &[&aes], &under);
        let told = rule(made.desk.export(&act));
        if !with {
            let why = "RETAIL has no certificate on record";
            assert!(told.contains(why), "{told}");
            continue;
        }
        assert!(told.contains("worth 112 bits"), "{told}");
        let act = plan(&made.desk, &channel, &[&tdes], &under);
        let out = made.desk.export(&act).unwrap();
        let file = made.desk.file(&out, "WEB.RETAIL.KEK.002.rsaaes");
        let value = clear(&mut made.desk, &tdes);
        assert_eq!(opened(made.at(), "retail.key", "sha256", &file, 256), value);
    }
}
