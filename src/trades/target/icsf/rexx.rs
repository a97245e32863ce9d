//! REXX execs that load the key data sets by ICSF's services, each key checked
//! by its check value before its record is made.
//!
//! Services and parameters are those of the ICSF Application Programmer's
//! Guide: CSNBKIM, CSNBKYT, CSNBKYT2, CSNBKRC, CSNBKRW, CSNBT31I, CSNBKRC2, CSNDKRC.

use super::super::{Sheet, TargetError};
use super::blocks::LoadedBlock;
use super::kgup::importer;
use super::tokens::{Loaded, hex};

/// Hex digits on a line.
const DIGITS: usize = 60;

fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().map(str::to_owned)
}

/// `name =,` and the digits, in as many lines as they take.
fn assigned(name: &str, digits: &str, out: &mut Vec<String>) {
    out.push(format!("{name} =,"));
    let mut rest = digits;
    while rest.len() > DIGITS {
        let (line, more) = rest.split_at(DIGITS);
        out.push(format!("'{line}'||,"));
        rest = more;
    }
    out.push(format!("'{rest}'"));
}

fn head(sheet: &Sheet<'_>, what: &str, out: &mut Vec<String>) {
    out.push("/* REXX */".into());
    out.push(format!("/* {} {}: {what} */", sheet.folder, sheet.mode));
    out.push("/* made by the key room; documented, not tried on the target */".into());
    out.push("/* run it under TSO, or in a job by PGM=IKJEFT01; ICSF active */".into());
    out.push("worst = 0".into());
    out.push("importer =,".into());
    out.push(format!("'{}'", importer(sheet)));
}

/// What every exec ends with.
const TAIL: &str = "\
/* the end of a service: TRUE (1) where it failed */
failed:
parse arg service
code = c2d(rcode)
say service 'return' code 'reason' c2d(rsn) label
if code > worst then worst = code
return code > 4

/* parameters that every service has */
common:
rcode = '00000000'x
rsn = '00000000'x
exl = '00000000'x
exd = '00000000'x
return

/* the check value of a double-length DES token */
checked:
call common
count = '00000003'x
rule = 'KEY-ENCD'||'GENERATE'||'ENC-ZERO'
random = copies('00'x,8)
vp = copies('00'x,8)
address linkpgm,
'CSNBKYT rcode rsn exl exd count rule target random vp'
if failed('CSNBKYT') then return 0
shown = left(c2x(vp),length(kcv))
return agrees()

/* TRUE (1) where the check value is the key room's */
agrees:
if shown == kcv then return 1
say '*** check value' shown 'expected' kcv label
say '*** nothing was written for this label'
if worst < 8 then worst = 8
return 0";

const CKDS: &str = "\
/* imports one token, checks it, makes its record */
load:
call common
ktype = 'TOKEN   '
source = x2c(token)
kek = left(importer,64)
target = copies('00'x,64)
address linkpgm,
'CSNBKIM rcode rsn exl exd ktype source kek target'
if failed('CSNBKIM') then return
if \\checked() then return
call common
name = left(label,64)
address linkpgm 'CSNBKRC rcode rsn exl exd name'
if failed('CSNBKRC') then return
call common
address linkpgm 'CSNBKRW rcode rsn exl exd target name'
if failed('CSNBKRW') then return
say 'loaded' label 'check value' kcv
return
";

