//! The acts of the PIN room.

use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_ahead::Ahead;
use conclave_keyroom::domain::pin_batch::Limits;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::Action;
use conclave_trades::pin::MakePinIdentity;
use conclave_trades::pin::action::{
    BatchName, CancelCards, CardValuesOut, ChangeBatchPrinter, ConfirmMailers, CountSafe,
    DestroyFoundForms, ExportBatch, FollowPaper, Found, HandOverBatch, IssueForms, LoseOutput,
    MissingFrom, OpenBatch, OutputLeft, PartnerName, PinKeyName, PrintBatchSheet, PrintMailers,
    PurgeBatch, RaiseLimits, ReadBatch, ReadCardFile, ReadOutput, ReceiveStock, ReconcileBatch,
    ResolveUnknown, RestockFoundForms, ReturnForms, SetFormsAside, SettleInterrupted,
    SettleRestoredBatch, SpoilMailer, TemplateName, WriteFormsOff,
};
use conclave_trades::print::PrintSample;

use crate::Trial;
use crate::room::Room;
use crate::rows::{Row, print_sample, row};

pub const ROWS: &[Row] = &[
    row!(
        MakePinIdentity,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| MakePinIdentity { generation: 1 },
        |act| act.generation = 2
    ),
    row!(PrintSample, "pin-operators logged on", |room: &Room| {
        PrintSample {
            group: GroupId::PinOperators,
            ..print_sample(room)
        }
    }),
    row!(
        ReadCardFile,
        "pin-operators logged on, pin-supervisors logged on",
        read_card_file
    ),
    row!(
        ReadBatch,
        "pin-operators logged on, pin-supervisors logged on",
        read_batch
    ),
    row!(
        OpenBatch,
        "pin-operators sign, pin-supervisors sign",
        open,
        |act| act.count += 1
    ),
    row!(
        PrintMailers,
        "pin-operators logged on, pin-supervisors logged on, mandate, those who hold the run",
        print
    ),
    row!(
        SettleInterrupted,
        "pin-operators logged on, pin-supervisors logged on",
        |_: &Room| SettleInterrupted {}
    ),
    row!(
        ConfirmMailers,
        "pin-operators sign, pin-supervisors sign, those who hold the run",
        confirm,
        |act| act.last += 1
    ),
    row!(
        SpoilMailer,
        "pin-operators sign, pin-supervisors sign, those who hold the run",
        spoil,
        |act| act.last += 1
    ),
    row!(
        ResolveUnknown,
        "pin-operators sign, pin-supervisors sign, those who hold the run",
        resolve,
        |act| act.found = Found::Lost(Loss::Missing, Reading::Nothing)
    ),
    row!(
        SettleRestoredBatch,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| SettleRestoredBatch {
            batch: batch(),
            waiting: 4,
        },
        |act| act.waiting = 5
    ),
    row!(
        CancelCards,
        "pin-operators sign, pin-supervisors sign, those who hold the run",
        cancel,
        |act| act.last += 1
    ),
    row!(
        HandOverBatch,
        "pin-operators sign, pin-supervisors sign",
        hand_over,
        |act| act.blank += 1
    ),
    row!(
        ChangeBatchPrinter,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| ChangeBatchPrinter {
            batch: batch(),
            from: "PIN-1".into(),
            to: "PIN-2".into(),
            reason: "the first one broke".into(),
        },
        |act| act.to = "PIN-3".into()
    ),
    row!(
        DestroyFoundForms,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| DestroyFoundForms {
            batch: batch(),
            first: 3,
            last: 3,
            reason: "below the printer, closed".into(),
        },
        |act| act.last = 4
    ),
    row!(
        RestockFoundForms,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| RestockFoundForms {
            from: MissingFrom::Batch(batch()),
            first: 3,
            last: 3,
            reason: "behind the other box".into(),
        },
        |act| act.last = 4
    ),
    row!(
        ReceiveStock,
        "pin-operators sign, pin-supervisors sign",
        receive,
        |act| act.last += 1
    ),
    row!(
        IssueForms,
        "pin-operators sign, pin-supervisors sign",
        issue,
        |act| act.last += 1
    ),
    row!(
        CountSafe,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| CountSafe {
            form: "pin-mailer-continuous".into(),
            count: 11,
            counted: "40 to 50".into(),
        },
        |act| act.count = 12
    ),
    row!(
        WriteFormsOff,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| WriteFormsOff {
            form: "pin-mailer-continuous".into(),
            first: 40,
            last: 41,
            aside: Aside::Missing,
            reason: "the box was open".into(),
        },
        |act| act.last += 1
    ),
    row!(
        SetFormsAside,
        "pin-operators sign, pin-supervisors sign",
        aside,
        |act| act.aside = Aside::Missing
    ),
    row!(
        ReturnForms,
        "pin-operators sign, pin-supervisors sign",
        give_back,
        |act| act.count = 8
    ),
    row!(
        FollowPaper,
        "pin-operators sign, pin-supervisors sign, those who hold the run",
        |_: &Room| FollowPaper {
            batch: batch(),
            ahead: Ahead {
                blank: 5,
                first: 6,
                last: 13,
                shown: Shown { first: 5, last: 12 },
            },
            reason: "two forms were taken at once".into(),
        },
        |act| act.ahead.last += 1
    ),
    row!(
        LoseOutput,
        "pin-operators sign, pin-supervisors sign",
        |_: &Room| LoseOutput {
            batch: batch(),
            name: "PIN-B-0001-01-TEST/output.p7m".into(),
            file: Hash([3; 32]),
            reason: "lost in the post".into(),
        },
        |act| act.file = Hash([4; 32])
    ),
    row!(
        ReadOutput,
        "pin-operators logged on, pin-supervisors logged on",
        |_: &Room| ReadOutput {
            batch: batch(),
            name: "PIN-B-0001-01-TEST/output.p7m".into(),
            file: Hash([3; 32]),
        }
    ),
    row!(
        OutputLeft,
        "pin-operators sign, pin-supervisors sign, administrators sign",
        |_: &Room| OutputLeft {
            batch: batch(),
            output: 2,
            file: Hash([3; 32]),
            medium: "STICK-1".into(),
            known_by: "receipt R-7, R. Meyer of BANKX".into(),
        },
        |act| act.file = Hash([4; 32])
    ),
    row!(
        RaiseLimits,
        "pin-operators sign, pin-supervisors sign, administrators sign",
        |_: &Room| RaiseLimits {
            batch: batch(),
            from: Limits {
                tries: 3,
                replacements: 10,
            },
            replaced: 10,
            to: Limits {
                tries: 3,
                replacements: 15,
            },
            reason: "the ribbon tore".into(),
        },
        |act| act.to.replacements = 16
    ),
    row!(
        ExportBatch,
        "pin-operators sign, pin-supervisors sign",
        export,
        |act| act.card_values = CardValuesOut::Empty
    ),
    row!(
        ReconcileBatch,
        "pin-operators sign, pin-supervisors sign",
        reconcile,
        |act| act.sheet = Hash([7; 32])
    ),
    row!(
        PrintBatchSheet,
        "pin-operators logged on, pin-supervisors logged on",
        |_: &Room| PrintBatchSheet {
            batch: batch(),
            printer: "REP-1".into(),
            filed: Hash([8; 32]),
        }
    ),
    row!(
        PurgeBatch,
        "pin-operators sign, pin-supervisors sign",
        purge,
        |act| act.receipt = "R-2 of the issuer".into()
    ),
];

