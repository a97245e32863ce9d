//! Every screen by name, and how one gets there.

use std::sync::Arc;

use conclave::tui::{App, Input, Key, Theme};
use conclave_keyroom::ports::dialogue::{
    Ask, Choice, Field, FieldKind, Mark, MemberState, MemberView, Prompt, PromptLine, QuorumView,
    Show, Table,
};
use conclave_station::front::{Event, Phase, READS_AGAIN, Status};

use crate::samples::{
    Hands, all, component_lines, custody, lists, logon, pin_ask, prompt, refusal, status,
};
use crate::{press, tell, write};

pub type Build = Box<dyn Fn(Theme) -> App>;

fn s(text: &str) -> String {
    text.to_owned()
}

/// A station in this state, with what it says afterwards and the keys pressed then.
pub fn at(status: Status, events: Vec<Event>, keys: Vec<Key>) -> Build {
    Box::new(move |theme| {
        let mut app = App::new(
            theme,
            Some(Arc::new(Hands::new(
                &["Training reader 1"],
                &["4F2A MEMBER-1", "91C0 MEMBER-2"],
            ))),
        );
        tell(&mut app, vec![Event::Status(status.clone())]);
        tell(&mut app, events.clone());
        press(&mut app, &keys);
        app
    })
}

fn keys(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

fn open(pressed: Vec<Key>) -> Build {
    at(
        status(Phase::Open),
        vec![Event::Lists(Box::new(lists())), custody()],
        pressed,
    )
}

pub fn asks(prompt: Prompt, pressed: Vec<Key>) -> Build {
    at(
        status(Phase::Open),
        vec![
            Event::Lists(Box::new(lists())),
            custody(),
            Event::Prompt(Box::new(prompt)),
        ],
        pressed,
    )
}

/// A question before there is a station.
fn new(prompt: Prompt, pressed: Vec<Key>) -> Build {
    at(
        new_station(),
        vec![Event::Prompt(Box::new(prompt))],
        pressed,
    )
}

fn new_station() -> Status {
    Status {
        station: String::new(),
        mode: String::new(),
        ..status(Phase::Empty)
    }
}

fn person_form() -> Ask {
    Ask::Form {
        fields: vec![
            Field {
                label: s("Name"),
                kind: FieldKind::Text(24),
                value: String::new(),
                hint: String::new(),
            },
            Field {
                label: s("Reports to"),
                kind: FieldKind::Text(24),
                value: String::new(),
                hint: s("the manager's name"),
            },
            Field {
                label: s("Groups"),
                kind: FieldKind::Many(all(&[
                    "Administrators",
                    "Key managers",
                    "Approvers",
                    "Custodians A",
                    "Custodians B",
                    "Custodians C",
                    "Auditors",
                    "Recovery",
                ])),
                value: String::new(),
                hint: String::new(),
            },
        ],
        submit: s("record"),
        done: Some(s("everybody is recorded")),
    }
}

pub fn scenes() -> Vec<(&'static str, Build)> {
    let mut found = before_logon();
    found.extend(inside());
    found.extend(questions());
    found.extend(over_it());
    found.extend(crate::printing::scenes());
    found.extend(crate::printing::pin_room());
    found.extend(crate::desk_printer::scenes());
    found
}

fn before_logon() -> Vec<(&'static str, Build)> {
    let mut older = status(Phase::Locked);
    older.recovery = true;
    older.locked = Some(refusal(
        "The station is locked: the repository on this disk is not the one that MEMBER-2's card has seen last: the journal does not verify: this card has seen a newer journal than this repository holds.",
        "Nothing is open, and nothing was lost.",
        "Look for the newer disk or a newer backup. If there is neither, recovery holders and administrators together go on from here: press r.",
    ));
    let mut locked = status(Phase::Locked);
    locked.locked = Some(refusal(
        "Five logons failed within one hour, the last at 08:58.",
        "Nothing was opened. The five attempts are in the journal.",
        "Administrators: look at the journal of the attempts, then unlock the station with u.",
    ));
    let mut damaged = status(Phase::Damaged);
    damaged.rescuable = true;
    damaged.damage = Some(Box::new(refusal(
        "The repository is damaged: the journal does not verify: entry 41 does not continue the entry before it.",
        "Nothing was opened, and no record was changed.",
        "Call the administrators and the auditors. Look into it, read-only; then restore a backup.",
    )));
    let mut unreadable = damaged.clone();
    unreadable.rescuable = false;
    unreadable.station = String::new();
    unreadable.mode = String::new();
    unreadable.damage = Some(Box::new(refusal(
        "The repository is damaged: the repository's files are damaged: a page fails its checksum.",
        "Nothing was opened, and no record was changed.",
        "Call the administrators and the auditors. Nobody can log on to it: restore a backup; this repository is kept beside it.",
    )));
    let mut rescue = damaged.clone();
    (rescue.rescuable, rescue.rescue) = (false, true);
    rescue.damage = Some(Box::new(refusal(
        "The repository is damaged: the journal does not verify: entry 41 does not continue the entry before it.",
        "Nothing was opened, and no record was changed.",
        "Log on to see what is damaged and what is good. Then restore a backup; this repository is kept beside it.",
    )));
    let mut found = status(Phase::Closed);
    found.rescuable = true;
    found.damage = Some(Box::new(refusal(
        "The repository is damaged: compartment catalogue: the records do not agree with its signed root.",
        "Nothing was opened, and no record was changed.",
        "Call the administrators and the auditors. Look into it, read-only; then restore a backup.",
    )));
    let mut aside = new_station();
    aside.aside = all(&["repository-damaged-1795511650"]);
    let mut warned = status(Phase::Closed);
    warned.mode = s("PRODUCTION");
    warned.training = false;
    warned.warnings = all(&[
        "Memory could not be locked (limit 64 kB): secrets may reach swap. Raise RLIMIT_MEMLOCK.",
    ]);
    vec![
        ("start-empty", at(new_station(), vec![], vec![])),
        (
            "start-unfinished",
            at(status(Phase::Unfinished), vec![], vec![]),
        ),
        ("start-closed", at(status(Phase::Closed), vec![], vec![])),
        ("start-production-warning", at(warned, vec![], vec![])),
        ("start-locked", at(locked, vec![], vec![])),
        ("start-recovery", at(older, vec![], vec![])),
        ("start-damaged", at(damaged, vec![], vec![])),
        ("start-damaged-files", at(unreadable, vec![], vec![])),
        ("start-rescue", at(rescue, vec![], vec![])),
        ("start-damage-found", at(found, vec![], vec![])),
        ("start-set-aside", at(aside, vec![], vec![])),
    ]
}

/// The lists of a rescue: good and damaged.
fn looked_into(pressed: Vec<Key>) -> Build {
    let mut marked = status(Phase::Open);
    marked.rescue = true;
    let mut lists = lists();
    let mut task = lists.tasks[0].clone();
    task.due = s("now");
    task.days = -100_000;
    task.what = s("RESCUE: damaged records 1, journal entries 0");
    task.who = s("Auditors, Administrators, Recovery");
    task.detail = all(&[
        "found at first: compartment catalogue: the records do not agree with its signed root",
        "✓ journal: 412 entries, one chain",
        "✓ directory: 22 good, 0 damaged",
        "✗ catalogue: 97 good, 1 damaged",
        "    ceremony 0f3a99d21c4e4b7f8a55c0d1e2f3a4b5: it fails its authentication",
        "    98 records were signed for",
        "not looked through, other groups open it: administration, keys and export",
    ]);
    lists.tasks.insert(0, task);
    at(
        marked,
        vec![Event::Lists(Box::new(lists)), custody()],
        pressed,
    )
}

/// A second reading that was given up, under the cursor.
fn unread() -> Build {
    let mut lists = lists();
    let mut task = lists.tasks[0].clone();
    task.due = s("now");
    task.days = -1;
    task.what = s("bundle 0042 on STICK-1 was not read again");
    task.who = s("Key managers, Approvers");
    task.detail = all(&[
        "for BANK-LAKE PROD, written 24 Nov 2026",
        "Its medium was not pulled and put back. Before it leaves the room:",
        READS_AGAIN,
    ]);
    lists.tasks.insert(0, task);
    at(
        status(Phase::Open),
        vec![Event::Lists(Box::new(lists)), custody()],
        vec![],
    )
}

fn inside() -> Vec<(&'static str, Build)> {
    let sessions = Status {
        session: vec![
            (s("Key managers"), all(&["MEMBER-1", "MEMBER-2"])),
            (s("Approvers"), all(&["MEMBER-3", "MEMBER-8"])),
        ],
        ..status(Phase::Open)
    };
    let mut filter = keys("k/lake");
    filter.push(Key::Down);
    vec![
        ("tasks", open(vec![Key::Down])),
        ("tasks-read-again", unread()),
        ("rescue-tasks", looked_into(vec![])),
        ("rescue-damage", looked_into(vec![Key::Enter])),
        ("rescue-keys", looked_into(keys("k"))),
        ("rescue-devices", looked_into(keys("d"))),
        (
            "tasks-two-groups",
            at(
                sessions,
                vec![Event::Lists(Box::new(lists())), custody()],
                vec![Key::Down, Key::Down],
            ),
        ),
        (
            "tasks-none",
            at(
                status(Phase::Open),
                vec![Event::Lists(Box::default())],
                vec![],
            ),
        ),
        ("keys", open(keys("k"))),
        ("keys-filter", open(filter)),
        ("key-detail", open(vec![Key::Char('k'), Key::Enter])),
        ("ceremonies", open(keys("c"))),
        (
            "ceremony-detail",
            open(vec![Key::Char('c'), Key::Down, Key::Enter]),
        ),
        (
            "scripts",
            open(vec![Key::Char('c'), Key::Char('n'), Key::End]),
        ),
        (
            "script-refused",
            open(vec![Key::Char('c'), Key::Char('n'), Key::End, Key::Enter]),
        ),
        ("people", open(vec![Key::Char('p'), Key::Down, Key::Down])),
        ("devices", open(keys("d"))),
        ("journal", open(vec![Key::Char('j'), Key::Down])),
        (
            "journal-entry",
            open(vec![Key::Char('j'), Key::Down, Key::Enter]),
        ),
        (
            "doctor",
            at(
                status(Phase::Open),
                vec![
                    Event::Lists(Box::new(lists())),
                    Event::Doctor(crate::doctor::findings()),
                ],
                vec![],
            ),
        ),
    ]
}

fn questions() -> Vec<(&'static str, Build)> {
    let digits = |n: usize| keys(&"0".repeat(n));
    let closed = |prompt: Prompt, pressed: Vec<Key>| {
        at(
            status(Phase::Closed),
            vec![Event::Prompt(Box::new(prompt))],
            pressed,
        )
    };
    let card = Ask::Card {
        wanted: all(&["MEMBER-2", "MEMBER-7"]),
        other_group: true,
    };
    let mut waiting = logon(card);
    waiting.waiting_for = s("one more of the group");
    if let Some(quorum) = &mut waiting.quorum {
        quorum.members[1].state = MemberState::Missing;
        quorum.members[1].card = String::new();
    }
    let mut wrong = logon(Ask::Pin {
        person: s("MEMBER-2"),
        tries_left: Some(1),
        purpose: s("log on"),
    });
    wrong.refused = Some(refusal(
        "The card did not accept the PIN.",
        "Nothing is open. One try is left; after it the card is blocked.",
        "MEMBER-2: be sure of the PIN, or press Esc and have administrators look at the card.",
    ));
    let mut confirm = prompt(
        "print.component",
        "Component 2 of 3",
        Ask::Confirm {
            key: 'p',
            label: s("print"),
        },
    );
    confirm.lines = component_lines();
    let mut serial = prompt(
        "seal.serial.first",
        "Component 2 of 3",
        Ask::Text {
            label: s("Envelope serial"),
            hint: s("two letters, seven digits"),
            max: 9,
            masked: false,
        },
    );
    serial.lines = component_lines();
    let mut again = serial.clone();
    again.code = s("seal.serial.second");
    again.waiting_for = s("MEMBER-3");
    again.ask = Ask::Text {
        label: s("Envelope serial"),
        hint: s("typed by MEMBER-3 from the envelope, not from the screen"),
        max: 9,
        masked: true,
    };
    let beginning = |code: &str, title: &str, ask| Prompt {
        act: s("Initialise this station"),
        step: None,
        pauses: None,
        cast: Vec::new(),
        waiting_for: s("everybody here"),
        safe: s("yes, nothing is written before all cards are ready"),
        ..prompt(code, title, ask)
    };
    let mut form = beginning(
        "init.person",
        "The people, one after the other",
        person_form(),
    );
    form.lines = vec![PromptLine {
        mark: Mark::Note,
        text: s(
            "Open places: Approvers 3, Custodians A 1, Custodians B 1, Custodians C 1, Auditors 2, Recovery 3.",
        ),
    }];
    form.table = Some(Table {
        head: all(&["Name", "Reports to", "Groups"]),
        rows: vec![
            all(&["MEMBER-1", "HEAD-1", "Key managers"]),
            all(&["MEMBER-2", "HEAD-1", "Key managers"]),
            all(&["MEMBER-3", "HEAD-2", "Administrators"]),
        ],
    });
    let mut filled = keys("MEMBER-8");
    filled.extend([Key::Tab]);
    filled.extend(keys("HEAD-3"));
    filled.extend([Key::Tab, Key::Right, Key::Right, Key::Char(' ')]);
    let choice = |label: &str, detail: &str| Choice {
        label: s(label),
        detail: s(detail),
    };
    let choose = prompt(
        "unknown.sheet",
        "The sheet of component 2 is unknown",
        Ask::Choose {
            options: vec![
                choice(
                    "it printed",
                    "The sheet is here, whole and readable. The ceremony goes on with sealing.",
                ),
                choice(
                    "it did not",
                    "No ink reached paper. This key is void all the same, because nobody can be sure that no byte left the station; it is made afresh.",
                ),
                choice(
                    "not sure",
                    "The key is void. Whatever paper lies there is destroyed by the custodian and the witness together.",
                ),
            ],
        },
    );
    let mut kcv = prompt(
        "readback.show",
        "The whole key's check value is read back by two.",
        Ask::Confirm {
            key: 'w',
            label: s("written down"),
        },
    );
    kcv.show = Some(Show::CheckValue {
        kcv: s("08D7B4"),
        method: s("ENC-ZERO"),
        label: s("BANK-LAKE.ZMK.001"),
    });
    kcv.step = Some((18, 20));
    kcv.cast = vec![
        (s("key-manager"), s("MEMBER-1")),
        (s("witness"), s("MEMBER-3")),
    ];
    kcv.waiting_for = s("MEMBER-1");
    kcv.safe = s("yes, for a pause; ending the ceremony voids the key");
    let mut ten = kcv.clone();
    ten.show = Some(Show::CheckValue {
        kcv: s("5583B0A9BA"),
        method: s("CMAC"),
        label: s("BANK-LAKE.ZMK.002"),
    });
    let mut words = prompt(
        "script.digest",
        "Compare with the procedure on paper",
        Ask::Read,
    );
    words.show = Some(Show::Words {
        of: s("script"),
        words: all(&[
            "acrobat",
            "barometer",
            "cannonball",
            "dashboard",
            "exodus",
            "fracture",
            "gossamer",
            "hamlet",
        ]),
    });
    words.waiting_for = s("Key managers and Approvers");
    words.safe = s("yes, the ceremony has not begun");
    let exactly = prompt(
        "destroy.confirm",
        "Destroy a key",
        Ask::Exactly {
            text: s("PARTNER-3.ZMK.002"),
        },
    );
    let mut new_pin = Prompt {
        waiting_for: s("MEMBER-4"),
        ..beginning(
            "init.pin",
            "MEMBER-4's card",
            Ask::NewPin {
                person: s("MEMBER-4"),
            },
        )
    };
    new_pin.lines = all(&[
        "MEMBER-4 chooses a PIN, 6 to 8 digits. The others look away.",
        "Factory PINs, one digit repeated, and rows like 123456 are refused.",
    ])
    .into_iter()
    .map(|text| PromptLine {
        mark: Mark::Note,
        text,
    })
    .collect();
    let mut new_again = digits(6);
    new_again.push(Key::Enter);
    new_again.extend(digits(3));
    let mut mismatch = digits(6);
    mismatch.push(Key::Enter);
    mismatch.extend(keys("000001"));
    mismatch.push(Key::Enter);
    let mut nothing = prompt("printing", "Component 2 of 3", Ask::Nothing);
    nothing.lines = component_lines();
    nothing.waiting_for = s("the printer");
    let mut large = waiting.clone();
    large.quorum = Some(QuorumView {
        group: s("Approvers"),
        m: 3,
        n: 6,
        members: (1..=6)
            .map(|at| MemberView {
                name: format!("MEMBER-{at}"),
                card: format!("{at}F2A"),
                state: [
                    MemberState::Proven,
                    MemberState::EnterPin,
                    MemberState::Missing,
                    MemberState::Barred,
                    MemberState::NotNeeded,
                ][at % 5],
            })
            .collect(),
        deadline: Some((84, s("MEMBER-5 was first, 09:13:41."))),
    });
    let mut short = digits(3);
    short.push(Key::Enter);
    vec![
        ("ask-card", closed(waiting, vec![])),
        ("ask-card-six", closed(large, vec![])),
        ("ask-pin", closed(logon(pin_ask()), digits(4))),
        ("ask-pin-short", closed(logon(pin_ask()), short)),
        ("ask-pin-refused", closed(wrong, vec![])),
        ("ask-new-pin", new(new_pin.clone(), digits(2))),
        ("ask-new-pin-again", new(new_pin.clone(), new_again)),
        ("ask-new-pin-differs", new(new_pin, mismatch)),
        ("ask-confirm", asks(confirm.clone(), vec![])),
        ("ask-confirm-enter", asks(confirm.clone(), vec![Key::Enter])),
        ("ask-confirm-sent", asks(confirm, vec![Key::Char('P')])),
        ("ask-text", asks(serial, keys("AA12"))),
        ("ask-text-masked", asks(again, keys("AA12"))),
        (
            "ask-groups",
            asks(crate::typing::line(2), keys("0123456789")),
        ),
        (
            "ask-groups-check",
            asks(crate::typing::line(1), keys("0123456789ABCDEF")),
        ),
        (
            "ask-groups-letter-o",
            asks(crate::typing::line(2), keys("0123O")),
        ),
        (
            "ask-groups-wrong",
            asks(crate::typing::wrong_letter(), vec![]),
        ),
        (
            "ask-groups-long",
            asks(crate::typing::long_and_wrong(), keys("01234567")),
        ),
        ("ask-form", new(form.clone(), vec![])),
        ("ask-form-filled", new(form.clone(), filled)),
        ("ask-form-no-more", new(form, vec![Key::Enter])),
        ("ask-choose", asks(choose, vec![Key::Down])),
        ("ask-exactly", asks(exactly, keys("PARTNER-3.ZMK.00"))),
        ("ask-read-words", asks(words, vec![])),
        ("ask-nothing", asks(nothing, vec![])),
        ("show-check-value", asks(kcv, vec![])),
        ("show-check-value-ten", asks(ten, vec![])),
    ]
}

fn over_it() -> Vec<(&'static str, Build)> {
    let mut confirm = prompt(
        "print.component",
        "Component 2 of 3",
        Ask::Confirm {
            key: 'p',
            label: s("print"),
        },
    );
    confirm.lines = component_lines();
    let mut deviation = vec![Key::Char('D')];
    deviation.extend(keys("MEMBER-3 was replaced by MEMBER-9 at 09:20"));
    let progress: Build = Box::new(|theme| {
        let mut app = App::new(theme, None);
        tell(
            &mut app,
            vec![
                Event::Status(status(Phase::Open)),
                Event::Lists(Box::new(lists())),
                custody(),
            ],
        );
        let words = s("Writing the journal export to STICK-4");
        tell(
            &mut app,
            vec![Event::Progress {
                words: words.clone(),
                done: 0,
                of: 20_000,
            }],
        );
        app.update(Input::Tick(8_000));
        tell(
            &mut app,
            vec![Event::Progress {
                words,
                done: 10_400,
                of: 20_000,
            }],
        );
        app
    });
    let desk: Build = Box::new(|theme| {
        let hands = Hands::new(
            &["Training reader 1", "Training reader 2"],
            &["card 01 MEMBER-1", "card 02 MEMBER-2", "card 03 MEMBER-3"],
        );
        *hands.sheet.lock().unwrap() = all(&["COMPONENT 2 OF 3", "XXXX XXXX XXXX XXXX"]);
        let mut app = App::new(theme, Some(Arc::new(hands)));
        tell(
            &mut app,
            vec![
                Event::Status(status(Phase::Closed)),
                Event::Prompt(Box::new(logon(pin_ask()))),
            ],
        );
        press(&mut app, &[Key::F(2), Key::Enter, Key::F(2)]);
        app
    });
    let sheet: Build = Box::new(|theme| {
        let hands = Hands::new(&["Training reader 1"], &[]);
        *hands.sheet.lock().unwrap() = all(&[
            "TEST   KEYROOM-1   form 000482",
            "",
            "COMPONENT 2 OF 3      BANK-LAKE.ZMK.001",
            "",
            "   1   XXXX XXXX XXXX XXXX",
            "   2   XXXX XXXX XXXX XXXX",
            "",
            "check value of this component   XXXXXX",
        ]);
        let mut app = App::new(theme, Some(Arc::new(hands)));
        tell(&mut app, vec![Event::Status(status(Phase::Open))]);
        press(&mut app, &[Key::F(2), Key::Enter]);
        app
    });
    vec![
        ("stop", asks(confirm.clone(), vec![Key::Esc])),
        ("end", {
            let mut typed = vec![Key::Esc, Key::Char('e')];
            typed.extend(keys("BANK-LAKE."));
            asks(confirm.clone(), typed)
        }),
        ("deviation", asks(confirm.clone(), deviation)),
        ("why", asks(confirm.clone(), keys("?"))),
        ("quit", asks(confirm, vec![Key::Ctrl('c')])),
        ("log-out", open(keys("L"))),
        ("help", open(keys("?"))),
        ("progress", progress),
        (
            "done",
            at(
                status(Phase::Open),
                vec![Event::Done {
                    good: true,
                    title: s("Generate ZMK BANK-LAKE.ZMK.001: done"),
                    lines: all(&[
                        "KCV 08D7B4 (ENC-ZERO), read aloud by MEMBER-4 and MEMBER-3",
                        "3 components in envelopes AA 1234567, AA 1234568, AA 1234569",
                        "Filed as minutes/TEST-BANK-LAKE.ZMK.001-C0F3A99D2.pdf, printed on REP-1.",
                        "journal entries 198 to 212",
                    ]),
                }],
                vec![],
            ),
        ),
        (
            "refused",
            at(
                status(Phase::Open),
                vec![Event::Refused(refusal(
                    "STICK-4 was pulled while the bundle was being written.",
                    "Sequence number 0042 is consumed; nothing that was written can be imported.",
                    "Put the stick in again and start the export afresh: it makes new cryptograms under 0043.",
                ))],
                vec![],
            ),
        ),
        ("blank", asks(logon(pin_ask()), vec![]).then_blank()),
        ("desk", desk),
        ("desk-sheet", sheet),
    ]
}

trait ThenBlank {
    fn then_blank(self) -> Build;
}

impl ThenBlank for Build {
    fn then_blank(self) -> Build {
        Box::new(move |theme| {
            let mut app = self(theme);
            write(&mut app, "000");
            tell(&mut app, vec![Event::Blank(true)]);
            app
        })
    }
}
