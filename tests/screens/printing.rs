//! What stands on paper, on the screen: pages of X's, and the PIN room.

use conclave::tui::Key;
use conclave_evidence::Id;
use conclave_evidence::authority::Mode;
use conclave_keyroom::ports::dialogue::{
    Ask, Choice, Field, FieldKind, Prompt, PromptLine, RunView, Show, Table,
};
use conclave_station::front::{BatchRow, Event, Lists, Phase, Status};
use conclave_trades::print::{Layout, draw_page};

use crate::samples::{refusal, status};
use crate::scenes::{Build, asks, at};

fn s(text: &str) -> String {
    text.to_owned()
}

fn shipped(file: &str) -> Layout {
    Layout::parse(&std::fs::read_to_string(format!("keymailer-layouts/{file}")).unwrap()).unwrap()
}

fn page(file: &str) -> Prompt {
    Prompt {
        code: s("layout.page"),
        act: format!("Page of X's: {file}"),
        show: Some(Show::Page(draw_page(&shipped(file), Mode::Test).unwrap())),
        ask: Ask::Read,
        safe: s("yes, looking changes nothing"),
        ..Prompt::default()
    }
}

fn list() -> Prompt {
    let choice = |label: &str, detail: &str| Choice {
        label: s(label),
        detail: s(detail),
    };
    Prompt {
        code: s("layout.list"),
        act: s("Layouts of forms"),
        title: s("Which layout?"),
        ask: Ask::Choose {
            options: vec![
                choice(
                    "pin-mailer-laser.toml",
                    "WAITS: PIN mailer, blind mailer, version 1",
                ),
                choice(
                    "our-mailer.toml",
                    "REFUSED: the layout our-mailer.toml is refused: layout line 41: field \"pin\" may not stand on the outside (form line 4)",
                ),
                choice(
                    "component.toml",
                    "shipped: component form, open sheet, version 1",
                ),
                choice(
                    "pin-mailer-two-up.toml",
                    "shipped: PIN mailer, blind mailer, version 1",
                ),
            ],
        },
        waiting_for: s("administrators"),
        safe: s("yes, looking changes nothing"),
        ..Prompt::default()
    }
}

pub fn scenes() -> Vec<(&'static str, Build)> {
    vec![
        ("layout-list", asks(list(), vec![])),
        (
            "layout-page",
            asks(page("pin-mailer-continuous.toml"), vec![]),
        ),
        (
            "layout-page-two-up",
            asks(page("pin-mailer-two-up.toml"), vec![]),
        ),
        (
            "layout-page-moved",
            asks(
                page("pin-mailer-two-up.toml"),
                vec![Key::PageDown, Key::End],
            ),
        ),
        ("layout-page-sheet", asks(page("component.toml"), vec![])),
        ("papers-what", asks(papers(), vec![])),
        ("papers-letter", asks(letter(), vec![])),
    ]
}

/// The papers of a key's sealed components.
fn papers() -> Prompt {
    Prompt {
        code: s("papers.what"),
        act: s("Papers of components"),
        title: s("Which papers of BANK-LAKE.ZMK.001?"),
        ask: options(&[
            ("envelopes", "key, part, custodian, bag; no check value"),
            (
                "label strips",
                "for the bags: the same, and the check value",
            ),
            ("exchange letter", "tells a partner of a ZMK's components"),
        ]),
        waiting_for: s("key managers"),
        safe: s("yes, there is no secret on these papers"),
        ..Prompt::default()
    }
}

fn letter() -> Prompt {
    let text = |label: &str, value: &str, hint: &str| Field {
        label: s(label),
        kind: FieldKind::Optional(40),
        value: s(value),
        hint: s(hint),
    };
    let address = (1..=5).map(|line| {
        let value = ["1 Lake Road", "3011 Bern", "", "", ""][line - 1];
        text(&format!("Address {line}"), value, "a line of their address")
    });
    let mut fields = vec![text("To", "BANK-LAKE", "the partner's name")];
    fields.extend(address);
    fields.extend([
        text("Reference", "L-412", "names this letter"),
        text(
            "Letter goes",
            "by registered post",
            "not the way of a component",
        ),
        Field {
            label: s("Printer"),
            kind: FieldKind::One(vec![s("REP-1")]),
            value: s("REP-1"),
            hint: String::new(),
        },
    ]);
    Prompt {
        code: s("papers.letter"),
        title: s("BANK-LAKE.ZMK.001 is announced to a partner"),
        lines: vec![PromptLine::note(
            "AES-256, KCV 0AC3F19B2C (CMAC), 3 components",
        )],
        ask: Ask::Form {
            fields,
            submit: s("go on to the components"),
            done: None,
        },
        ..papers()
    }
}

