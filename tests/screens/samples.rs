//! A made-up bank's station.

use std::sync::Mutex;

use conclave_keyroom::ports::dialogue::{
    Ask, Mark, MemberState, MemberView, Prompt, PromptLine, QuorumView, Refusal,
};
use conclave_station::front::{
    CeremonyRow, Desk, DeviceRow, Event, GroupRow, JournalRow, KeyRow, KeyTable, Lists, Paper,
    PersonRow, Phase, Pile, PinPrinter, PrinterHand, ScriptRow, Status, TaskRow,
};

fn s(text: &str) -> String {
    text.to_owned()
}

pub fn all(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| s(t)).collect()
}

pub fn refusal(happened: &str, safe: &str, advice: &str) -> Refusal {
    Refusal {
        happened: s(happened),
        safe: s(safe),
        advice: s(advice),
    }
}

/// 24 Nov 2026 09:14:10 UTC.
const MORNING: u64 = 1_795_511_650_000;

pub fn status(phase: Phase) -> Status {
    let open = phase == Phase::Open;
    Status {
        station: s("KEYROOM-1"),
        mode: s("TEST"),
        phase,
        locked: None,
        recovery: false,
        damage: None,
        rescuable: false,
        rescue: false,
        aside: Vec::new(),
        session: if open {
            vec![(s("Key managers"), all(&["MEMBER-1", "MEMBER-2"]))]
        } else {
            Vec::new()
        },
        wall_ms: MORNING,
        idle: open.then_some((298, 598)),
        provider: s("software in locked memory; not an HSM"),
        warnings: Vec::new(),
        training: true,
    }
}

fn task(due: &str, days: i64, what: &str, who: &str) -> TaskRow {
    TaskRow {
        due: s(due),
        days,
        what: s(what),
        who: s(who),
        detail: Vec::new(),
        resume: None,
    }
}

fn key(
    label: &str,
    algorithm: &str,
    usage: &str,
    kcv: &str,
    state: &str,
    expires: (&str, i64),
) -> KeyRow {
    KeyRow {
        id: None,
        label: s(label),
        algorithm: s(algorithm),
        usage: s(usage),
        kcv: s(kcv),
        kcv_method: s(if algorithm.starts_with("AES") {
            "CMAC-ZERO"
        } else {
            "ENC-ZERO"
        }),
        state: s(state),
        template: s("zmk-tdes2 v1"),
        under: String::new(),
        expires: s(expires.0),
        days_left: (!expires.0.is_empty()).then_some(expires.1),
        detail: Vec::new(),
    }
}

/// What the station says of the first key when it is asked.
pub fn custody() -> Event {
    Event::KeyDetail {
        label: s("BANK-LAKE.ZMK.001"),
        id: None,
        detail: all(&[
            "made 23 Nov 2026 in ceremony 0f3a99d2, 3 components",
            "component 1  envelope AA 1234567  safe 2, MEMBER-4",
            "component 2  envelope AA 1234568  safe 3, MEMBER-5",
            "component 3  envelope AA 1234569  safe 4, MEMBER-6",
            "installed: payShield 3 on 24 Nov 2026",
        ]),
    }
}

