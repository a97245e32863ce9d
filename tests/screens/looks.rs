//! How the screens look.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

use crate::scenes::scenes;
use crate::{COLOUR, MONO, frame, text};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

#[test]
fn every_screen_looks_as_it_did() {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for (name, build) in scenes() {
            for (wide, high) in SIZES {
                let shown = text(&frame(&build(MONO), (wide, high)));
                insta::assert_snapshot!(format!("{name}-{wide}x{high}"), shown);
                let painted = paint(&frame(&build(COLOUR), (wide, high)));
                insta::assert_snapshot!(format!("{name}-{wide}x{high}-colour"), painted);
            }
        }
    });
}

/// A letter for the look of each cell that shows something: plain cells are
/// dots.
fn paint(buffer: &Buffer) -> String {
    let looks = [
        ('.', COLOUR.plain()),
        ('S', COLOUR.strong()),
        ('K', COLOUR.key()),
        ('G', COLOUR.good()),
        ('W', COLOUR.warn()),
        ('B', COLOUR.bad()),
        ('C', COLOUR.chosen()),
    ];
    let mut painted = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let is = |style: &Style| {
                style.fg == Some(cell.fg)
                    && style.bg == Some(cell.bg)
                    && style.add_modifier == cell.modifier
            };
            // A space shows its background only.
            let shows = cell.symbol() != " " || cell.bg != Color::Black;
            let look = looks.iter().find(|(_, style)| is(style));
            line.push(match look {
                _ if !shows => ' ',
                Some((letter, _)) => *letter,
                None => '?',
            });
        }
        painted.push_str(line.trim_end());
        painted.push('\n');
    }
    painted
}

/// Colour repeats what the text says: without it no letter is missing.
#[test]
fn colour_carries_nothing_of_its_own() {
    for (name, build) in scenes() {
        for size in SIZES {
            let (mono, colour) = (frame(&build(MONO), size), frame(&build(COLOUR), size));
            assert_eq!(text(&mono), text(&colour), "{name}");
            let coloured =
                |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
            assert!(!mono.content.iter().any(coloured), "{name}");
            assert!(colour.content.iter().all(coloured), "{name}");
        }
    }
}

/// A key in the footer that is cut off is a key that nobody finds.
#[test]
fn every_footer_fits() {
    for (name, build) in scenes() {
        let buffer = frame(&build(MONO), (80, 24));
        let wider = frame(&build(MONO), (100, 24));
        let words = |buffer: &Buffer| -> Vec<String> {
            let text = text(buffer);
            let lines: Vec<&str> = text.lines().collect();
            let foot = lines
                .iter()
                .rposition(|l| l.starts_with("──"))
                .unwrap_or(lines.len());
            lines[foot.min(lines.len())..]
                .iter()
                .skip(1)
                .flat_map(|l| l.split_whitespace().map(str::to_owned))
                .collect()
        };
        assert_eq!(words(&buffer), words(&wider), "{name}");
    }
}

/// The pictures in `docs/screens` are the screens.
#[test]
fn the_pictures_in_the_documentation_are_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens");
    let rewrite = std::env::var_os("CONCLAVE_WRITE_SCREENS").is_some();
    if rewrite {
        std::fs::create_dir_all(&folder).unwrap();
    }
    let mut drawn = Vec::new();
    for (name, build) in scenes() {
        let shown = text(&frame(&build(MONO), (80, 24)));
        let path = folder.join(format!("{name}.txt"));
        if rewrite {
            std::fs::write(&path, &shown).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            kept, shown,
            "docs/screens/{name}.txt is another screen: look at it, then CONCLAVE_WRITE_SCREENS=1 cargo test --test screens"
        );
        drawn.push(format!("{name}.txt"));
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        assert!(drawn.contains(&file), "docs/screens/{file} shows no screen");
    }
}

#[test]
fn a_small_window_says_what_it_needs() {
    let (_, build) = scenes()
        .into_iter()
        .find(|(name, _)| *name == "keys")
        .unwrap();
    for size in [(79, 24), (80, 23), (20, 5), (1, 1)] {
        let shown = text(&frame(&build(MONO), size));
        assert!(!shown.contains("BANK-LAKE"), "{shown}");
    }
}

/// No size makes it stop.
#[test]
fn every_screen_draws_at_every_size() {
    for (_, build) in scenes() {
        let app = build(MONO);
        for size in [
            (0, 0),
            (1, 1),
            (80, 24),
            (81, 25),
            (200, 24),
            (80, 100),
            (300, 90),
        ] {
            frame(&app, size);
        }
    }
}