fn facts(rows: &[(&str, &str, &str, &str)]) -> Table {
    Table {
        head: vec![s("Cards"), String::new(), s("Forms"), String::new()],
        rows: rows
            .iter()
            .map(|(a, b, c, d)| vec![s(a), s(b), s(c), s(d)])
            .collect(),
    }
}

fn room() -> Status {
    let mut status = status(Phase::Open);
    status.session = vec![
        (s("PIN operators"), vec![s("MEMBER-6")]),
        (s("PIN supervisors"), vec![s("MEMBER-7")]),
    ];
    status
}

fn batches() -> Lists {
    let row = |name: &str, issuer: &str, state: &str, done: &str, opened: &str| BatchRow {
        id: Some(Id([7; 16])),
        name: s(name),
        issuer: s(issuer),
        state: s(state),
        done: s(done),
        opened: s(opened),
        detail: vec![
            s("pin-mailer-continuous on MAIL-1"),
            s("PINs: random, Visa PVV, template csv-pvv"),
        ],
    };
    Lists {
        batches: Some(vec![
            row(
                "B-0043",
                "BANKX",
                "printing",
                "4,000 of 10,000",
                "24NOV2026",
            ),
            row("B-0042", "BANKX", "interrupted", "180 of 200", "23NOV2026"),
            row(
                "1187",
                "BANK-LAKE",
                "output written",
                "500 of 500",
                "20NOV2026",
            ),
            row("B-0041", "BANKX", "purged", "10,000 of 10,000", "12NOV2026"),
        ]),
        ..Lists::default()
    }
}

fn in_room(events: Vec<Event>, pressed: Vec<Key>) -> Build {
    let mut all = vec![Event::Lists(Box::new(batches()))];
    all.extend(events);
    at(room(), all, pressed)
}

fn asked(code: &str, title: &str, ask: Ask) -> Prompt {
    Prompt {
        code: s(code),
        act: s("Batch B-0043 of BANKX"),
        title: s(title),
        ask,
        waiting_for: s("PIN operator and supervisor"),
        safe: s("yes, the batch goes on where it stands"),
        ..Prompt::default()
    }
}

fn options(of: &[(&str, &str)]) -> Ask {
    Ask::Choose {
        options: of
            .iter()
            .map(|(label, detail)| Choice {
                label: s(label),
                detail: s(detail),
            })
            .collect(),
    }
}

fn run(large: &str, next: &str, device: &str) -> Prompt {
    Prompt {
        act: s("Print batch B-0043 of BANKX"),
        show: Some(Show::Run(RunView {
            large: s(large),
            next: s(next),
            done: 4182,
            of: 10_000,
            rate: Some(2940),
            left: Some(7124),
            forms: s("next 4183, 5830 blank here"),
            device: s(device),
            counts: vec![
                (s("to confirm"), 182),
                (s("confirmed"), 4000),
                (s("unknown"), 0),
                (s("to reissue"), 0),
            ],
        })),
        waiting_for: s("MAIL-1"),
        safe: s("yes, after the sheet at hand; nothing is printed twice"),
        ..asked("pins.run", "", Ask::Nothing)
    }
}

fn printing() -> Prompt {
    run(
        "PRINTING",
        "Both cards stay in. Esc, then y: pause after the sheet at hand.",
        "MAIL-1, printing",
    )
}

/// A run that stands has no rate.
fn standing(mut prompt: Prompt) -> Prompt {
    if let Some(Show::Run(run)) = &mut prompt.show {
        (run.rate, run.left) = (None, None);
        run.forms = s("5830 blank here");
    }
    prompt
}

