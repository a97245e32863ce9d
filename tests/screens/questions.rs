//! What is typed into the station's questions: PINs, texts, forms, menus and
//! confirmations.

use conclave::tui::{App, Key};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, Mark, PromptLine, Refusal, Show,
};
use conclave_station::front::{CeremonyRow, Event, Request};

use crate::samples::{component_lines, lists, logon, pin_ask, prompt};
use crate::updates::{answer, ask, asked, fields, inside, secret, word};
use crate::{MONO, press, seen, tell, write};

#[test]
fn a_pin_that_cannot_be_right_costs_no_try() {
    let mut app = asked(logon(pin_ask()));
    assert!(write(&mut app, "12345").is_empty());
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("no try is used"));
    // Typed once more, it is typed whole.
    assert!(write(&mut app, "12345").is_empty());
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("no try is used"));
    assert!(write(&mut app, "x").is_empty());
    assert!(seen(&app).contains("digits only"));
    write(&mut app, "123456789");
    assert!(seen(&app).contains("at most eight digits"));
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"12345678");
    // It is not sent twice, and nothing of it is left.
    assert!(press(&mut app, &[Key::Enter, Key::Enter]).is_empty());
}

#[test]
fn a_pin_is_never_seen() {
    let mut app = asked(logon(pin_ask()));
    write(&mut app, "975310");
    let shown = seen(&app);
    let line = shown.lines().find(|l| l.contains("card PIN")).unwrap();
    assert!(!line.contains(['9', '7', '5', '1', '0']), "{line}");
    assert!(line.contains("● ● ● ● ● ●"), "{line}");
    press(&mut app, &[Key::Backspace, Key::Backspace]);
    assert!(seen(&app).contains("● ● ● ● · ·"));
    press(&mut app, &[Key::Ctrl('u')]);
    write(&mut app, "246802");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"246802");
}

/// A card signs what its holder has had before their eyes: the PIN is not asked past it.
#[test]
fn what_is_signed_is_read_to_its_end_before_the_pin_is_taken() {
    let sign = |lines: usize| {
        let mut question = prompt("sign.card", "This is what you sign:", pin_ask());
        let line = |n| PromptLine {
            mark: Mark::Note,
            text: format!("parameter {n} of {lines}"),
        };
        question.lines = (1..=lines).map(line).collect();
        let app = asked(question);
        let _ = seen(&app);
        app
    };
    let mut app = sign(3);
    write(&mut app, "864213");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"864213");

    let mut app = sign(40);
    let mut pages = vec![seen(&app)];
    while pages.last().unwrap().contains("read on, more follows") {
        // Typed too early it is not taken: nobody types it over itself.
        write(&mut app, "86");
        assert!(seen(&app).contains("What is signed goes on"));
        assert!(press(&mut app, &[Key::Enter]).is_empty());
        pages.push(seen(&app));
        assert!(pages.len() < 12, "{}", pages.last().unwrap());
    }
    assert!(pages.len() > 2);
    write(&mut app, "864213");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"864213");
    for n in 1..=40 {
        let line = format!("parameter {n} of 40");
        assert!(pages.iter().any(|page| page.contains(&line)), "{line}");
    }
}

#[test]
fn a_new_pin_is_typed_twice() {
    let new_pin = || {
        ask(Ask::NewPin {
            person: "MEMBER-4".to_owned(),
        })
    };
    let mut app = new_pin();
    write(&mut app, "135790");
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    write(&mut app, "135791");
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("The two entries differ"));
    // Both are gone: the second entry now counts as a first.
    write(&mut app, "135791");
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    write(&mut app, "135791");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"135791");
}

#[test]
fn the_same_question_again_keeps_what_was_typed() {
    let mut app = asked(logon(pin_ask()));
    write(&mut app, "1357");
    let mut later = logon(pin_ask());
    later.quorum.as_mut().unwrap().deadline = Some((83, "MEMBER-1 was first".to_owned()));
    tell(&mut app, vec![Event::Prompt(Box::new(later))]);
    assert!(seen(&app).contains("83 s left"));
    write(&mut app, "90");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"135790");
    // After the answer the same question is a new one.
    tell(&mut app, vec![Event::Prompt(Box::new(logon(pin_ask())))]);
    assert!(!seen(&app).contains('●'));
}