pub fn lists() -> Lists {
    let mut tasks = vec![
        task(
            "overdue",
            -3,
            "receipt for bundle 0041 from ACQ-HOST",
            "MEMBER-1",
        ),
        task(
            "today",
            0,
            "replace ZPK BANKX.ZPK.OUT.007, expires 02 Dec",
            "Key managers",
        ),
        task(
            "today",
            0,
            "go on: generate ZMK BANK-LAKE.ZMK.001",
            "Custodians",
        ),
        task(
            "27 Nov",
            3,
            "custody exercise, ZMK PARTNER-3, 3 sheets",
            "Custodians",
        ),
        task(
            "14 Dec",
            20,
            "replace card 91C0 of MEMBER-2, end of life",
            "Administrators",
        ),
        task(
            "18 Jan",
            55,
            "yearly journal export to the auditors",
            "Auditors",
        ),
    ];
    tasks[1].detail = all(&[
        "TDES-2  ZPK under ZMK BANKX.ZMK.003  KCV 08D7B4 (ENC-ZERO)",
        "installed: ICSF PROD1, ICSF PROD2, payShield 3",
        "template zpk-out v4",
    ]);
    tasks[2].resume = Some(s("0f3a99d21c4e4b7f8a55c0d1e2f3a4b5"));
    tasks[2].detail = all(&[
        "step 11 of 20: print component 2",
        "interrupted 23 Nov 17:40 by log out",
    ]);
    let mut keys = vec![
        key(
            "BANK-LAKE.ZMK.001",
            "TDES-2",
            "K0 zone master key",
            "08D7B4",
            "active",
            ("24 Nov 2028", 731),
        ),
        key(
            "BANK-LAKE.ZPK.IN.001",
            "TDES-2",
            "P0 PIN encryption",
            "5A11C9",
            "active",
            ("24 Nov 2027", 365),
        ),
        key(
            "BANK-LAKE.ZPK.OUT.001",
            "TDES-2",
            "P0 PIN encryption",
            "E3F002",
            "active",
            ("24 Nov 2027", 365),
        ),
        key(
            "BANKX.ZMK.003",
            "TDES-2",
            "K0 zone master key",
            "9AD41F",
            "active",
            ("30 Jun 2027", 218),
        ),
        key(
            "BANKX.ZPK.OUT.007",
            "TDES-2",
            "P0 PIN encryption",
            "08D7B4",
            "expiring",
            ("02 Dec 2026", 8),
        ),
        key(
            "ISSUER.IMK-AC.2026",
            "AES-256",
            "E0 EMV application cryptograms",
            "7C00A1B2D3",
            "approved",
            ("", 0),
        ),
        key(
            "PARTNER-3.ZMK.002",
            "TDES-3",
            "K0 zone master key",
            "41D09E",
            "void",
            ("", 0),
        ),
    ];
    for at in [1, 2] {
        keys[at].under = s("BANK-LAKE.ZMK.001");
    }
    keys[4].under = s("BANKX.ZMK.003");
    let ceremony = |id: &str, title: &str, state: &str, began: &str, open| CeremonyRow {
        id: s(id),
        title: s(title),
        state: s(state),
        began: s(began),
        open,
        detail: all(&[
            "opened by Key managers and Approvers",
            "script generate-zmk.toml  digest 5D20 91AF",
        ]),
    };
    let script = |file: &str, title: &str, digest: &str, refused: Option<&str>| ScriptRow {
        file: s(file),
        title: s(title),
        summary: s("Three components on blind forms, sealed at once, each with its own custodian."),
        digest: s(digest),
        refused: refused.map(s),
    };
    let person = |name: &str, reports: &str, roles: &[&str], cards: &[(&str, &str)]| PersonRow {
        name: s(name),
        reports_to: s(reports),
        roles: all(roles),
        cards: cards.iter().map(|(c, t)| (s(c), s(t))).collect(),
    };
    let group = |name: &str, m, n, live, members: &[&str]| GroupRow {
        name: s(name),
        m,
        n,
        live,
        members: all(members),
    };
    let device = |kind: &str, name: &str, purpose: &str, state: &str| DeviceRow {
        kind: s(kind),
        name: s(name),
        purpose: s(purpose),
        state: s(state),
    };
    let entry = |seq, at: &str, kind: &str, action: &str, words: &str, hash: &str| JournalRow {
        seq,
        at: s(at),
        kind: s(kind),
        action: s(action),
        words: s(words),
        hash: conclave_evidence::words::read_digest(&hash.repeat(8)).expect("eight digits"),
    };
    Lists {
        batches: None,
        tasks,
        keys: KeyTable::from_rows(keys),
        scripts: vec![
            script("generate-zmk.toml", "Generate ZMK", "ABCEAE81", None),
            script("working-key.toml", "Working key", "FD854E0C", None),
            script(
                "zmk-import.toml",
                "Enter a partner's ZMK",
                "A0B1C2D3",
                Some("step 4 names the verb «reveal», which this station does not have"),
            ),
        ],
        ceremonies: vec![
            ceremony(
                "0f3a99d21c4e4b7f8a55c0d1e2f3a4b5",
                "Generate ZMK BANK-LAKE.ZMK.001",
                "open, step 11 of 20",
                "23 Nov 2026 17:02",
                true,
            ),
            ceremony(
                "77aa",
                "Generate ZMK PARTNER-3.ZMK.002",
                "void",
                "20 Nov 2026 10:11",
                false,
            ),
            ceremony(
                "66bb",
                "Export ZPK BANKX.ZPK.OUT.007",
                "done",
                "12 Nov 2026 14:30",
                false,
            ),
        ],
        people: vec![
            person("MEMBER-1", "HEAD-1", &["key manager"], &[("4F2A", "live")]),
            person("MEMBER-2", "HEAD-1", &["key manager"], &[("91C0", "live")]),
            person(
                "MEMBER-3",
                "HEAD-2",
                &["approver", "witness"],
                &[("0B77", "live"), ("19EE", "revoked")],
            ),
            person("MEMBER-4", "HEAD-3", &["custodian"], &[("C2D8", "live")]),
        ],
        groups: vec![
            group(
                "Key managers",
                2,
                3,
                3,
                &["MEMBER-1", "MEMBER-2", "MEMBER-7"],
            ),
            group("Approvers", 2, 3, 2, &["MEMBER-3", "MEMBER-8", "MEMBER-9"]),
        ],
        devices: vec![
            device("reader", "Training reader 1", "", "card in"),
            device("printer", "KOMP-1 EPSON LQ 7A31", "components", "ready"),
            device("printer", "USB printer 0000", "", "not enrolled"),
            device("medium", "STICK-4", "export to ACQ-HOST", "missing"),
        ],
        journal: vec![
            entry(
                211,
                "24 Nov 2026 09:14:03",
                "OUTCOME",
                "logon",
                "Key managers logged on: MEMBER-1, MEMBER-2",
                "5D2091AF",
            ),
            entry(
                210,
                "24 Nov 2026 09:13:20",
                "INTENT",
                "logon",
                "",
                "77C0A11B",
            ),
            entry(
                209,
                "23 Nov 2026 17:40:55",
                "OUTCOME",
                "print component",
                "component 2 UNKNOWN after log out",
                "08D7B4C2",
            ),
        ],
    }
}