fn trouble() -> Prompt {
    let mut prompt = standing(run(
        "LOOK AT PRINTER",
        "Jam, forms, power, cable. Leave every form where it is until both look.",
        "MAIL-1, stopped",
    ));
    prompt.code = s("pins.stopped");
    prompt.waiting_for = s("PIN operator and supervisor");
    prompt.refused = Some(refusal(
        "The printer stopped: no data taken for 30 s. One mailer is unknown.",
        "Nothing is printed twice.",
        "Look at the last forms, too: a jam leaves some of them blank.",
    ));
    prompt.ask = options(&[
        ("Back to the batch", "look at the forms first"),
        ("Go on printing", "the number in the printer is asked first"),
    ]);
    prompt
}

fn here() -> Prompt {
    let mut prompt = standing(run(
        "WHO IS HERE",
        "The printer waits until both type their PINs; both cards stay in.",
        "MAIL-1, waiting",
    ));
    prompt.code = s("pins.presence");
    prompt.waiting_for = s("MEMBER-7");
    prompt.safe = s("yes, nothing is being printed");
    prompt.ask = Ask::Pin {
        person: s("MEMBER-7"),
        tries_left: Some(3),
        purpose: s("say that you are at the printer"),
    };
    prompt
}

fn halt() -> Prompt {
    let mut prompt = standing(run(
        "LOAD FORMS",
        "The blank forms are used up: take out a reel, and print on.",
        "MAIL-1, waiting",
    ));
    prompt.code = s("pins.halt");
    prompt.waiting_for = s("PIN operator and supervisor");
    prompt.safe = s("yes, nothing is being printed");
    prompt.ask = Ask::Read;
    prompt
}

fn next() -> Prompt {
    let mut prompt = asked(
        "pins.next",
        "The batch: printing.",
        options(&[
            (
                "An unknown mailer",
                "a cut left it open; its form was looked at",
            ),
            (
                "Print",
                "the mailers that wait, until forms or cards are out",
            ),
            (
                "Confirm mailers",
                "seen by both: whole, closed, number read",
            ),
            (
                "A mailer is spoiled",
                "torn, open, badly printed, missing, paper ahead",
            ),
            ("More", "blank forms, cards that get no PIN, other people"),
            ("Back to the batches", ""),
        ]),
    );
    prompt.table = Some(facts(&[
        ("in the file", "10000", "taken out", "10010"),
        ("confirmed", "4000", "to account for", "6007"),
        ("to be reissued", "0", "blank here", "5825"),
        ("printed, not confirmed", "181", "spoiled", "1"),
        ("unknown", "1", "missing", "0"),
        ("waiting", "5818", "test prints", "2"),
        ("", "", "back in the safe", "0"),
    ]));
    prompt
}

/// Forms of which nobody knows, after others went missing: this is an alarm.
fn astray() -> Prompt {
    let mut prompt = next();
    prompt.table = Some(facts(&[
        ("", "", "UNACCOUNTED", "3"),
        ("in the file", "200", "taken out", "210"),
        ("confirmed", "198", "blank here", "0"),
        ("to be reissued", "1", "spoiled", "2"),
        ("printed, not confirmed", "0", "MISSING", "1"),
        ("unknown", "1", "test prints", "2"),
        ("waiting", "0", "back in the safe", "3"),
    ]));
    prompt
}

/// Before the first form, and after every stop.
fn lies() -> Prompt {
    let mut prompt = form(
        "pins.form",
        "Which form lies in the printer?",
        "Look, and read the number of the form that is printed next; of two beside one another the smaller.",
        vec![text("Form", "", "its printed number", 24)],
    );
    prompt.act = s("Print batch B-0043 of BANKX");
    prompt.waiting_for = s("PIN operator and supervisor");
    prompt.safe = s("yes, nothing is being printed");
    if let Ask::Form { submit, .. } = &mut prompt.ask {
        *submit = s("print");
    }
    prompt
}

fn other_lies() -> Prompt {
    let mut prompt = lies();
    prompt.refused = Some(refusal(
        "Form 4183 is not the next one of the records.",
        "Nothing was printed.",
        "Read it again. If it stays: Esc, and look at each form back to the last mailer. Blank ones: Blank forms not used. A mailer on one that the records have blank: The paper is ahead.",
    ));
    prompt
}