#[test]
fn another_question_takes_nothing_of_the_last_one() {
    let text = |code: &str| {
        prompt(
            code,
            "A text",
            Ask::Text {
                label: "serial".to_owned(),
                hint: String::new(),
                max: 9,
                masked: false,
            },
        )
    };
    let mut app = asked(text("first"));
    write(&mut app, "AA1234567");
    press(&mut app, &[Key::Esc]);
    tell(&mut app, vec![Event::Prompt(Box::new(text("second")))]);
    let shown = seen(&app);
    assert!(
        !shown.contains("AA1234567") && !shown.contains("Stop here?"),
        "{shown}"
    );
}

#[test]
fn a_text_has_an_end_and_is_not_empty() {
    let mut app = ask(Ask::Text {
        label: "serial".to_owned(),
        hint: String::new(),
        max: 4,
        masked: false,
    });
    assert!(press(&mut app, &[Key::Char(' '), Key::Enter]).is_empty());
    assert!(seen(&app).contains("Nothing is typed yet"));
    // `?` and `D` are letters while a text is typed.
    press(&mut app, &[Key::Backspace]);
    write(&mut app, "D?AB5");
    assert_eq!(word(press(&mut app, &[Key::Enter])), "D?AB");
}

#[test]
fn a_masked_text_is_not_shown() {
    let mut app = ask(Ask::Text {
        label: "again".to_owned(),
        hint: String::new(),
        max: 9,
        masked: true,
    });
    write(&mut app, "ZZ8642");
    assert!(!seen(&app).contains("ZZ") && seen(&app).contains("●●●●●●"));
    assert_eq!(word(press(&mut app, &[Key::Enter])), "ZZ8642");
}

/// A form with a field of each kind.
fn person_form() -> Ask {
    Ask::Form {
        fields: vec![
            Field {
                label: "Name".into(),
                kind: FieldKind::Text(32),
                value: String::new(),
                hint: "as on the staff list".into(),
            },
            Field {
                label: "Reports to".into(),
                kind: FieldKind::Text(32),
                value: String::new(),
                hint: String::new(),
            },
            Field {
                label: "Group".into(),
                kind: FieldKind::One(["Key managers", "Approvers"].map(str::to_owned).to_vec()),
                value: "Approvers".into(),
                hint: String::new(),
            },
            Field {
                label: "Also".into(),
                kind: FieldKind::Many(
                    [
                        "custodian",
                        "witness",
                        "auditor",
                        "administrator",
                        "security officer",
                    ]
                    .map(str::to_owned)
                    .to_vec(),
                ),
                value: "witness".into(),
                hint: "← → moves, Space takes or leaves".into(),
            },
        ],
        submit: "record this person".into(),
        done: Some("everybody is recorded".into()),
    }
}

#[test]
fn a_form_goes_out_in_field_order() {
    let mut app = ask(person_form());
    assert!(press(&mut app, &[Key::Tab]).is_empty());
    write(&mut app, "HEAD-1");
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("Name is still empty"));
    write(&mut app, "MEMBER-8");
    press(
        &mut app,
        &[Key::BackTab, Key::Char(' '), Key::Up, Key::Right],
    );
    assert_eq!(
        fields(press(&mut app, &[Key::Enter])),
        ["MEMBER-8", "HEAD-1", "Key managers", "custodian, witness"]
    );
}

