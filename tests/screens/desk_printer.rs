//! Hands at the training printer of PIN mailers, on the desk.

use std::sync::Arc;

use conclave::tui::{App, Key};
use conclave_station::front::{Event, Phase, PinPrinter, PrinterHand, SeenForm};

use crate::samples::{Hands, status};
use crate::scenes::Build;
use crate::{MONO, press, seen, tell, write};

/// The printer after a jam.
fn jammed() -> PinPrinter {
    let form = |number, state: &str, mailer: &str| SeenForm {
        number,
        state: state.to_owned(),
        mailer: mailer.to_owned(),
    };
    PinPrinter {
        state: "stands: the paper is jammed in form 7".into(),
        stands: true,
        forms: vec![
            form(5, "whole and closed", "5 of 24"),
            form(6, "whole and closed", "6 of 24"),
            form(7, "half printed, still in the printer", ""),
        ],
        can: vec![PrinterHand::ClearJam, PrinterHand::SwitchOff],
    }
}

fn used_up() -> PinPrinter {
    PinPrinter {
        state: "stands: the reel is used up".into(),
        can: vec![PrinterHand::Load(101), PrinterHand::SwitchOff],
        forms: vec![SeenForm {
            number: 100,
            state: "whole and closed".into(),
            mailer: "7 of 24".into(),
        }],
        ..jammed()
    }
}

fn desk(printer: PinPrinter, keys: Vec<Key>) -> Build {
    Box::new(move |theme| {
        let hands = Hands::new(&["Training reader 1"], &["card 15 Q. Moreno"]);
        *hands.printer.lock().unwrap() = Some(printer.clone());
        let mut app = App::new(theme, Some(Arc::new(hands)));
        tell(&mut app, vec![Event::Status(status(Phase::Open))]);
        press(&mut app, &keys);
        app
    })
}

pub fn scenes() -> Vec<(&'static str, Build)> {
    let at_it = vec![Key::F(2), Key::Char('P')];
    let mut reel = at_it.clone();
    reel.push(Key::Enter);
    vec![
        ("desk-printer", desk(jammed(), at_it)),
        ("desk-reel", desk(used_up(), reel)),
    ]
}

fn at_the_desk(printer: PinPrinter) -> (App, Arc<Hands>) {
    let hands = Arc::new(Hands::new(&["R1"], &["a"]));
    *hands.printer.lock().unwrap() = Some(printer);
    let mut app = App::new(MONO, Some(hands.clone()));
    tell(&mut app, vec![Event::Status(status(Phase::Open))]);
    press(&mut app, &[Key::F(2)]);
    (app, hands)
}

#[test]
fn hands_do_what_stands_there_and_a_reel_has_a_number() {
    let (mut app, hands) = at_the_desk(jammed());
    let done = || std::mem::take(&mut *hands.done.lock().unwrap());
    let shown = seen(&app);
    assert!(
        shown.contains("PIN printer stands: the paper is jammed in form 7")
            && shown.contains("P PIN printer"),
        "{shown}"
    );
    // By its key, and by its row.
    press(&mut app, &[Key::Char('P'), Key::Char('9')]);
    assert_eq!(done(), []);
    press(&mut app, &[Key::Char('2')]);
    assert_eq!(done(), [PrinterHand::SwitchOff]);
    press(
        &mut app,
        &[Key::Esc, Key::End, Key::Enter, Key::Home, Key::Enter],
    );
    assert_eq!(done(), [PrinterHand::ClearJam]);

    *hands.printer.lock().unwrap() = Some(used_up());
    press(&mut app, &[Key::Enter]);
    assert!(seen(&app).contains("First form of the reel   101"));
    write(&mut app, "x");
    press(&mut app, &[Key::Enter]);
    assert!(seen(&app).contains("That is no form's number"));
    assert_eq!(done(), []);
    press(&mut app, &[Key::Ctrl('u')]);
    write(&mut app, "50001");
    press(&mut app, &[Key::Enter]);
    assert_eq!(done(), [PrinterHand::Load(50_001)]);
    // Esc leaves the number, then the printer, then the desk; F2 leaves at once.
    press(&mut app, &[Key::Enter, Key::Esc, Key::Esc]);
    assert!(seen(&app).contains("Training desk: what hands do here"));
    press(&mut app, &[Key::Char('P'), Key::F(2)]);
    assert!(!seen(&app).contains("Training desk"));
    assert_eq!(done(), []);
}

#[test]
fn without_such_a_printer_there_is_nothing_to_put_hands_on() {
    let hands = Arc::new(Hands::new(&["R1"], &["a"]));
    let mut app = App::new(MONO, Some(hands));
    tell(&mut app, vec![Event::Status(status(Phase::Open))]);
    press(&mut app, &[Key::F(2), Key::Char('P')]);
    let shown = seen(&app);
    assert!(
        shown.contains("Training desk: what hands do here") && !shown.contains("PIN printer"),
        "{shown}"
    );
}

#[test]
fn arrows_go_from_form_to_form() {
    let hands = Arc::new(Hands::new(&["R1"], &[]));
    let mut lines = Vec::new();
    for form in 1..=3 {
        lines.push(format!("── form {form}: whole and closed ──"));
        lines.extend((1..=24).map(|line| format!("line {line}")));
    }
    *hands.sheet.lock().unwrap() = lines;
    let mut app = App::new(MONO, Some(hands));
    press(&mut app, &[Key::F(2), Key::Enter, Key::Right]);
    let top = |app: &App| seen(app).lines().nth(3).unwrap_or_default().to_owned();
    assert!(top(&app).contains("form 2"), "{}", seen(&app));
    press(&mut app, &[Key::Right, Key::Left, Key::Left]);
    assert!(top(&app).contains("form 1"), "{}", seen(&app));
}