fn more() -> Prompt {
    let mut prompt = next();
    prompt.code = s("pins.more");
    prompt.ask = options(&[
        (
            "The paper is ahead",
            "a form has no mailer; those behind are good",
        ),
        ("Blank forms not used", "test prints, torn ones"),
        ("Take out blank forms", "a reel comes out of the safe"),
        ("Cancel cards", "no PIN; the issuer reissues them"),
        (
            "More replacements",
            "the limits are used up: administrators sign too",
        ),
        (
            "Take the batch over",
            "another operator or supervisor goes on",
        ),
        ("Another printer", "the one it has broke, or is retired"),
        ("Back to the batch", ""),
    ]);
    prompt
}

/// Beyond what the pair may decide.
fn raised() -> Prompt {
    let mut prompt = form(
        "pins.limits-raised",
        "How many PINs may be replaced in all?",
        "The pair signs, and administrators beside it. First find out why so many are spoiled. Cards that were given up for reissue stay so.",
        vec![
            text("PINs for a card", "3", "3 to 5", 1),
            text("Replacements", "10", "in all, at most 200", 6),
            text("Why", "", "one sentence: what spoils them", 200),
        ],
    );
    prompt.lines.push(PromptLine::note(
        "10 of 10 are replaced; a card may have 3 PINs.",
    ));
    prompt.safe = s("yes, nothing is changed before all have signed");
    prompt
}

/// An output of the range that a restore lost.
fn left_before() -> Prompt {
    let mut prompt = form(
        "pins.output-left",
        "Which output left before the restore?",
        "Only when the issuer says that it has this output. It holds then: none is written from these records, and the batch ends by its sheet and its purge. Number, medium and SHA-256 stand in the minutes or on the receipt; both type the SHA-256 next.",
        vec![
            text("Output", "", "its number: 1 in PIN-B-0001-01-TEST", 8),
            text("Medium", "", "as on the paper", 40),
            text(
                "Known by",
                "",
                "one sentence: which paper, who of the issuer",
                200,
            ),
        ],
    );
    if let Ask::Form { submit, .. } = &mut prompt.ask {
        *submit = s("type the SHA-256");
    }
    prompt
}

/// Nothing of what is counted next stands on the screen.
fn to_count() -> Prompt {
    let mut prompt = asked(
        "pins.next",
        "The batch: forms to count.",
        options(&[
            ("Blank forms not used", "test prints, torn, missing"),
            (
                "Forms back to the safe",
                "flush the printer first; all that are blank",
            ),
            (
                "A mailer is spoiled",
                "torn, open, badly printed, missing, paper ahead",
            ),
            ("More", "blank forms, cards that get no PIN, other people"),
            ("Back to the batches", ""),
        ]),
    );
    prompt.table = Some(facts(&[
        ("in the file", "200", "taken out", "210"),
        ("confirmed", "199", "to account for", "to count"),
        ("to be reissued", "1", "blank here", "to count"),
        ("printed, not confirmed", "0", "spoiled", "2"),
        ("unknown", "0", "missing", "0"),
        ("waiting", "0", "test prints", "2"),
        ("", "", "back in the safe", "0"),
    ]));
    prompt
}

fn cards() -> Prompt {
    let mut prompt = asked(
        "pins.cards",
        "Both cards go in, and stay in while mailers are printed.",
        Ask::Card {
            wanted: vec![s("MEMBER-6"), s("MEMBER-7")],
            other_group: false,
        },
    );
    prompt.act = s("Print batch B-0043 of BANKX");
    prompt.waiting_for = s("MEMBER-6, MEMBER-7");
    prompt.safe = s("yes, nothing is being printed");
    prompt
}

fn form(code: &str, title: &str, note: &str, fields: Vec<Field>) -> Prompt {
    let mut prompt = asked(
        code,
        title,
        Ask::Form {
            fields,
            submit: s("go on to the signatures"),
            done: None,
        },
    );
    prompt.safe = s("yes, nothing is changed before both have signed");
    if !note.is_empty() {
        prompt.lines = vec![PromptLine::note(note)];
    }
    prompt
}

