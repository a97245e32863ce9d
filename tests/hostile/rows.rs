//! An act of each kind, as it could stand, and another one that needs the same
//! people.

use conclave_evidence::authority::{CardState, Mode, SignedAuthority};
use conclave_evidence::backup::BackupAct;
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::custodian_form::{DutiesStamp, FormText};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, Holder};
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::Action;
use conclave_station::adopt::AdoptEntries;
use conclave_station::certificates::{FileCertificates, IssueCertificates};
use conclave_station::custodian_forms::SignCustodianForm;
use conclave_station::doctor::Check;
use conclave_station::doctor::clock::ConfirmClock;
use conclave_station::doctor::exception::AcceptFinding;
use conclave_station::lost_card::ChangeCard;
use conclave_station::one_manager::AcceptOneManager;
use conclave_station::pins::UnblockPin;
use conclave_station::puk::FilePuk;
use conclave_station::renew::{AddPinRoom, RenewGroups};
use conclave_station::settle::SettleAct;
use conclave_station::unlock::UnlockStation;
use conclave_trades::backup::{MakeBackup, Rehearse, Restore};
use conclave_trades::ceremony::action::{
    AcceptComponent, CloseCeremony, CombineKey, CombineShares, DestroySheet, GenerateKey,
    OpenCeremony, Part, PrintComponent, ProveComponent, ReadBack, RecordStep, SealComponent,
    SplitKey, VoidSet,
};
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::state::Player;
use conclave_trades::keys::{
    Becomes, DeactivateKey, DeclareCompromised, DestroyKey, Disposition, ExportPublic,
    FileComponentReceipt, GenerateRsa, ImportPublic, ImportStoreKey, LiftQuarantine, PackageForm,
    PrintExchangeLetter, PrintPackageForm, QuarantinePackage, ReadPublic, ReadStore, RecordSheet,
    ReleasePinKey, ResumeKey, SuspendKey, WithdrawPinKey,
};
use conclave_trades::media::{CondemnMedium, EnrolMedium, PlateRead, ReadPlate};
use conclave_trades::pin::{
    ApprovePinTemplate, BarPinPartner, RecordPinPartner, WithdrawPinTemplate,
};
use conclave_trades::print::{
    ApproveLayout, EjectSheet, EnrolPrinter, PrintReport, PrintSample, PrintWords, Report,
    RetirePrinter, WithdrawLayout,
};
use conclave_trades::target::store::{ExportKeyStore, PrintHalf, ReadCertificate, StoredItem};
use conclave_trades::target::{
    CheckFile, CheckFrom, ExportKeys, FileReceipt, ImportBlock, KeyName, PrintKeyLetter, ReadBlock,
    ReadBundle, ReadPartnerCertificate, ReadReceipt, Receipt, RecordSystem, VoidBundle, VoidKey,
};
use conclave_trades::update::{InstallUpdate, RollBack};

use crate::Trial;
use crate::play;
use crate::room::{Room, START_MS};

/// What needs no session: its signatures are in the act, and
/// `card_records.rs` looks at them.
pub const OWN_SIGNATURES: [&str; 1] = ["change-card"];

const CEREMONY: Id = Id([3; 16]);
const KEY: Id = Id([4; 16]);
const LABEL: &str = "BANK-LAKE.ZMK.001";

/// An action's name, who must stand behind the act of the row, and its trial.
pub type Row = (&'static str, &'static str, fn(&str));

macro_rules! row {
    ($action:ty, $who:literal, $make:expr) => {
        (<$action>::NAME, $who, |who| {
            Trial::<$action>::new($make, None).run(who);
        })
    };
    ($action:ty, $who:literal, $make:expr, $other:expr) => {
        (<$action>::NAME, $who, |who| {
            Trial::<$action>::new($make, Some($other)).run(who);
        })
    };
}

pub(crate) use row;

