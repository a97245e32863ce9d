//! What stands on paper, on the screen: pages of X's.

use conclave::tui::Key;
use conclave_evidence::authority::Mode;
use conclave_keyroom::ports::dialogue::{Ask, Choice, Prompt, Show};
use conclave_trades::print::{Layout, draw_page};

use crate::scenes::{Build, asks};

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
    ]
}
