//! Who names whom: every path and `use` of a source file, with the module in
//! which it stands and whether that module exists in tests only.

use crate::tokens::{Kind, Token, tokens};

/// A path as written, groups of a `use` spread out (`use a::{b, c}` is two).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub path: Vec<String>,
    /// Starts with `::`, so its head is an outside crate.
    pub global: bool,
    /// Inline modules around it, outermost first.
    pub inside: Vec<String>,
    /// Under `#[cfg(test)]`.
    pub in_test: bool,
    pub line: usize,
}

/// What one file says.
#[derive(Debug, Default)]
pub struct Reading {
    pub references: Vec<Reference>,
    /// `mod x` at the file's own level, and whether it is for tests only.
    pub modules: Vec<(String, bool)>,
}

/// Reads one file.
pub fn read(source: &str) -> Reading {
    let tokens = tokens(source);
    let in_test = test_spans(&tokens);
    let mut reading = Reading::default();
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let inside = || {
            inline
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        match &token.kind {
            Kind::Mark('{') => depth += 1,
            Kind::Mark('}') => {
                depth -= 1;
                if inline.last().is_some_and(|(_, outer)| *outer == depth) {
                    inline.pop();
                }
            }
            Kind::Word(word) if word == "mod" => {
                if let Some(name) = tokens.get(at + 1).and_then(Token::word) {
                    if inline.is_empty() {
                        reading.modules.push((name.to_owned(), in_test[at]));
                    }
                    if tokens.get(at + 2).is_some_and(|t| t.is('{')) {
                        inline.push((name.to_owned(), depth));
                    }
                    at += 2;
                    continue;
                }
            }
            // `use<'a>` in a return type captures lifetimes and imports nothing.
            Kind::Word(word) if word == "use" && !tokens.get(at + 1).is_some_and(|t| t.is('<')) => {
                let global = tokens.get(at + 1).is_some_and(|t| t.kind == Kind::PathSep);
                let mut paths = Vec::new();
                let end = use_tree(&tokens, at + 1 + usize::from(global), &[], &mut paths);
                reading
                    .references
                    .extend(paths.into_iter().map(|path| Reference {
                        path,
                        global,
                        inside: inside(),
                        in_test: in_test[at],
                        line: token.line,
                    }));
                at = end;
                continue;
            }
            Kind::Word(word) if word == "extern" => {
                let krate = tokens.get(at + 1).and_then(Token::word) == Some("crate");
                if let Some(name) = tokens.get(at + 2).and_then(Token::word).filter(|_| krate) {
                    reading.references.push(Reference {
                        path: vec![name.to_owned()],
                        global: true,
                        inside: inside(),
                        in_test: in_test[at],
                        line: token.line,
                    });
                }
            }
            Kind::Word(_) => {
                let mut path = Vec::new();
                let mut end = at;
                while let Some(word) = tokens.get(end).and_then(Token::word) {
                    path.push(word.to_owned());
                    end += 1;
                    let goes_on = tokens.get(end).is_some_and(|t| t.kind == Kind::PathSep)
                        && tokens.get(end + 1).is_some_and(|t| t.word().is_some());
                    if !goes_on {
                        break;
                    }
                    end += 1;
                }
                // `<T>::x` and `Vec::<u8>::x` end in a `::` that continues a type;
                // elsewhere a leading `::` names an outside crate.
                let led = at > 0 && tokens[at - 1].kind == Kind::PathSep;
                let continues = led && at > 1 && tokens[at - 2].is('>');
                if path.len() > 1 && !continues {
                    reading.references.push(Reference {
                        path,
                        global: led,
                        inside: inside(),
                        in_test: in_test[at],
                        line: token.line,
                    });
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    reading
}

/// Spreads the use tree that starts at `at`; gives the place after it.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match &token.kind {
            Kind::PathSep => at += 1,
            Kind::Word(word) if word == "as" => at += 2,
            // `{self}` is the prefix itself.
            Kind::Word(word) if word == "self" && !prefix.is_empty() => at += 1,
            Kind::Word(word) => {
                path.push(word.clone());
                at += 1;
            }
            Kind::Mark('*') => {
                path.push("*".to_owned());
                at += 1;
            }
            Kind::Mark('{') => {
                at += 1;
                loop {
                    match tokens.get(at) {
                        None => return at,
                        Some(t) if t.is('}') => {
                            return at + 1;
                        }
                        Some(t) if t.is(',') => at += 1,
                        // A token that no use tree has (a macro's `$x`) is stepped over.
                        Some(_) => at = use_tree(tokens, at, &path, paths).max(at + 1),
                    }
                }
            }
            _ => break,
        }
    }
    paths.push(path);
    at
}

/// For each token, whether it exists in tests only.
fn test_spans(tokens: &[Token]) -> Vec<bool> {
    let mut marked = vec![false; tokens.len()];
    let mut whole = false;
    let mut at = 0;
    while at < tokens.len() {
        let inner = tokens.get(at + 1).is_some_and(|t| t.is('!'));
        let open = at + 1 + usize::from(inner);
        if !(tokens[at].is('#') && tokens.get(open).is_some_and(|t| t.is('['))) {
            at += 1;
            continue;
        }
        let close = matching(tokens, open, '[', ']');
        let said: Vec<&str> = tokens[open..close].iter().filter_map(Token::word).collect();
        let for_tests = said.first() == Some(&"cfg")
            && said.contains(&"test")
            && !said.contains(&"not")
            && !said.contains(&"any");
        if for_tests && inner {
            whole = true;
        } else if for_tests {
            let end = item_end(tokens, close + 1);
            marked[at..end].fill(true);
            at = end;
            continue;
        }
        at = close + 1;
    }
    if whole {
        marked.fill(true);
    }
    marked
}

/// The place after the item that starts at `at`, further attributes included.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|t| t.is('#')) {
        at = matching(tokens, at + 1, '[', ']') + 1;
    }
    let mut import = false;
    while let Some(token) = tokens.get(at) {
        import |= token.word() == Some("use");
        if token.is(';') {
            return at + 1;
        }
        if token.is('{') && !import {
            return (matching(tokens, at, '{', '}') + 1).min(tokens.len());
        }
        at += 1;
    }
    tokens.len()
}