#[test]
fn an_empty_form_ends_a_list_after_a_question() {
    let mut app = ask(person_form());
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("everybody is recorded?"));
    assert!(press(&mut app, &[Key::Enter, Key::Esc]).is_empty());
    press(&mut app, &[Key::Enter]);
    assert!(fields(press(&mut app, &[Key::Char('y')])).is_empty());
    // Without such words an empty form is refused.
    let Ask::Form { fields, submit, .. } = person_form() else {
        panic!()
    };
    let mut app = ask(Ask::Form {
        fields,
        submit,
        done: None,
    });
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("Nothing is filled in yet"));
    // Each text that has to be there is asked for here, not after signatures.
    write(&mut app, "MEMBER-8");
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    let shown = seen(&app);
    assert!(shown.contains("Reports to is still empty"), "{shown}");
    write(&mut app, "HEAD-1");
    assert_eq!(press(&mut app, &[Key::Enter]).len(), 1);
    // Where everything may stay empty, an empty form is an answer.
    let Ask::Form {
        mut fields, submit, ..
    } = person_form()
    else {
        panic!()
    };
    for field in &mut fields {
        if let FieldKind::Text(most) = field.kind {
            field.kind = FieldKind::Optional(most);
        }
    }
    let mut app = ask(Ask::Form {
        fields,
        submit,
        done: None,
    });
    let Answer::Fields(values) = answer(press(&mut app, &[Key::Enter])) else {
        panic!("no form")
    };
    assert_eq!(values[..2], ["", ""]);
}

pub(crate) fn confirm() -> App {
    let mut prompt = prompt(
        "print",
        "Component 2 of 3",
        Ask::Confirm {
            key: 'p',
            label: "print".to_owned(),
        },
    );
    prompt.lines = component_lines();
    asked(prompt)
}

#[test]
fn enter_never_confirms_a_step() {
    let mut app = confirm();
    assert!(press(&mut app, &[Key::Enter, Key::Char(' '), Key::Char('y')]).is_empty());
    assert!(seen(&app).contains("Enter does not confirm"));
    assert!(matches!(
        answer(press(&mut app, &[Key::Char('P')])),
        Answer::Confirmed
    ));
    assert!(press(&mut app, &[Key::Char('p')]).is_empty());
}

#[test]
fn esc_asks_before_an_act_is_abandoned() {
    let mut app = confirm();
    assert!(press(&mut app, &[Key::Esc]).is_empty());
    assert!(seen(&app).contains("this key would be void"));
    // Neither Enter nor the step's own key ends it.
    assert!(press(&mut app, &[Key::Enter, Key::Char('p')]).is_empty());
    assert!(press(&mut app, &[Key::Esc]).is_empty());
    assert!(!seen(&app).contains("Stop here?"));
    // What can be paused is paused.
    assert!(matches!(
        answer(press(&mut app, &[Key::Esc, Key::Char('y')])),
        Answer::Shutdown
    ));
}

#[test]
fn ending_for_good_takes_the_label_typed() {
    let mut app = confirm();
    press(&mut app, &[Key::Esc, Key::Char('e')]);
    assert!(seen(&app).contains("To end it, type exactly   BANK-LAKE.ZMK.001"));
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    let typed = |text: &str| text.chars().map(Key::Char).collect::<Vec<_>>();
    assert!(press(&mut app, &typed("bank-lake.zmk.001")).is_empty());
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    press(&mut app, &[Key::Ctrl('u')]);
    press(&mut app, &typed("BANK-LAKE.ZMK.001"));
    assert!(matches!(
        answer(press(&mut app, &[Key::Enter])),
        Answer::Abort
    ));

    // A question that nobody can resume ends with one letter, after a question.
    let mut app = App::new(MONO, None);
    let mut asked = prompt("enrol.printer", "Enrol a printer", Ask::Read);
    asked.pauses = None;
    tell(&mut app, vec![Event::Prompt(Box::new(asked))]);
    assert!(matches!(
        answer(press(&mut app, &[Key::Esc, Key::Char('y')])),
        Answer::Abort
    ));
}

#[test]
fn what_was_put_into_a_field_gives_way_to_what_is_typed() {
    let mut app = App::new(MONO, None);
    let mut asked = prompt("ceremony.parameters", "What is to be made", Ask::Read);
    asked.ask = Ask::Form {
        fields: vec![Field {
            label: "Components".into(),
            kind: FieldKind::Text(1),
            value: "3".into(),
            hint: String::new(),
        }],
        submit: "go on".into(),
        done: None,
    };
    tell(&mut app, vec![Event::Prompt(Box::new(asked))]);
    let Answer::Fields(values) = answer(press(&mut app, &[Key::Char('5'), Key::Enter])) else {
        panic!("no form")
    };
    assert_eq!(values, ["5"]);
}