pub const ROWS: &[Row] = &[
    row!(
        OpenCeremony,
        "key-managers sign, approvers sign, nobody who held it",
        open,
        |act| act.title.push('X')
    ),
    row!(
        GenerateKey,
        "mandate, key-managers logged on, approvers logged on",
        generate
    ),
    row!(
        SplitKey,
        "mandate, key-managers logged on, approvers logged on",
        split
    ),
    row!(
        AcceptComponent,
        "mandate, key-managers logged on, approvers logged on, a person of custodians-a signs",
        accept,
        |act| act.kcv.value.push('0')
    ),
    row!(
        CombineKey,
        "mandate, key-managers logged on, approvers logged on",
        combine
    ),
    row!(
        CombineShares,
        "mandate, key-managers logged on, approvers logged on",
        combine_shares
    ),
    row!(
        PrintComponent,
        "mandate, key-managers logged on, approvers logged on, a person of custodians-a signs",
        print,
        |act| act.printers.push("LP-2".into())
    ),
    row!(EjectSheet, "mandate, key-managers logged on", eject),
    row!(
        SealComponent,
        "mandate, key-managers logged on, a person of custodians-a signs, a person of approvers signs",
        seal,
        |act| act.serial.push('1')
    ),
    row!(
        ProveComponent,
        "mandate, key-managers logged on, approvers logged on, a person of custodians-a signs",
        prove,
        |act| act.serial.push('1')
    ),
    row!(
        DestroySheet,
        "mandate, key-managers logged on, a person of key-managers signs, a person of approvers signs",
        destroy,
        |act| act.serial.push('1')
    ),
    row!(ReadBack, "mandate, key-managers logged on", read_back),
    row!(RecordStep, "key-managers logged on", record_step),
    row!(
        CloseCeremony,
        "mandate, key-managers logged on, a person of key-managers signs, a person of approvers signs",
        close,
        |act| act.minutes.0[0] ^= 1
    ),
    row!(VoidKey, "key-managers logged on, approvers logged on", void),
    row!(
        VoidSet,
        "key-managers logged on, approvers logged on",
        |_| VoidSet {
            ceremony: CEREMONY,
            title: "Re-issue components".into(),
            key: KEY,
            reason: "abandoned".into(),
        }
    ),
    row!(
        ExportKeys,
        "key-managers sign, approvers sign, mandate",
        export,
        |act| act.serial.push('1')
    ),
    row!(
        ReadBundle,
        "mandate, key-managers logged on, approvers logged on",
        read_bundle
    ),
    row!(
        ReadBlock,
        "mandate, key-managers logged on, approvers logged on",
        |_| ReadBlock {
            ceremony: CEREMONY,
            medium: Id([8; 16]),
            file: "BANK-LAKE.ZPK.001.tr31".into(),
        }
    ),
    row!(
        ImportBlock,
        "mandate, key-managers logged on, approvers logged on",
        import
    ),
    row!(
        PrintKeyLetter,
        "key-managers sign, approvers sign",
        key_letter,
        |act| act.recipient.push('X')
    ),
    row!(PrintPackageForm, "key-managers logged on", |_| {
        PrintPackageForm {
            key: key_name(KEY, LABEL),
            ceremony: CEREMONY,
            index: 1,
            bag: "CE0000001".into(),
            form: PackageForm::Envelope,
            printer: "REP-1".into(),
            layout: layout("component-envelope.toml"),
        }
    }),
    row!(
        PrintExchangeLetter,
        "key-managers logged on, approvers logged on",
        |_| PrintExchangeLetter {
            key: key_name(KEY, LABEL),
            to: "BANK-LAKE".into(),
            address: vec!["1 Lake Road".into()],
            reference: "L-17".into(),
            courier: "by registered post".into(),
            ways: vec!["by hand".into(), "by courier".into()],
            printer: "REP-1".into(),
            layout: layout("exchange-letter.toml"),
        }
    ),
    row!(
        FileComponentReceipt,
        "key-managers sign",
        |_| FileComponentReceipt {
            key: KEY,
            label: LABEL.into(),
            ceremony: CEREMONY,
            index: 1,
            by: "B. Lake".into(),
            package: "CE0000001".into(),
        },
        |act| act.package.push('9')
    ),
    row!(
        GenerateRsa,
        "key-managers sign, approvers sign",
        generate_rsa,
        |act| act.bits = 4096
    ),
    row!(
        ExportKeyStore,
        "key-managers sign, approvers sign",
        export_key_store,
        |act| act.kinds.push("jks".into())
    ),
    row!(
        PrintHalf,
        "key-managers logged on, approvers logged on",
        |room| PrintHalf {
            bundle: 1,
            half: 1,
            holder: export_key_store(room).holders.remove(0),
            printer: "LP-1".into(),
            date: "01JAN2026".into(),
            layout: layout("password-mailer.toml"),
        }
    ),
    row!(
        ReadCertificate,
        "key-managers logged on, approvers logged on",
        |_| ReadCertificate {
            key: key_name(Id([12; 16]), "OUR.RSA.001"),
            medium: Id([7; 16]),
            file: "answer.pem".into(),
        }
    ),
    row!(
        ReadStore,
        "key-managers logged on, approvers logged on",
        |_| ReadStore {
            medium: Id([7; 16]),
            file: "lake.p12".into(),
        }
    ),
    row!(
        ImportStoreKey,
        "key-managers sign, approvers sign",
        import_store_key,
        |act| act.store.0[0] ^= 1
    ),
    row!(
        ExportPublic,
        "key-managers sign, approvers sign",
        export_public,
        |act| act.recipient.push('X')
    ),
    row!(
        ReadPublic,
        "key-managers logged on, approvers logged on",
        |_| ReadPublic {
            medium: Id([8; 16]),
            file: "lake.pem".into(),
        }
    ),
    row!(
        ImportPublic,
        "key-managers sign, approvers sign",
        import_public,
        |act| act.fingerprint.0[0] ^= 1
    ),
    row!(
        DeactivateKey,
        "key-managers sign, approvers sign",
        |_| DeactivateKey {
            key: key_name(KEY, LABEL),
            successor: key_name(Id([6; 16]), "BANK-LAKE.ZMK.002"),
        },
        |act| act.successor.label.push('X')
    ),
    row!(
        DestroyKey,
        "key-managers sign, approvers sign",
        |_| DestroyKey {
            key: key_name(KEY, LABEL),
            reason: "not needed any more".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        QuarantinePackage,
        "key-managers sign",
        |_| QuarantinePackage {
            key: key_name(KEY, LABEL),
            set: None,
            index: 2,
            found: "another serial on it".into(),
        },
        |act| act.index = 1
    ),
    row!(
        LiftQuarantine,
        "key-managers sign, approvers sign, nobody who held it",
        |room| LiftQuarantine {
            key: key_name(KEY, LABEL),
            set: None,
            index: 2,
            holders: vec![player(room, "Hana", GroupId::CustodiansB).id],
            reason: "the wrong bag was brought".into(),
        },
        |act| act.index = 1
    ),
    row!(
        RecordSheet,
        "key-managers logged on, approvers logged on, a person of custodians-a signs, a person of approvers signs",
        |room| RecordSheet {
            key: key_name(KEY, LABEL),
            set: None,
            index: 1,
            disposition: Disposition::Kept("CE0000002".into()),
            custodian: player(room, "Gus", GroupId::CustodiansA),
            witnesses: vec![player(room, "Ada", GroupId::Approvers)],
        },
        |act| act.disposition = Disposition::Returned("CE0000002".into())
    ),
    row!(
        SuspendKey,
        "key-managers sign",
        |_| SuspendKey {
            key: key_name(KEY, LABEL),
            reason: "a bag was open".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        ResumeKey,
        "key-managers sign, approvers sign",
        |_| ResumeKey {
            key: key_name(KEY, LABEL),
            reason: "it was opened by its custodian".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        DeclareCompromised,
        "key-managers sign, approvers sign",
        |_| DeclareCompromised {
            key: key_name(KEY, LABEL),
            reason: "both sheets in one hand".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        ReleasePinKey,
        "key-managers sign, approvers sign",
        release_pin_key,
        |act| act.days += 1
    ),
    row!(
        WithdrawPinKey,
        "key-managers sign",
        |_| WithdrawPinKey {
            key: key_name(KEY, "BANK-LAKE.PVK.001"),
            reason: "the batch is printed".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        PrintReport,
        "key-managers logged on, approvers logged on",
        report
    ),
    row!(
        ApproveLayout,
        "administrators sign",
        approve_layout,
        |act| {
            act.inspected.push('!');
        }
    ),
    row!(
        WithdrawLayout,
        "administrators sign",
        |_: &Room| WithdrawLayout {
            digest: Hash([18; 32]),
            name: "pin-mailer-continuous".into(),
            reason: "it can be read by a torch".into(),
        },
        |act| act.digest.0[0] ^= 1
    ),
    row!(
        ApprovePinTemplate,
        "administrators sign",
        approve_pin_template,
        |act| act.template.push('\n')
    ),
    row!(
        WithdrawPinTemplate,
        "administrators sign",
        |_: &Room| WithdrawPinTemplate {
            digest: Hash([17; 32]),
            name: "csv-pvv".into(),
            reason: "its denied list was wrong".into(),
        },
        |act| act.digest.0[0] ^= 1
    ),
    row!(
        BarPinPartner,
        "administrators sign",
        |_: &Room| BarPinPartner {
            id: Id([14; 16]),
            issuer: "BANKX".into(),
            signer: Hash([15; 32]),
            reason: "its signing key was copied".into(),
        },
        |act| act.issuer.push('Y')
    ),
    row!(ReadPartnerCertificate, "administrators logged on", |_| {
        ReadPartnerCertificate {
            medium: Id([8; 16]),
            file: "issuer.pem".into(),
        }
    }),
    row!(
        RecordPinPartner,
        "administrators sign",
        pin_partner,
        |act| act.recipient_fingerprint.0[0] ^= 1
    ),
    row!(PrintSample, "administrators logged on", print_sample),
    row!(PrintSample, "key-managers logged on", |room: &Room| {
        PrintSample {
            group: GroupId::KeyManagers,
            ..print_sample(room)
        }
    }),
    row!(EnrolPrinter, "administrators sign", printer, |act| act
        .printer
        .serial
        .push('1')),
    row!(
        CondemnMedium,
        "administrators sign",
        |_: &Room| CondemnMedium {
            id: Id([19; 16]),
            name: "STICK-1".into(),
            serial: "S-1".into(),
            reason: "it was left in a taxi".into(),
        },
        |act| act.reason.push('X')
    ),
    row!(
        RetirePrinter,
        "administrators sign",
        |_: &Room| RetirePrinter {
            id: Id([9; 16]),
            name: "LP-1".into(),
            serial: "L72P-0815".into(),
            reason: "it broke".into(),
        },
        |act| act.name = "LP-2".into()
    ),
    row!(EnrolMedium, "administrators sign", medium, |act| act
        .serial
        .push('1')),
    row!(
        EnrolMedium,
        "administrators sign, a person of key-managers signs, a person of approvers signs",
        |room: &Room| EnrolMedium {
            plate: Some(read_plate(room).read),
            ..medium(room)
        },
        |act| act.plate.as_mut().unwrap().appeared += 1
    ),
    row!(
        ReadPlate,
        "a person of key-managers signs, a person of approvers signs",
        read_plate,
        |act| act.read.number.push('1')
    ),
    row!(RecordSystem, "administrators sign", system, |act| act
        .name
        .push('1')),
    row!(
        CheckFile,
        "key-managers logged on, approvers logged on",
        |_| CheckFile {
            under: key_name(KEY, LABEL),
            from: CheckFrom::Typed("U00112233445566778899AABBCCDDEEFF".into()),
            value: "08D7B4".into(),
            method: String::new(),
        }
    ),
    row!(
        ReadReceipt,
        "key-managers logged on, approvers logged on",
        |_| ReadReceipt {
            medium: Id([7; 16]),
            file: "receipt-0001.txt".into(),
        },
        |act| act.file.push('1')
    ),
    row!(
        FileReceipt,
        "key-managers sign, approvers logged on",
        receipt,
        |act| act.receipt.received_by.push('1')
    ),
    row!(
        VoidBundle,
        "key-managers sign, approvers sign",
        |_| VoidBundle {
            bundle: 1,
            recipient: "BANK-LAKE".into(),
            medium: "STICK-1".into(),
            labels: vec!["BANK-LAKE.ZPK.001".into()],
            reason: "lost in the post".into(),
        },
        |act| act.reason.push('1')
    ),
    row!(UnlockStation, "administrators sign", |_| UnlockStation {}),
    row!(AdoptEntries, "administrators sign", adopt, |act| {
        act.runs[0].0 += 1;
    }),
    row!(SettleAct, "administrators sign", settle, |act| {
        act.found.push('!');
    }),
    row!(UnblockPin, "administrators sign", unblock, |act| act
        .card
        .0[0] ^=
        1),
    row!(FilePuk, "administrators logged on", file_puk),
    row!(ChangeCard, "administrators logged on", reinstate),
    row!(ChangeCard, "by signatures of its own", revoke),
    row!(MakeBackup, "administrators sign", backup, |act| {
        act.0.number += 1;
    }),
    row!(Rehearse, "administrators logged on", rehearse),
    row!(
        Restore,
        "recovery sign, administrators sign",
        restore,
        |act| {
            act.last += 1;
        }
    ),
    row!(
        RenewGroups,
        "administrators logged on, key-managers logged on",
        renew
    ),
    row!(
        RenewGroups,
        "administrators logged on, recovery logged on",
        renew_by_recovery
    ),
    row!(AddPinRoom, "administrators logged on", add_pin_room),
    row!(InstallUpdate, "administrators sign", install, |act| {
        act.digest.0[0] ^= 1;
    }),
    row!(RollBack, "administrators sign", roll_back, |act| {
        act.to.push('1');
    }),
    row!(
        PrintWords,
        "administrators logged on, recovery logged on",
        print_words
    ),
    row!(
        AcceptFinding,
        "administrators sign",
        accept_finding,
        |act| {
            act.until_ms += 1;
        }
    ),
    row!(ConfirmClock, "administrators sign", confirm_clock, |act| {
        act.wall_ms += 1;
    }),
    row!(IssueCertificates, "administrators sign", issue, |act| {
        act.card.0[0] ^= 1;
    }),
    row!(FileCertificates, "administrators logged on", file),
    row!(
        SignCustodianForm,
        "administrators logged on, a person of custodians-a signs, a person of administrators signs",
        form,
        |act| {
            act.text.until_ms += 1;
        }
    ),
    row!(
        AcceptOneManager,
        "administrators sign",
        one_manager,
        |act| {
            act.until_ms += 1;
        }
    ),
];

fn one_manager(_: &Room) -> AcceptOneManager {
    AcceptOneManager {
        manager: "Zoe".into(),
        reason: "four of us".into(),
        until_ms: START_MS + 86_400_000,
    }
}

fn form(room: &Room) -> SignCustodianForm {
    let gus = &room.holder("Gus").person;
    let duties = DutiesStamp {
        stamp: "custodian v1".into(),
        digest: Hash([0xD7; 32]),
    };
    let station = room.vault().authority().unwrap().station;
    SignCustodianForm {
        text: FormText::new(
            station,
            Holder {
                person: gus.id,
                name: "Gus".into(),
            },
            GroupId::CustodiansA,
            duties,
            START_MS,
        ),
        manager: room.holder("Ada").person.id,
        manager_name: "Ada".into(),
    }
}

fn player(room: &Room, name: &str, group: GroupId) -> Player {
    Player {
        id: room.holder(name).person.id,
        name: name.into(),
        group,
        reports_to: String::new(),
    }
}

fn open(_: &Room) -> OpenCeremony {
    OpenCeremony {
        ceremony: CEREMONY,
        title: "Generate a zone master key".into(),
        script: Hash([1; 32]),
        parameters: Hash([2; 32]),
        limits: [(GenerateKey::NAME.to_owned(), 1)].into(),
        barred: vec![Id([0x77; 16])],
        summary: vec!["one key".into()],
    }
}

fn generate(room: &Room) -> GenerateKey {
    let part = |name: &str, group| Part {
        custodian: room.holder(name).person.id,
        name: name.into(),
        group,
        backup: None,
    };
    GenerateKey {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        template: KeyTemplate {
            name: "zmk-aes256".into(),
            version: 1,
            title: "Zone master key".into(),
            form: KeyForm::Aes256,
            usage: "K0".into(),
            mode_of_use: "B".into(),
            exportability: "N".into(),
            cryptoperiod_days: 365,
            recipient_days: None,
            in_components: true,
            wrapping: None,
            panel: None,
        },
        parts: vec![
            part("Gus", GroupId::CustodiansA),
            part("Hana", GroupId::CustodiansB),
        ],
    }
}

fn split(room: &Room) -> SplitKey {
    SplitKey {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        quorum: None,
        parts: generate(room).parts,
    }
}

fn destroy(room: &Room) -> DestroySheet {
    DestroySheet {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        set: Id([5; 16]),
        index: 1,
        serial: "CE0000001".into(),
        by: vec![
            player(room, "Dora", GroupId::KeyManagers),
            player(room, "Ada", GroupId::Approvers),
        ],
    }
}

fn accept(room: &Room) -> AcceptComponent {
    AcceptComponent {
        known_value: None,
        ceremony: CEREMONY,
        label: LABEL.into(),
        form: KeyForm::Tdes2,
        index: 1,
        of: 2,
        custodian: player(room, "Gus", GroupId::CustodiansA),
        backup: None,
        kcv: CheckValue {
            value: "08D7B4".into(),
            method: "ENC-ZERO".into(),
        },
        proven: "typed twice the same, blind".into(),
        share: None,
    }
}

fn combine(room: &Room) -> CombineKey {
    CombineKey {
        known_value: None,
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        template: generate(room).template,
        partner: "BANK-LAKE".into(),
        components: 2,
        value: "08D7B4FB62".into(),
        method: "CMAC".into(),
        by: vec![
            player(room, "Kim", GroupId::KeyManagers),
            player(room, "Ada", GroupId::Approvers),
        ],
    }
}

fn combine_shares(room: &Room) -> CombineShares {
    CombineShares {
        known_value: None,
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        template: generate(room).template,
        of: "KEYROOM-1".into(),
        known: None,
        places: vec![1, 3],
        value: "08D7B4FB62".into(),
        method: "CMAC".into(),
        by: combine(room).by,
    }
}

fn import(room: &Room) -> ImportBlock {
    ImportBlock {
        known_value: None,
        ceremony: CEREMONY,
        key: KEY,
        label: "BANK-LAKE.ZPK.001".into(),
        template: generate(room).template,
        partner: "BANK-LAKE".into(),
        under: KeyName {
            id: Id([9; 16]),
            label: LABEL.into(),
            kcv: "08D7B4 (ENC-ZERO)".into(),
        },
        profile: BlockProfile {
            name: "tr31".into(),
            version: 1,
            title: "TR-31".into(),
            versions: "ABCDE".into(),
            short_padding: false,
            unknown_blocks: false,
            scheme_tag: false,
            schemes: String::new(),
            cca_tokens: false,
            any_parity: false,
            method: None,
        },
        exception: None,
        block: include_str!("../imports/good-strict.txt").into(),
        value: "715FC6741D".into(),
        method: "CMAC".into(),
        by: combine(room).by,
    }
}

fn prove(room: &Room) -> ProveComponent {
    ProveComponent {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        set: None,
        index: 1,
        custodian: player(room, "Gus", GroupId::CustodiansA),
        backup: None,
        serial: "CE0000001".into(),
        unreadable: true,
    }
}

fn print(room: &Room) -> PrintComponent {
    PrintComponent {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        index: 1,
        of: 2,
        quorum: None,
        custodian: room.holder("Gus").person.id,
        custodian_name: "Gus".into(),
        group: GroupId::CustodiansA,
        printers: vec!["LP-1".into()],
        layout: include_str!("../../keymailer-layouts/component.toml").into(),
        blind: false,
        reference: "C0123456".into(),
        date: "2026-01-01".into(),
        panel: None,
    }
}

fn eject(_: &Room) -> EjectSheet {
    EjectSheet {
        ceremony: CEREMONY,
        printers: vec!["LP-1".into()],
        custodian: "Gus".into(),
    }
}

fn seal(room: &Room) -> SealComponent {
    SealComponent {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        share: false,
        index: 1,
        serial: "CE0000001".into(),
        custodian: player(room, "Gus", GroupId::CustodiansA),
        witnesses: vec![player(room, "Ada", GroupId::Approvers)],
    }
}

fn read_back(_: &Room) -> ReadBack {
    ReadBack {
        ceremony: CEREMONY,
        key: KEY,
        label: LABEL.into(),
        value: "08D7B4".into(),
        by: vec!["Dora".into(), "Ada".into()],
    }
}

/// A ceremony's record, and the act that opens a ceremony.
pub fn a_ceremony_on_record(room: &Room) -> (RecordStep, OpenCeremony) {
    (record_step(room), open(room))
}

fn record_step(_: &Room) -> RecordStep {
    let script = include_bytes!("../../templates/ceremonies/generate-zmk.toml");
    let engine = Engine::new(script).unwrap();
    RecordStep {
        state: play::start(&engine, KeyForm::Aes256, 2).unwrap(),
        words: vec!["a step".into()],
    }
}

fn close(room: &Room) -> CloseCeremony {
    CloseCeremony {
        ceremony: CEREMONY,
        title: "Generate a zone master key".into(),
        key: KEY,
        minutes: Hash([5; 32]),
        signers: vec![
            player(room, "Dora", GroupId::KeyManagers),
            player(room, "Ada", GroupId::Approvers),
        ],
    }
}

fn void(_: &Room) -> VoidKey {
    VoidKey {
        ceremony: CEREMONY,
        title: "Generate a zone master key".into(),
        key: Some(KEY),
        reason: "abandoned".into(),
    }
}

fn key_name(id: Id, label: &str) -> KeyName {
    KeyName {
        id,
        label: label.into(),
        kcv: "08D7B4".into(),
    }
}

/// A shipped layout.
fn layout(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/keymailer-layouts");
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
}

fn export(_: &Room) -> ExportKeys {
    ExportKeys {
        bundle: 1,
        keys: vec![key_name(Id([6; 16]), "BANK-LAKE.ZPK.001")],
        under: key_name(KEY, LABEL),
        recipient: "BANK-LAKE".into(),
        target: "tr31".into(),
        system: None,
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "4C530001".into(),
        ceremony: Some(CEREMONY),
        exception: None,
    }
}

fn key_letter(_: &Room) -> PrintKeyLetter {
    PrintKeyLetter {
        key: key_name(Id([6; 16]), "BANK-LAKE.ZPK.001"),
        under: key_name(KEY, LABEL),
        recipient: "BANK-LAKE".into(),
        printer: Some("REP-1".into()),
        exception: None,
    }
}

fn generate_rsa(_: &Room) -> GenerateRsa {
    GenerateRsa {
        key: Id([12; 16]),
        label: "OUR.RSA.001".into(),
        bits: 2048,
        usage: "S0".into(),
        days: 365,
        exportable: false,
        in_components: false,
        predecessor: None,
    }
}

fn export_key_store(_: &Room) -> ExportKeyStore {
    let holder = |n: u8, name: &str, group| Player {
        id: Id([n; 16]),
        name: name.into(),
        group,
        reports_to: String::new(),
    };
    ExportKeyStore {
        bundle: 1,
        keys: vec![StoredItem {
            key: key_name(Id([12; 16]), "OUR.RSA.001"),
            chain: Vec::new(),
        }],
        kinds: vec!["pkcs12".into()],
        recipient: "BANK-LAKE".into(),
        target: "key-store".into(),
        system: None,
        holders: vec![
            holder(20, "Gus", GroupId::CustodiansA),
            holder(21, "Hal", GroupId::CustodiansB),
        ],
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "4C530001".into(),
        exception: None,
    }
}

fn import_store_key(_: &Room) -> ImportStoreKey {
    ImportStoreKey {
        known_value: None,
        key: Id([12; 16]),
        label: "BANK-LAKE.RSA.002".into(),
        partner: "BANK-LAKE".into(),
        medium: Id([7; 16]),
        file: "lake.p12".into(),
        store: Hash([13; 32]),
        alias: "lake".into(),
        becomes: Becomes::Pair {
            usage: "S0".into(),
            days: 365,
        },
        check: "0123456789ABCDEF".into(),
    }
}

fn export_public(room: &Room) -> ExportPublic {
    ExportPublic {
        bundle: 1,
        key: key_name(Id([12; 16]), "OUR.RSA.001"),
        fingerprint: Hash([13; 32]),
        by: combine(room).by,
        recipient: "BANK-LAKE".into(),
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "4C530001".into(),
    }
}

fn import_public(room: &Room) -> ImportPublic {
    ImportPublic {
        key: Id([12; 16]),
        label: "BANK-LAKE.RSA.001".into(),
        partner: "BANK-LAKE".into(),
        usage: "S0".into(),
        days: 365,
        spki: Bytes(vec![0x30]),
        fingerprint: Hash([13; 32]),
        by: combine(room).by,
    }
}

fn read_bundle(_: &Room) -> ReadBundle {
    ReadBundle {
        ceremony: Some(CEREMONY),
        bundle: 1,
    }
}

fn report(_: &Room) -> PrintReport {
    PrintReport {
        printer: "REP-1".into(),
        filed: Hash([8; 32]),
        report: Report {
            mode: Mode::Test,
            station: "LAKE".into(),
            title: "Minutes".into(),
            made: "2026-01-01 00:00:00 UTC".into(),
            blocks: Vec::new(),
        },
    }
}

fn approve_layout(_: &Room) -> ApproveLayout {
    let layout = include_str!("../../keymailer-layouts/pin-mailer-continuous.toml");
    let read = conclave_trades::print::Layout::parse(layout).unwrap();
    let page = conclave_trades::print::approval::sample_page(&read).unwrap();
    ApproveLayout {
        layout: layout.into(),
        sample: conclave_trades::print::approval::digest(&page),
        printer: "PIN-1".into(),
        printed_ms: START_MS,
        inspected: "paper X 1, toner Y 2, by a torch from the side".into(),
    }
}

fn approve_pin_template(_: &Room) -> ApprovePinTemplate {
    ApprovePinTemplate {
        template: include_str!("../../templates/pins/csv-pvv.toml").into(),
    }
}

fn pin_partner(room: &Room) -> RecordPinPartner {
    RecordPinPartner {
        id: Id([14; 16]),
        issuer: "BANKX".into(),
        signer: Bytes(vec![0x30]),
        signer_fingerprint: Hash([15; 32]),
        recipient: Bytes(vec![0x30]),
        recipient_fingerprint: Hash([16; 32]),
        by: combine(room).by,
        lifts: None,
    }
}

pub(crate) fn print_sample(_: &Room) -> PrintSample {
    PrintSample {
        group: GroupId::Administrators,
        printer: "LP-1".into(),
        layout: include_str!("../../keymailer-layouts/pin-mailer-continuous.toml").into(),
        flush: false,
    }
}

fn printer(_: &Room) -> EnrolPrinter {
    EnrolPrinter {
        printer: PrinterRecord {
            id: Id([9; 16]),
            name: "LP-1".into(),
            device: "/dev/usb/lp0".into(),
            serial: "L72P-0815".into(),
            purpose: PrinterPurpose::Components,
            language: PrinterLanguage::EscP,
            training: false,
        },
    }
}

fn medium(_: &Room) -> EnrolMedium {
    EnrolMedium {
        id: Id([7; 16]),
        name: "STICK-1".into(),
        serial: "4C530001".into(),
        plate: None,
    }
}

fn read_plate(room: &Room) -> ReadPlate {
    ReadPlate {
        medium: Id([7; 16]),
        name: "STICK-1".into(),
        read: PlateRead {
            number: "0417".into(),
            appeared: 1,
            by: vec![
                player(room, "Dora", GroupId::KeyManagers),
                player(room, "Ada", GroupId::Approvers),
            ],
        },
    }
}

fn system(_: &Room) -> RecordSystem {
    RecordSystem {
        id: Id([7; 16]),
        name: "BANK-LAKE PROD".into(),
        settings: Settings::default(),
        by: Vec::new(),
    }
}

fn receipt(_: &Room) -> FileReceipt {
    FileReceipt {
        receipt: Receipt {
            bundle: 1,
            manifest: "0123456789ABCDEF".into(),
            received_by: "J. Weber".into(),
            keys: vec![("BANK-LAKE.ZPK.001".into(), "08D7B4".into())],
        },
    }
}

fn adopt(_: &Room) -> AdoptEntries {
    AdoptEntries {
        runs: vec![(9, 11, Hash([9; 32]))],
    }
}

fn settle(_: &Room) -> SettleAct {
    SettleAct {
        act: Id([9; 16]),
        action: "print-component".into(),
        seq: 9,
        found: "no sheet came out".into(),
    }
}

fn unblock(room: &Room) -> UnblockPin {
    UnblockPin {
        card: room.holder("Gus").card.card,
        person: "Gus".into(),
    }
}

fn file_puk(room: &Room) -> FilePuk {
    FilePuk {
        card: room.holder("Gus").card.card,
        person: "Gus".into(),
        another: false,
    }
}

fn backup(_: &Room) -> MakeBackup {
    MakeBackup(BackupAct {
        number: 9,
        contents: Hash([9; 32]),
        pairs: 100,
        medium: Id([7; 16]),
        medium_name: "STICK-1".into(),
        serial: "4C530001".into(),
    })
}

fn rehearse(_: &Room) -> Rehearse {
    Rehearse {
        serial: "4C530001".into(),
        folder: "BACKUP-000009-TEST".into(),
        digest: Hash([9; 32]),
        group: GroupId::Recovery,
        members: vec!["Lea".into(), "Max".into()],
    }
}

fn restore(room: &Room) -> Restore {
    Restore {
        from: None,
        last: 9,
        entry: Hash([9; 32]),
        seen: Some(12),
        elsewhere: Vec::new(),
        signed: next_record(room),
    }
}

fn next_record(room: &Room) -> SignedAuthority {
    let mut record = room.vault().authority().unwrap().clone();
    record.previous = Some(room.vault().authority_hash().unwrap());
    record.seq += 1;
    SignedAuthority::unsigned(&record).unwrap()
}

fn renew(room: &Room) -> RenewGroups {
    RenewGroups {
        words: vec!["a new secret for the key managers".into()],
        groups: vec![GroupId::KeyManagers],
        by_recovery: false,
        signed: next_record(room),
        receipts: Vec::new(),
        people: Vec::new(),
        new_cards: Vec::new(),
    }
}

fn renew_by_recovery(room: &Room) -> RenewGroups {
    RenewGroups {
        by_recovery: true,
        ..renew(room)
    }
}

fn add_pin_room(room: &Room) -> AddPinRoom {
    AddPinRoom {
        words: vec!["PIN operators and PIN supervisors come".into()],
        signed: next_record(room),
        receipts: Vec::new(),
        people: Vec::new(),
        new_cards: Vec::new(),
    }
}

fn release_pin_key(room: &Room) -> ReleasePinKey {
    ReleasePinKey {
        key: key_name(KEY, "BANK-LAKE.PVK.001"),
        pin_use: PinUse::Pvv,
        issuer: "BANK-LAKE".into(),
        room: room.vault().authority().unwrap().station_key,
        days: 31,
    }
}

fn install(room: &Room) -> InstallUpdate {
    InstallUpdate {
        version: [0, 2, 0],
        brings: None,
        digest: Hash([9; 32]),
        key: room.vault().authority().unwrap().station_key,
        serial: "4C530001".into(),
        folder: "UPDATE-1".into(),
        current: Some("0.1.0".into()),
    }
}

fn roll_back(_: &Room) -> RollBack {
    RollBack {
        from: "0.2.0".into(),
        to: "0.1.0".into(),
    }
}

fn print_words(_: &Room) -> PrintWords {
    PrintWords {
        member: Id([9; 16]),
        holder: "Lea".into(),
        part: 3,
        of: 3,
        printer: "LP-1".into(),
        date: "24NOV2026".into(),
    }
}

fn accept_finding(_: &Room) -> AcceptFinding {
    AcceptFinding {
        check: Check::Provider,
        found: "software".into(),
        reason: "a token provider comes in May".into(),
        until_ms: START_MS + 1000,
    }
}

fn confirm_clock(_: &Room) -> ConfirmClock {
    ConfirmClock {
        wall_ms: START_MS,
        latest_ms: START_MS + 1000,
        reason: "two watches".into(),
    }
}

fn issue(room: &Room) -> IssueCertificates {
    IssueCertificates {
        card: room.holder("Gus").card.card,
        person: "Gus".into(),
    }
}

fn file(room: &Room) -> FileCertificates {
    FileCertificates {
        card: room.holder("Gus").card.card,
        person: "Gus".into(),
        issued_ms: START_MS,
    }
}

fn change_card(room: &Room, to: CardState) -> ChangeCard {
    ChangeCard {
        card: room.holder("Gus").card.card,
        person: "Gus".into(),
        to,
        signed: next_record(room),
    }
}

fn reinstate(room: &Room) -> ChangeCard {
    change_card(room, CardState::Active)
}

fn revoke(room: &Room) -> ChangeCard {
    change_card(room, CardState::Revoked)
}