/// The place of the bracket that closes the one at `at`.
fn matching(tokens: &[Token], at: usize, open: char, close: char) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        if token.is(open) {
            depth += 1;
        } else if token.is(close) {
            depth -= 1;
            if depth == 0 {
                return i;
            }
        }
    }
    tokens.len()
}

fn paths(source: &str) -> Vec<String> {
    read(source)
        .references
        .iter()
        .map(|r| r.path.join("::"))
        .collect()
}

#[test]
fn use_trees_are_spread_out() {
    assert_eq!(
        paths("use crate::{vault::{self, Store as S}, door::*}; use sled; pub(crate) use a::b;"),
        [
            "crate::vault",
            "crate::vault::Store",
            "crate::door::*",
            "sled",
            "a::b"
        ]
    );
}

#[test]
fn paths_in_code_are_seen() {
    assert_eq!(
        paths("fn f(x: crate::door::Permit) { let y = x.g::<u8>(super::h()); ::sled::open(y) }"),
        ["crate::door::Permit", "super::h", "sled::open"]
    );
    assert_eq!(
        paths("impl<T> A for Vec<T> where <T as B>::C: D {}"),
        [] as [&str; 0]
    );
    assert_eq!(paths("fn f() -> impl Sized + use<'_> { a::b }"), ["a::b"]);
}

#[test]
fn test_code_is_told_apart() {
    let reading = read(
        "use a::b; #[cfg(test)] use c::{d, e}; #[cfg(test)] #[allow(x)] mod tests { use f::g; }
         #[cfg(test)] mod suite; #[cfg(not(test))] mod real { use super::i; } fn z() { j::k() }",
    );
    let seen: Vec<_> = reading
        .references
        .iter()
        .map(|r| (r.path.join("::"), r.in_test, r.inside.join("::")))
        .collect();
    let expected = [
        ("a::b", false, ""),
        ("c::d", true, ""),
        ("c::e", true, ""),
        ("f::g", true, "tests"),
        ("super::i", false, "real"),
        ("j::k", false, ""),
    ];
    assert_eq!(
        seen,
        expected.map(|(p, t, i)| (p.to_owned(), t, i.to_owned()))
    );
    assert_eq!(
        reading.modules,
        [
            ("tests".to_owned(), true),
            ("suite".to_owned(), true),
            ("real".to_owned(), false)
        ]
    );
    assert!(
        read("#![cfg(test)] use a::b;")
            .references
            .iter()
            .all(|r| r.in_test)
    );
}