#[test]
fn a_refused_form_has_its_cursor_where_it_is_wrong() {
    let again = |values: [&str; 2], happened: &str| {
        let mut ask = person_form();
        if let Ask::Form { fields, .. } = &mut ask {
            for (field, value) in fields.iter_mut().zip(values) {
                field.value = value.into();
            }
        }
        let mut again = prompt("a.question", "A question", ask);
        again.refused = Some(Refusal {
            happened: happened.into(),
            safe: "Nothing was changed.".into(),
            advice: "Type it again.".into(),
        });
        again
    };
    let mut app = ask(person_form());
    let refused = again(["MEMBER-8", "HED-1"], "Reports to: there is no HED-1.");
    tell(&mut app, vec![Event::Prompt(Box::new(refused))]);
    assert!(seen(&app).contains("▸ Reports to"), "{}", seen(&app));
    // Where no field is named it stays where it stood.
    press(&mut app, &[Key::Tab]);
    let refused = again(["MEMBER-8", "HEAD-1"], "The journal is full.");
    tell(&mut app, vec![Event::Prompt(Box::new(refused))]);
    assert!(seen(&app).contains("▸ Group"), "{}", seen(&app));
}

#[test]
fn a_long_menu_under_a_long_refusal_shows_its_cursor_and_that_there_is_more() {
    let choice = |at: usize| Choice {
        label: format!("Choice {at}"),
        detail: "what it does".into(),
    };
    let options = (1..=9).map(choice).collect();
    let mut long = prompt("a.menu", "A menu", Ask::Choose { options });
    long.lines = (0..9)
        .map(|at| PromptLine::note(format!("number {at}")))
        .collect();
    long.refused = Some(Refusal {
        happened: "What happened needs a line and a little more of the next one, as it does."
            .into(),
        safe: "Nothing was changed, and nothing left the station or was printed by it.".into(),
        advice: "What to do is said at length: one thing, then another, then a third. ".repeat(3),
    });
    let mut app = asked(long);
    for at in 1..=9 {
        let shown = seen(&app);
        assert!(shown.contains(&format!("▸ {at}  Choice {at}")), "{shown}");
        // The title, and a sign of what is hidden above and in the menu.
        assert!(shown.contains("A menu"), "{shown}");
        assert!(shown.contains("PgDn"), "{shown}");
        assert!(
            shown.contains("▲ more") || shown.contains("▼ more"),
            "{shown}"
        );
        assert!(shown.contains("What happened"), "{shown}");
        press(&mut app, &[Key::Down]);
    }
}

#[test]
fn nothing_is_chosen_for_anybody_and_the_form_names_what_is_open() {
    let choice = |label: &str, detail: &str| Choice {
        label: label.into(),
        detail: detail.into(),
    };
    let mut app = ask(Ask::Form {
        fields: vec![
            Field {
                label: "Label".into(),
                kind: FieldKind::Text(40),
                value: String::new(),
                hint: String::new(),
            },
            Field {
                label: "Template".into(),
                kind: FieldKind::Told(vec![
                    choice("zmk-aes256", "Zone master key, AES-256"),
                    choice("icsf-aes-mk", "ICSF master key AES-MK"),
                ]),
                value: String::new(),
                hint: String::new(),
            },
        ],
        submit: "go on".into(),
        done: None,
    });
    write(&mut app, "BANK-LAKE.ZMK.001");
    assert!(seen(&app).contains("not chosen yet"));
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    let shown = seen(&app);
    assert!(shown.contains("Template: nothing is chosen yet"), "{shown}");
    assert!(shown.contains("‹ choose ›"), "{shown}");
    press(&mut app, &[Key::Right]);
    assert!(seen(&app).contains("Zone master key, AES-256"));
    press(&mut app, &[Key::Right]);
    assert!(seen(&app).contains("ICSF master key AES-MK"));
    press(&mut app, &[Key::Left]);
    // Away from the field its sentence stays.
    press(&mut app, &[Key::Tab]);
    assert!(seen(&app).contains("Zone master key, AES-256"));
    assert_eq!(
        fields(press(&mut app, &[Key::Enter])),
        ["BANK-LAKE.ZMK.001", "zmk-aes256"]
    );
}