fn batch() -> BatchName {
    let mut id = [5; 16];
    id[12..].fill(0);
    BatchName {
        id: Id(id),
        name: "B-0001".into(),
        issuer: "BANKX".into(),
    }
}

fn partner() -> PartnerName {
    PartnerName {
        id: Id([6; 16]),
        issuer: "BANKX".into(),
        signer: Hash([1; 32]),
        recipient: Hash([2; 32]),
    }
}

fn template() -> TemplateName {
    TemplateName {
        digest: Hash([3; 32]),
        name: "csv-pvv".into(),
        method: "random PIN, Visa PVV".into(),
    }
}

fn read_card_file(_: &Room) -> ReadCardFile {
    ReadCardFile {
        medium: Id([4; 16]),
        file: "cards.p7m".into(),
    }
}

fn read_batch(_: &Room) -> ReadBatch {
    ReadBatch {
        file: Hash([4; 32]),
        partner: partner(),
        template: template(),
        layout: "name = \"x\"".into(),
        host_key: None,
    }
}

fn open(_: &Room) -> OpenBatch {
    OpenBatch {
        batch: batch(),
        partner: partner(),
        file: Hash([4; 32]),
        count: 10,
        input: Hash([5; 32]),
        template: template(),
        layout: "name = \"x\"".into(),
        printer: "PIN-1".into(),
        pin_key: PinKeyName {
            id: Id([8; 16]),
            label: "BANKX.V2.001".into(),
            kcv: "08D7B4".into(),
        },
        zone_key: None,
        cvv_key: None,
        limits: Limits {
            tries: 3,
            replacements: 5,
        },
        older: false,
        again: 0,
    }
}