pub fn prompt(code: &str, title: &str, ask: Ask) -> Prompt {
    Prompt {
        pauses: Some(s("BANK-LAKE.ZMK.001")),
        code: s(code),
        act: s("Generate ZMK BANK-LAKE.ZMK.001"),
        step: Some((11, 20)),
        title: s(title),
        cast: vec![
            (s("custodian"), s("MEMBER-4")),
            (s("witness"), s("MEMBER-3")),
        ],
        lines: Vec::new(),
        quorum: None,
        show: None,
        table: None,
        ask,
        other_group: false,
        words: false,
        waiting_for: s("MEMBER-4"),
        safe: s("no, this key would be void"),
        refused: None,
        why: s(
            "A component is printed in front of its custodian only, so that nobody else can read it from the paper or from the ribbon.",
        ),
    }
}

pub fn line(mark: Mark, text: &str) -> PromptLine {
    PromptLine {
        mark,
        text: s(text),
    }
}

pub fn component_lines() -> Vec<PromptLine> {
    let done = || Mark::Done(s("09:30"));
    vec![
        line(done(), "The key is made in components inside the station."),
        line(
            done(),
            "Everyone but the custodian steps back from the printer.",
        ),
        line(
            Mark::Now,
            "The custodian's card signs, and the component is printed.",
        ),
        line(
            Mark::Next,
            "Sheet collected, readable, check value on it; form cover destroyed.",
        ),
        line(
            Mark::Next,
            "Sealed; serial typed by the custodian, again by the witness.",
        ),
        line(Mark::Note, ""),
        line(
            Mark::Note,
            "Expected: one sheet, for the custodian's eyes only",
        ),
        line(
            Mark::Note,
            "MEMBER-4 stands at the printer, alone, with an unused envelope at hand.",
        ),
    ]
}

