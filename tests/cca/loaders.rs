//! The loaders, run: the execs by Regina, with what ICSF would answer in the
//! place of its services, which hold each call to the parameters of the ICSF
//! Application Programmer's Guide, by name, order and length; the C source by the
//! compiler, with verbs that answer so. What is judged is the text's language and its way
//! through success and failure, not ICSF.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Each label with the check value that the host would show for it.
pub type Shown<'a> = [(&'a str, &'a str)];

/// Parameters of each service in their order, as the guide has them, under the names that
/// the execs give them, and how many bytes each has; `*` for as many as the length before
/// it says, and `8n` for eight for each rule.
const SERVICES: [(&str, &str); 8] = [
    ("CSNBKIM", "ktype 8 source 64 kek 64 target 64"),
    ("CSNBKYT", "count 4 rule 8n target 64 random 8 vp 8"),
    ("CSNBKRC", "name 64"),
    ("CSNBKRW", "target 64 name 64"),
    (
        "CSNBT31I",
        "count 4 rule 8n blen 4 block * keklen 4 kek * none 4 nokek 4 tlen 4 target * \
         blocks 4 cvsource 4 method 4",
    ),
    ("CSNBKRC2", "count 4 rule 8n name 64 tlen 4 target *"),
    (
        "CSNBKYT2",
        "count 4 rule 8n tlen 4 target * none 4 nokek 4 rlen 4 reserved * vplen 4 vp *",
    ),
    ("CSNDKRC", "count 4 rule 8n name 64 tlen 4 token *"),
];

/// A routine that refuses a call with other parameters, in another order, or of another
/// length than the service takes.
fn stand_in() -> String {
    let mut text = String::from("icsf:\nparse arg service zgot\nzgot = space(zgot)\nzwant = ''\n");
    for (service, parameters) in SERVICES {
        let _ = writeln!(
            text,
            "if service == '{service}' then,\nzwant = 'rcode 4 rsn 4 exl 4 exd 4 {parameters}'"
        );
    }
    text.push_str(
        "if zwant == '' then call zrefuse 'no such service'
znames = ''
do zi = 1 to words(zwant) by 2
  zname = word(zwant,zi)
  znames = space(znames zname)
  zlen = word(zwant,zi+1)
  if zlen == '8n' then zlen = max(8,8*c2d(count))
  if zlen == '*' then zlen = c2d(value(word(zwant,zi-2)))
  if zname == 'reserved' then iterate
  if length(value(zname)) \\== zlen then call zrefuse zname 'has' length(value(zname)) 'not' zlen
end
if zgot \\== znames then call zrefuse 'parameters' zgot 'not' znames
if service == 'CSNBT31I' then do
  if des then tlen = '00000040'x
end
if service \\== 'CSNBKYT' & service \\== 'CSNBKYT2' then return
",
    );
    text
}

/// Runs an exec; its calls of ICSF are answered by a routine at its end.
pub fn run_exec(exec: &str, shown: &Shown<'_>) -> (String, Option<i32>) {
    run_exec_with(exec, "", shown)
}

/// Runs an exec with this argument.
pub fn run_exec_with(exec: &str, argument: &str, shown: &Shown<'_>) -> (String, Option<i32>) {
    let mut text = String::new();
    let mut lines = exec.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "address linkpgm," {
            text.push_str("call icsf,\n");
        } else if let Some(rest) = line.strip_prefix("address linkpgm ") {
            let _ = writeln!(text, "call icsf {rest}");
        } else {
            text.push_str(line);
            text.push('\n');
        }
        if lines.peek().is_none() {
            text.push('\n');
        }
    }
    text.push_str(&stand_in());
    for (label, value) in shown {
        let _ = writeln!(
            text,
            "if label == '{label}' then vp = '{value}'x||copies('00'x,5)"
        );
    }
    text.push_str("return\nzrefuse:\nparse arg zwhy\nsay '***' service zwhy\nexit 99\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("load.rex");
    std::fs::write(&file, text).unwrap();
    let run = Command::new("regina")
        .arg(&file)
        .arg(argument)
        .output()
        .expect("regina: run ./scripts/test, which installs it");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.stderr.is_empty(),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    (said, run.status.code())
}

const VERBS: &str = r#"
#include <stdio.h>
#include <string.h>
typedef unsigned char u;
void CSNBKIM(long *rc, long *rs, long *xl, u *x, u *type, u *token, u *kek, u *target) {
    (void)xl; (void)x; (void)kek;
    *rc = memcmp(type, "TOKEN   ", 8) ? 8 : 0; *rs = 0;
    memcpy(target, token, 64);
}
void CSNBKYT(long *rc, long *rs, long *xl, u *x, long *count, u *rule, u *key, u *rn, u *vp) {
    static FILE *values;
    unsigned a, b, c;
    (void)xl; (void)x; (void)key; (void)rn;
    if (!values) values = fopen("shown.txt", "r");
    *rc = *count == 3 && !memcmp(rule, "KEY-ENCDGENERATEENC-ZERO", 24) ? 0 : 8; *rs = 0;
    if (fscanf(values, "%2x%2x%2x", &a, &b, &c) == 3) { vp[0] = a; vp[1] = b; vp[2] = c; }
}
void CSNBKRC(long *rc, long *rs, long *xl, u *x, u *label) {
    (void)xl; (void)x; *rc = label[63] == ' ' ? 0 : 8; *rs = 0;
}
void CSNBKRW(long *rc, long *rs, long *xl, u *x, u *token, u *label) {
    (void)xl; (void)x; (void)token; (void)label; *rc = 0; *rs = 0;
}
"#;

const HEADER: &str = "typedef unsigned char u;
void CSNBKIM(long *, long *, long *, u *, u *, u *, u *, u *);
void CSNBKYT(long *, long *, long *, u *, long *, u *, u *, u *, u *);
void CSNBKRC(long *, long *, long *, u *, u *);
void CSNBKRW(long *, long *, long *, u *, u *, u *);
";

/// Compiles the loader with these verbs and runs it on the list; the check
/// values come in this order.
pub fn run_c(source: &str, list: &str, shown: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let put = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    put("ccaload.c", source);
    put("verbs.c", VERBS);
    put("cca.h", HEADER);
    put("keys.txt", list);
    put("shown.txt", &(shown.join("\n") + "\n"));
    let arguments = [
        "-Wall",
        "-Wextra",
        "-Werror",
        "-I.",
        "-DCCALOAD_HEADER=<cca.h>",
        "-o",
        "ccaload",
        "ccaload.c",
        "verbs.c",
    ];
    let made = run(at, "cc", &arguments);
    assert_eq!(made.1, Some(0), "{}", made.0);
    run(at, "./ccaload", &["keys.txt"])
}

fn run(at: &Path, program: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let program = if program.starts_with("./") {
        at.join(program)
    } else {
        program.into()
    };
    let run = Command::new(&program)
        .args(arguments)
        .current_dir(at)
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let said = [run.stdout, run.stderr].concat();
    (
        String::from_utf8_lossy(&said).into_owned(),
        run.status.code(),
    )
}
