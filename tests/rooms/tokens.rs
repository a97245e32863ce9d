//! Rust source as words and punctuation: just enough of a lexer that comments,
//! strings and character literals never pass for code.

/// One token and the line on which it stands, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// `::`
    PathSep,
    /// Any other single character.
    Mark(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.next();
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.skip(2);
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                (Some(_), _) => self.skip(1),
                (None, _) => return,
            }
        }
    }

    /// From the opening quote to the closing one.
    fn quoted(&mut self, quote: char) {
        self.next();
        while let Some(c) = self.next() {
            if c == '\\' {
                self.next();
            } else if c == quote {
                return;
            }
        }
    }

    /// From the first `#` or quote of a raw string to its end.
    fn raw_string(&mut self, hashes: usize) {
        self.skip(hashes + 1);
        while let Some(c) = self.next() {
            if c == '"' && (0..hashes).all(|i| self.peek(i) == Some('#')) {
                self.skip(hashes);
                return;
            }
        }
    }

    fn identifier(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek(0).filter(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
            self.next();
        }
        word
    }

    fn hashes(&self) -> usize {
        (0..).take_while(|&i| self.peek(i) == Some('#')).count()
    }
}

/// The tokens of `source`.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(c) = reader.peek(0) {
        let line = reader.line;
        match (c, reader.peek(1)) {
            ('/', Some('/')) => reader.line_comment(),
            ('/', Some('*')) => reader.block_comment(),
            ('"', _) => reader.quoted('"'),
            // `'x'` and `'\n'` are characters; `'a` without a closing quote is a lifetime.
            ('\'', Some('\\')) => reader.quoted('\''),
            ('\'', _) if reader.peek(2) == Some('\'') => reader.skip(3),
            ('\'', _) => {
                reader.skip(1);
                reader.identifier();
            }
            (':', Some(':')) => {
                reader.skip(2);
                found.push(Token {
                    kind: Kind::PathSep,
                    line,
                });
            }
            _ if c.is_ascii_digit() => {
                reader.identifier();
            }
            _ if c.is_alphabetic() || c == '_' => {
                let word = reader.identifier();
                let hashes = reader.hashes();
                let raw =
                    matches!(word.as_str(), "r" | "br" | "cr") && reader.peek(hashes) == Some('"');
                if raw {
                    reader.raw_string(hashes);
                } else if word == "r" && hashes == 1 {
                    reader.skip(1);
                    let word = reader.identifier();
                    found.push(Token {
                        kind: Kind::Word(word),
                        line,
                    });
                } else {
                    found.push(Token {
                        kind: Kind::Word(word),
                        line,
                    });
                }
            }
            _ => {
                reader.skip(1);
                if !c.is_whitespace() {
                    found.push(Token {
                        kind: Kind::Mark(c),
                        line,
                    });
                }
            }
        }
    }
    found
}

fn words(source: &str) -> Vec<String> {
    tokens(source)
        .iter()
        .filter_map(|t| t.word().map(str::to_owned))
        .collect()
}

#[test]
fn comments_and_strings_are_not_code() {
    let source = r##"
        a // sled::open
        /* vault /* sled */ still */ b
        "sled::\"open" c r#"sled " "# d b"sled" br"sled" '"' e '\'' f
    "##;
    assert_eq!(words(source), ["a", "b", "c", "d", "b", "e", "f"]);
}

#[test]
fn lifetimes_do_not_swallow_code() {
    assert_eq!(
        words("fn f<'a>(x: &'a str) -> &'static u8 { g(b'x') }"),
        ["fn", "f", "x", "str", "u8", "g", "b"]
    );
}

#[test]
fn lines_are_counted_through_strings() {
    let found = tokens("\"one\ntwo\"\n/*\n*/ here");
    assert_eq!(found.last().map(|t| t.line), Some(4));
}

#[test]
fn raw_identifiers_lose_their_mark() {
    assert_eq!(words("r#type::x"), ["type", "x"]);
}