fn text(label: &str, value: &str, hint: &str, most: usize) -> Field {
    Field {
        label: s(label),
        value: s(value),
        kind: FieldKind::Text(most),
        hint: s(hint),
    }
}

fn one(label: &str, of: &[&str]) -> Field {
    Field {
        label: s(label),
        value: s(of[0]),
        kind: FieldKind::One(of.iter().map(|o| s(o)).collect()),
        hint: String::new(),
    }
}

fn open() -> Prompt {
    let mut prompt = form(
        "pins.open",
        "From which file, and how?",
        "",
        vec![
            text(
                "File",
                "cards.p7m",
                "its name in the medium's folder IMPORT",
                64,
            ),
            one("Medium", &["STICK-4"]),
            one("Issuer", &["BANKX", "BANK-LAKE"]),
            one("Template", &["csv-pvv"]),
            one("Layout", &["pin-mailer-continuous.toml"]),
            one("Printer", &["MAIL-1"]),
            one("PIN key", &["BANKX.PVK.001"]),
            one("Zone PIN key", &["none", "BANKX.PVK.001"]),
            one("Card values", &["none", "BANKX.PVK.001"]),
        ],
    );
    prompt.act = s("Open a batch of PIN mailers");
    prompt.safe = s("yes, nothing of the file is kept before both have signed");
    if let Ask::Form { submit, .. } = &mut prompt.ask {
        *submit = s("read the file");
    }
    prompt
}

fn stock() -> Prompt {
    let option = |label: &str, detail: &str| Choice {
        label: s(label),
        detail: s(detail),
    };
    let mut prompt = asked(
        "pins.safe",
        "The safe of blank forms",
        Ask::Choose {
            options: vec![
                option("A delivery comes in", "boxes of numbered blank forms"),
                option(
                    "Count the safe",
                    "what both read is compared with the records",
                ),
                option(
                    "Forms leave the safe",
                    "torn and destroyed, or not there: an incident",
                ),
                option(
                    "Missing forms are in the safe",
                    "they were not there, and lie in it unused",
                ),
            ],
        },
    );
    prompt.act = s("Blank forms");
    prompt.lines = vec![PromptLine::note(
        "Each form that came is in the safe, with a batch, or accounted for.",
    )];
    let row = |cells: [&str; 5]| cells.map(s).to_vec();
    prompt.table = Some(Table {
        head: row(["Delivery", "Forms", "In safe", "Not any more", "Counted"]),
        rows: vec![
            row(["pin-mailer-continuous", "", "13990", "", ""]),
            row([
                "  2026-091",
                "1 to 12000",
                "1990",
                "2 destroyed",
                "20NOV2026",
            ]),
            row(["  2026-104", "12001 to 24000", "12000", "", ""]),
            row(["pin-mailer-two-up", "", "4000", "", ""]),
            row(["  2026-097", "1 to 4000", "4000", "", "20NOV2026"]),
        ],
    });
    prompt.safe = s("yes, nothing is changed before both have signed");
    prompt
}

fn reconcile() -> Prompt {
    let mut prompt = asked(
        "pins.reconcile",
        "The numbers that both sign",
        Ask::Confirm {
            key: 'n',
            label: s("the numbers are those of the piles"),
        },
    );
    prompt.table = Some(facts(&[
        ("in the file", "200", "taken out", "210"),
        ("confirmed", "199", "to account for", "0"),
        ("to be reissued", "1", "blank here", "0"),
        ("printed, not confirmed", "0", "spoiled", "2"),
        ("unknown", "0", "missing", "0"),
        ("waiting", "0", "test prints", "2"),
        ("", "", "back in the safe", "7"),
    ]));
    prompt.lines = vec![PromptLine::note(
        "Filed as reports/TEST-reconciliation-BANKX-B-0042.pdf. Compare with the piles: mailers, spoiled forms, blank forms.",
    )];
    prompt.safe = s("yes, nothing is signed yet");
    prompt
}