fn print(_: &Room) -> PrintMailers {
    PrintMailers {
        batch: batch(),
        window: 1,
        form: 1,
    }
}

fn confirm(_: &Room) -> ConfirmMailers {
    ConfirmMailers {
        batch: batch(),
        first: 1,
        last: 9,
        shows: Shown { first: 1, last: 9 },
    }
}

fn spoil(_: &Room) -> SpoilMailer {
    SpoilMailer {
        batch: batch(),
        first: 3,
        last: 3,
        loss: Loss::Damaged,
        reading: Reading::Shown(Shown { first: 3, last: 3 }),
        reason: "torn at the fold".into(),
    }
}

fn resolve(_: &Room) -> ResolveUnknown {
    ResolveUnknown {
        batch: batch(),
        first: 3,
        last: 3,
        found: Found::Whole(Shown { first: 3, last: 3 }),
        reason: "it lay in the tray".into(),
    }
}

fn cancel(_: &Room) -> CancelCards {
    CancelCards {
        batch: batch(),
        first: 3,
        last: 4,
        reason: "the issuer asked for it".into(),
    }
}

fn hand_over(_: &Room) -> HandOverBatch {
    HandOverBatch {
        batch: batch(),
        confirmed: 4,
        printed: 2,
        blank: 9,
    }
}

fn receive(_: &Room) -> ReceiveStock {
    ReceiveStock {
        id: Id([7; 16]),
        lot: "LOT-1".into(),
        first: 1,
        last: 500,
        form: "pin-mailer-continuous".into(),
    }
}

fn issue(_: &Room) -> IssueForms {
    IssueForms {
        batch: batch(),
        first: 1,
        last: 50,
    }
}

fn aside(_: &Room) -> SetFormsAside {
    SetFormsAside {
        batch: batch(),
        first: 1,
        last: 1,
        aside: Aside::Test,
        reason: "page of X's".into(),
    }
}

fn give_back(_: &Room) -> ReturnForms {
    ReturnForms {
        batch: batch(),
        count: 11,
        counted: "40 to 50".into(),
    }
}

fn export(_: &Room) -> ExportBatch {
    ExportBatch {
        batch: batch(),
        output: 1,
        partner: partner(),
        medium: Id([4; 16]),
        medium_name: "STICK-1".into(),
        serial: "S-1".into(),
        card_values: CardValuesOut::NotAsked,
    }
}

fn reconcile(_: &Room) -> ReconcileBatch {
    ReconcileBatch {
        batch: batch(),
        sheet: Hash([6; 32]),
        numbers: vec!["mailers confirmed: 10".into()],
        signers: Vec::new(),
    }
}

fn purge(_: &Room) -> PurgeBatch {
    PurgeBatch {
        batch: batch(),
        receipt: "R-1 of the issuer".into(),
    }
}
