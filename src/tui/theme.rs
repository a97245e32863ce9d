//! Colour repeats what text and symbol say; without it nothing is lost.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Theme {
    /// Whether colours are used. Without, only bold and reverse are.
    pub colour: bool,
}

impl Theme {
    fn shade(self, fg: Color) -> Style {
        if self.colour {
            Style::new().fg(fg).bg(Color::Black)
        } else {
            Style::new()
        }
    }

    /// The whole screen, and text as such. Grey on black is 9:1 on a console's
    /// palette.
    #[must_use]
    pub fn plain(self) -> Style {
        self.shade(Color::Gray)
    }

    /// Labels, rules and what is less important; still above 4.5:1, so it is
    /// the same grey and its place on the screen makes it quiet.
    #[must_use]
    pub fn quiet(self) -> Style {
        self.shade(Color::Gray)
    }

    /// What matters on this screen.
    #[must_use]
    pub fn strong(self) -> Style {
        self.shade(Color::White).add_modifier(Modifier::BOLD)
    }

    /// A key to press.
    #[must_use]
    pub fn key(self) -> Style {
        self.shade(Color::LightCyan).add_modifier(Modifier::BOLD)
    }

    /// Done, proven.
    #[must_use]
    pub fn good(self) -> Style {
        self.shade(Color::LightGreen)
    }

    /// Look here: now, due, few.
    #[must_use]
    pub fn warn(self) -> Style {
        self.shade(Color::LightYellow).add_modifier(Modifier::BOLD)
    }

    /// Refused, overdue, void.
    #[must_use]
    pub fn bad(self) -> Style {
        self.shade(Color::LightRed).add_modifier(Modifier::BOLD)
    }

    /// The row that Enter opens.
    #[must_use]
    pub fn chosen(self) -> Style {
        if self.colour {
            Style::new()
                .fg(Color::Black)
                .bg(Color::Gray)
                .add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sixteen colours of a Linux console.
    fn rgb(colour: Color) -> [f64; 3] {
        match colour {
            Color::Black => [0.0, 0.0, 0.0],
            Color::Gray => [170.0, 170.0, 170.0],
            Color::White => [255.0, 255.0, 255.0],
            Color::LightCyan => [85.0, 255.0, 255.0],
            Color::LightGreen => [85.0, 255.0, 85.0],
            Color::LightYellow => [255.0, 255.0, 85.0],
            Color::LightRed => [255.0, 85.0, 85.0],
            other => panic!("{other:?} is not among the colours that were measured"),
        }
    }

    fn luminance(colour: Color) -> f64 {
        let line = |c: f64| {
            let c = c / 255.0;
            if c <= 0.03928 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = rgb(colour).map(line);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn every_style_has_a_contrast_of_at_least_4_5() {
        let theme = Theme { colour: true };
        for style in [
            theme.plain(),
            theme.quiet(),
            theme.strong(),
            theme.key(),
            theme.good(),
            theme.warn(),
            theme.bad(),
            theme.chosen(),
        ] {
            let (a, b) = (luminance(style.fg.unwrap()), luminance(style.bg.unwrap()));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{style:?}: {contrast}");
        }
    }

    #[test]
    fn without_colour_there_is_none() {
        let theme = Theme { colour: false };
        for style in [
            theme.plain(),
            theme.strong(),
            theme.key(),
            theme.good(),
            theme.warn(),
            theme.bad(),
            theme.chosen(),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