pub fn pin_room() -> Vec<(&'static str, Build)> {
    let asks = |prompt: Prompt| in_room(vec![Event::Prompt(Box::new(prompt))], vec![]);
    let mailer = "17 where its outside has 17 of 200";
    let confirm = form(
        "pins.confirm",
        "Which forms have both of you looked at?",
        "Printed and not yet confirmed: forms 4001 to 4182",
        vec![
            text("First form", "4001", "its printed number", 24),
            text("First mailer", "", mailer, 8),
            text("Last form", "4182", "its printed number", 24),
            text("Last mailer", "", mailer, 8),
        ],
    );
    let shows = form(
        "pins.shows",
        "What is on the form behind them?",
        "Empty where it is blank too. A form that was fed without a mailer has its mailer there.",
        vec![text("Form 4178", "", mailer, 8)],
    );
    let spoil = form(
        "pins.spoil",
        "Which forms are spoiled?",
        "Nobody opens them. They are destroyed before both; each card gets another PIN, or is reissued.",
        vec![
            text("First form", "4177", "its printed number", 24),
            text("Last form", "4183", "the same where it is one", 24),
            one(
                "They are",
                &["behind a form without a mailer: all destroyed now"],
            ),
            text(
                "How",
                "",
                "one sentence: what happened, what was found",
                200,
            ),
        ],
    );
    let ahead = form(
        "pins.ahead",
        "From where to where is the paper ahead?",
        "Confirm what lies before the first form without a mailer first. The forms without one are destroyed now, both look on; the mailers behind them are good, and are confirmed afterwards.",
        vec![
            text(
                "Without",
                "",
                "number of the first form without a mailer",
                24,
            ),
            text("First form", "", "the first behind it with a mailer", 24),
            text("First mailer", "", mailer, 8),
            text("Last form", "", "the very last with a mailer", 24),
            text("Last mailer", "", mailer, 8),
            text("How", "", "one sentence: what happened, who saw it", 200),
        ],
    );
    let give_back = form(
        "pins.return",
        "Which blank forms go back to the safe?",
        "All that are left. Both count them, and read the first and the last number of each pile; what is typed is compared with the records.",
        vec![
            text("How many", "", "counted", 8),
            text("Numbers", "", "as 102 to 109, 115", 200),
        ],
    );
    let mut again = asked(
        "pins.again",
        "24 of its 200 cards had a mailer before",
        Ask::Confirm {
            key: 'n',
            label: s("the issuer means it: these cards get another PIN"),
        },
    );
    again.act = s("Open a batch of PIN mailers");
    again.lines = vec![PromptLine::note(
        "Ask the issuer whether batch B-0043 is meant, or a job that ran twice. If it is meant, each of these cards gets another PIN: what its issuer stores now, and the mailer that its holder has, are void from the new output on.",
    )];
    let unknown = form(
        "pins.unknown",
        "What are these forms?",
        "Unknown: forms 4181. Take each from the printer, and look.",
        vec![
            text("First form", "4181", "its printed number", 24),
            text("Last form", "4181", "the same where it is one", 24),
            one("They are", &["damaged: destroyed now, both look on"]),
            text(
                "How",
                "",
                "one sentence: what happened, what was found",
                200,
            ),
        ],
    );
    vec![
        ("mailers", in_room(vec![], vec![Key::Char('m')])),
        ("pin-open", asks(open())),
        ("pin-next", asks(next())),
        ("pin-more", asks(more())),
        ("pin-astray", asks(astray())),
        ("pin-to-count", asks(to_count())),
        ("pin-limits-raised", asks(raised())),
        ("pin-output-left", asks(left_before())),
        ("pin-form", asks(lies())),
        ("pin-form-other", asks(other_lies())),
        ("pin-cards", asks(cards())),
        ("pin-run", asks(printing())),
        ("pin-stopped", asks(trouble())),
        ("pin-presence", asks(here())),
        ("pin-halt", asks(halt())),
        ("pin-confirm", asks(confirm)),
        ("pin-again", asks(again)),
        ("pin-return", asks(give_back)),
        ("pin-ahead", asks(ahead)),
        ("pin-spoil", asks(spoil)),
        ("pin-shows", asks(shows)),
        ("pin-unknown", asks(unknown)),
        ("pin-stock", asks(stock())),
        ("pin-reconcile", asks(reconcile())),
    ]
}