/// Tokens into the CKDS.
pub(super) fn ckds_loader(
    sheet: &Sheet<'_>,
    loaded: &[Loaded<'_>],
) -> Result<Vec<String>, TargetError> {
    let mut out = Vec::new();
    head(sheet, "DES tokens into the CKDS", &mut out);
    for one in loaded {
        out.push(String::new());
        out.push(format!("/* {} */", one.part.kind));
        out.push("label =,".into());
        out.push(format!("'{}'", one.part.label));
        out.push(format!("kcv = '{}'", one.key.kcv.value));
        assigned("token", &hex(&one.token), &mut out);
        out.push("call load".into());
    }
    out.push(String::new());
    out.push("say 'highest return code' worst".into());
    out.push("exit worst".into());
    out.push(String::new());
    out.extend(lines(CKDS));
    out.push(String::new());
    out.extend(lines(TAIL));
    Ok(out)
}

const BLOCKS: &str = "\
/* imports one key block and makes its record */
load:
call common
block = x2c(hexblock)
blen = d2c(length(block),4)
rule = left('INTERNAL',8)
count = '00000001'x
if keyword \\== '' then do
  rule = rule||left(keyword,8)
  count = '00000002'x
end
kek = left(importer,64)
keklen = d2c(64,4)
none = '00000000'x
nokek = '00000000'x
tlen = d2c(900,4)
target = copies('00'x,900)
blocks = '00000000'x
cvsource = '00000000'x
method = '00000000'x
address linkpgm,
'CSNBT31I rcode rsn exl exd count rule blen block',
'keklen kek none nokek tlen target blocks cvsource method'
if failed('CSNBT31I') then return
target = left(target,c2d(tlen))
if des then do
  if \\checked() then return
end
if hmac then do
  if \\pattern() then return
end
call common
count = '00000000'x
rule = copies(' ',8)
name = left(label,64)
tlen = d2c(length(target),4)
address linkpgm,
'CSNBKRC2 rcode rsn exl exd count rule name tlen target'
if failed('CSNBKRC2') then return
say 'loaded' label 'check value' kcv
if \\(des | hmac) then,
say 'compare its check value by hand: AES is not checked here'
return

/* the check value of an HMAC token: the pattern's beginning */
pattern:
call common
count = '00000003'x
rule = left('HMAC',8)||'GENERATE'||left('SHA2VP1',8)
tlen = d2c(length(target),4)
none = '00000000'x
nokek = '00000000'x
rlen = '00000000'x
reserved = '00000000'x
vplen = d2c(16,4)
vp = copies('00'x,16)
address linkpgm,
'CSNBKYT2 rcode rsn exl exd count rule tlen target',
'none nokek rlen reserved vplen vp'
if failed('CSNBKYT2') then return 0
shown = left(c2x(vp),length(kcv))
return agrees()
";

/// Key blocks into the CKDS.
pub(super) fn block_loader(
    sheet: &Sheet<'_>,
    loaded: &[LoadedBlock<'_>],
) -> Result<Vec<String>, TargetError> {
    let mut out = Vec::new();
    head(sheet, "TR-31 key blocks into the CKDS", &mut out);
    for one in loaded {
        out.push(String::new());
        out.push(format!("/* usage {} mode {} */", one.key.usage, one.mode));
        out.push("label =,".into());
        out.push(format!("'{}'", one.label));
        out.push(format!("kcv = '{}'", one.key.kcv.value));
        let des = u8::from(one.key.form.is_tdes() && one.key.form.bytes() == 16);
        out.push(format!("des = {des}"));
        out.push(format!("hmac = {}", u8::from(one.key.form.is_hmac())));
        out.push(format!("keyword = '{}'", one.keyword));
        // The block is ASCII, also on z/OS.
        assigned("hexblock", &hex(one.block.as_bytes()), &mut out);
        out.push("call load".into());
    }
    out.push(String::new());
    out.push("say 'highest return code' worst".into());
    out.push("exit worst".into());
    out.push(String::new());
    out.extend(lines(BLOCKS));
    out.push(String::new());
    out.extend(lines(TAIL));
    Ok(out)
}

const PKDS: &str = "\
arg label
if label = '' then do
  say 'say under which label: its argument is the label'
  exit 8
end
label = strip(label)
if length(label) > 64 then do
  say 'a label has at most 64 characters:' label
  exit 8
end
rcode = '00000000'x
rsn = '00000000'x
exl = '00000000'x
exd = '00000000'x
count = '00000000'x
rule = copies(' ',8)
name = left(label,64)
token = x2c(token)
tlen = d2c(length(token),4)
address linkpgm,
'CSNDKRC rcode rsn exl exd count rule name tlen token'
say 'CSNDKRC return' c2d(rcode) 'reason' c2d(rsn) label
exit c2d(rcode)";

/// An RSA public token into the PKDS, under the label that is its argument.
pub(crate) fn pkds_loader(token: &[u8]) -> String {
    let mut out = vec![
        "/* REXX */".to_owned(),
        "/* an RSA public key into the PKDS; its argument is the label */".into(),
        "/* made by the key room; documented, not tried on the target */".into(),
    ];
    assigned("token", &hex(token), &mut out);
    out.extend(lines(PKDS));
    let mut text = out.join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::cards::USED;
    use super::*;

    #[test]
    fn every_line_fits_a_record() {
        for text in [TAIL, CKDS, BLOCKS, PKDS] {
            for line in text.lines() {
                assert!(line.len() <= USED, "{line}");
            }
        }
        let mut out = Vec::new();
        assigned("hexblock", &"0".repeat(1000), &mut out);
        out.push(format!("'{}'", "X".repeat(64)));
        assert!(out.iter().all(|line| line.len() <= USED), "{out:?}");
        assert!(
            pkds_loader(&[0x1E; 300])
                .lines()
                .all(|line| line.len() <= USED)
        );
    }
}