#[test]
fn what_is_read_opens_at_its_top_and_enter_goes_on_at_its_end() {
    let mut script = prompt("ceremony.script", "The script", Ask::Read);
    script.lines = (1..=60)
        .map(|at| PromptLine::note(format!("line {at} of the script")))
        .collect();
    script.show = Some(Show::Words {
        of: "script".into(),
        words: vec!["acrobat".into(), "barometer".into()],
    });
    let mut app = asked(script);
    let top = seen(&app);
    assert!(top.contains("line 1 of the script"), "{top}");
    assert!(!top.contains("acrobat"), "{top}");
    assert!(top.contains("Enter read on, more follows"), "{top}");
    let mut pages = 0;
    let last = loop {
        let requests = press(&mut app, &[Key::Enter]);
        if !requests.is_empty() {
            break requests;
        }
        pages += 1;
        assert!(pages < 30, "{}", seen(&app));
        seen(&app);
    };
    assert!(pages > 3, "{pages}");
    assert!(matches!(answer(last), Answer::Confirmed));
}

#[test]
fn tab_at_a_pin_asks_for_the_other_group_while_it_may() {
    let mut question = logon(pin_ask());
    question.other_group = true;
    let mut app = asked(question.clone());
    write(&mut app, "13");
    assert!(seen(&app).contains("Tab other group"));
    assert!(matches!(
        answer(press(&mut app, &[Key::Tab])),
        Answer::OtherGroup
    ));
    question.other_group = false;
    let mut app = asked(question);
    assert!(press(&mut app, &[Key::Tab]).is_empty());
    assert!(!seen(&app).contains("Tab other group"));
}

#[test]
fn enter_on_an_open_ceremony_shows_it_to_whoever_may_not_go_on() {
    let mut app = inside();
    let mut lists = lists();
    lists.ceremonies = vec![CeremonyRow {
        id: "C1".into(),
        title: "Generate ZMK BANK-LAKE.ZMK.001".into(),
        state: "open, 3 steps done".into(),
        began: "24 Nov 2026 09:14".into(),
        open: false,
        detail: vec!["09:14:00  Everybody comes forward.".into()],
    }];
    tell(&mut app, vec![Event::Lists(Box::new(lists.clone()))]);
    press(&mut app, &[Key::Char('c')]);
    assert!(press(&mut app, &[Key::Enter]).is_empty());
    assert!(seen(&app).contains("Everybody comes forward"));
    lists.ceremonies[0].open = true;
    tell(&mut app, vec![Event::Lists(Box::new(lists))]);
    press(&mut app, &[Key::Esc]);
    let requests = press(&mut app, &[Key::Enter]);
    assert!(matches!(&requests[..], [Request::Resume(id)] if id == "C1"));
}

#[test]
fn a_deviation_needs_words() {
    let mut app = confirm();
    assert!(press(&mut app, &[Key::Char('D'), Key::Enter]).is_empty());
    write(&mut app, "the witness was late");
    match answer(press(&mut app, &[Key::Enter])) {
        Answer::Deviated(words) => assert_eq!(words, "the witness was late"),
        _ => panic!("no deviation"),
    }
    let mut app = confirm();
    press(&mut app, &[Key::Char('D')]);
    assert!(write(&mut app, "no").is_empty());
    assert!(press(&mut app, &[Key::Esc]).is_empty());
    assert!(matches!(
        answer(press(&mut app, &[Key::Char('p')])),
        Answer::Confirmed
    ));
}

#[test]
fn a_destructive_act_takes_its_label_exactly() {
    let mut app = ask(Ask::Exactly {
        text: "A.ZMK.1".to_owned(),
    });
    for typed in ["a.zmk.1", "A.ZMK.11", "A.ZMK.1 ", ""] {
        press(&mut app, &[Key::Ctrl('u')]);
        write(&mut app, typed);
        assert!(press(&mut app, &[Key::Enter]).is_empty(), "{typed}");
    }
    write(&mut app, "A.ZMK.1");
    assert_eq!(word(press(&mut app, &[Key::Enter])), "A.ZMK.1");
}