pub fn logon(ask: Ask) -> Prompt {
    let member = |name: &str, card: &str, state| MemberView {
        name: s(name),
        card: s(card),
        state,
    };
    Prompt {
        act: s("Log on"),
        step: None,
        pauses: None,
        title: String::new(),
        cast: Vec::new(),
        quorum: Some(QuorumView {
            group: s("Key managers"),
            m: 2,
            n: 3,
            members: vec![
                member("MEMBER-1", "4F2A", MemberState::Proven),
                member("MEMBER-2", "91C0", MemberState::EnterPin),
                member("MEMBER-7", "", MemberState::Missing),
            ],
            deadline: Some((84, s("MEMBER-1 was first, 09:13:41."))),
        }),
        waiting_for: s("MEMBER-2"),
        safe: s("yes, nothing is open yet"),
        why: s(
            "A group's secret exists only in shares, one on each member's card. Two of three open it.",
        ),
        ..prompt("logon.pin", "", ask)
    }
}

pub fn pin_ask() -> Ask {
    Ask::Pin {
        person: s("MEMBER-2"),
        tries_left: Some(3),
        purpose: s("log on"),
    }
}

/// A table that remembers what hands did.
pub struct Hands {
    pub readers: Mutex<Vec<(String, Option<String>)>>,
    pub cards: Mutex<Vec<String>>,
    pub sheet: Mutex<Vec<String>>,
    pub bags: Mutex<Vec<Vec<String>>>,
    /// The printer of PIN mailers, where there is one that hands stop.
    pub printer: Mutex<Option<PinPrinter>>,
    /// What was done to it.
    pub done: Mutex<Vec<PrinterHand>>,
}

impl Hands {
    pub fn new(readers: &[&str], cards: &[&str]) -> Self {
        Self {
            readers: Mutex::new(readers.iter().map(|r| (s(r), None)).collect()),
            cards: Mutex::new(all(cards)),
            sheet: Mutex::new(Vec::new()),
            bags: Mutex::new(Vec::new()),
            printer: Mutex::new(None),
            done: Mutex::new(Vec::new()),
        }
    }
}

impl Desk for Hands {
    fn readers(&self) -> Vec<(String, Option<String>)> {
        self.readers.lock().unwrap().clone()
    }

    fn cards(&self) -> Vec<String> {
        self.cards.lock().unwrap().clone()
    }

    fn insert(&self, card: &str, reader: &str) {
        self.cards.lock().unwrap().retain(|c| c != card);
        for (name, place) in self.readers.lock().unwrap().iter_mut() {
            if name == reader {
                assert!(place.is_none(), "a reader takes one card");
                *place = Some(s(card));
            }
        }
    }

    fn pull(&self, reader: &str) {
        for (name, place) in self.readers.lock().unwrap().iter_mut() {
            if name == reader {
                self.cards.lock().unwrap().extend(place.take());
            }
        }
    }

    fn piles(&self) -> Vec<Pile> {
        let pile = |bag| Pile {
            paper: Paper::Custodians,
            bag,
        };
        let bags = self.bags.lock().unwrap().len();
        let printed = !self.sheet.lock().unwrap().is_empty();
        let mut piles: Vec<Pile> = (1..=bags).map(|bag| pile(Some(bag))).collect();
        piles.extend(printed.then(|| pile(None)));
        piles
    }

    fn sheet(&self, pile: &Pile) -> Vec<String> {
        match pile.bag {
            None => self.sheet.lock().unwrap().clone(),
            Some(bag) => self.bags.lock().unwrap()[bag - 1].clone(),
        }
    }

    fn put_away(&self, _: &Pile) {
        let sheet = std::mem::take(&mut *self.sheet.lock().unwrap());
        self.bags.lock().unwrap().push(sheet);
    }

    fn pin_printer(&self) -> Option<PinPrinter> {
        self.printer.lock().unwrap().clone()
    }

    fn do_to_printer(&self, hand: PrinterHand) {
        self.done.lock().unwrap().push(hand);
    }
}
