//! Where lines and columns are on a page, in points (1/72 inch).

use super::layout::{Layout, Page};

/// Points of a column on cut sheets: Courier of 11 points.
const SHEET_COLUMN: f32 = 6.6;
/// Points beside the columns of a continuous form: the sprocket strips.
const STRIP: f32 = 36.0;

/// A page and its grid. x goes to the right, y up from the lower edge.
pub struct Grid {
    pub width: f32,
    pub height: f32,
    pub left: f32,
    pub top: f32,
    pub column: f32,
    pub line: f32,
}

impl Grid {
    pub fn new(layout: &Layout) -> Self {
        let line = 72.0 / layout.lines_to_the_inch as f32;
        let columns = layout.paper_columns() as f32;
        let lines = layout.lines as f32 * line;
        if layout.page == Page::Continuous {
            let column = 72.0 / layout.columns_to_the_inch as f32;
            return Self {
                width: columns * column + 2.0 * STRIP,
                height: lines,
                left: STRIP,
                top: lines,
                column,
                line,
            };
        }
        let (width, height) = layout.page.points();
        Self {
            width,
            height,
            left: (width - columns * SHEET_COLUMN) / 2.0,
            top: height - (height - lines) / 2.0,
            column: SHEET_COLUMN,
            line,
        }
    }

    /// The left edge of a column.
    pub fn x(&self, column: usize) -> f32 {
        self.left + column.saturating_sub(1) as f32 * self.column
    }

    /// The baseline of a line.
    pub fn baseline(&self, line: usize) -> f32 {
        self.top - line as f32 * self.line + self.line / 4.0
    }

    /// The middle of a line.
    pub fn middle(&self, line: usize) -> f32 {
        self.top - line as f32 * self.line + self.line / 2.0
    }

    /// Points of a Courier whose letters are as wide as a column: each is 0.6
    /// of its size.
    pub fn courier(&self) -> f32 {
        self.column * 10.0 / 6.0
    }
}
