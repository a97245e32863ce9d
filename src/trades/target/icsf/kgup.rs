//! Statements of the Key Generator Utility Program, and the job that runs them.
//!
//! KGUP gives each type its default control vector, so a key with another one
//! is left to the REXX loader. A statement goes on over lines by a comma at the
//! end; nothing stands behind column 71 (ICSF Administrator's Guide, "Managing
//! Cryptographic Keys Using the Key Generator Utility Program").

use conclave_crypto::cca::{DesToken, KeyType};

use super::super::{Sheet, TargetError};
use super::cards::USED;
use super::tokens::{Loaded, hex};

/// TRUE where KGUP makes the same token of the statement.
pub(super) fn takes(sheet: &Sheet<'_>, loaded: &Loaded<'_>) -> bool {
    let part = &loaded.part;
    let listed = sheet.settings.profile.entry("kgup", &part.kind) == Some("yes");
    let default = KeyType::named(&part.kind)
        .and_then(|kind| kind.default_vector(loaded.key.form.bytes()))
        .is_ok_and(|default| default == part.vector);
    // A comma has to stand behind it on the same line.
    listed && default && "LABEL(),".len() + part.label.len() <= USED
}

/// The importer key's label in the CKDS.
pub(super) fn importer<'a>(sheet: &Sheet<'a>) -> &'a str {
    sheet.settings.value("importer-label").unwrap_or_default()
}

/// One ADD for each record that KGUP takes; none where it takes nothing.
pub(super) fn statements(
    sheet: &Sheet<'_>,
    loaded: &[Loaded<'_>],
) -> Result<Vec<String>, TargetError> {
    let mut out = Vec::new();
    for one in loaded.iter().filter(|one| takes(sheet, one)) {
        let token = DesToken::parse(&one.token)
            .map_err(|_| TargetError::SelfCheck(one.key.label.clone()))?;
        let values: Vec<String> = token.cryptogram().chunks(8).map(hex).collect();
        out.push(format!("ADD TYPE({}),", one.part.kind));
        out.push(format!("LABEL({}),", one.part.label));
        out.push(format!("TRANSKEY({}),", importer(sheet)));
        out.push(format!("KEY({})", values.join(",")));
    }
    Ok(out)
}

/// The job: KGUP on the CKDS, then the refresh where it ended well.
pub(super) fn job(sheet: &Sheet<'_>, statements: &[String]) -> Result<Vec<String>, TargetError> {
    let value = |name: &str| sheet.settings.value(name).unwrap_or_default();
    let ckds = value("ckds");
    let mut out = vec![
        format!(
            "//{:<8} JOB ({}),'KEY LOAD',",
            value("job-name"),
            value("account")
        ),
        format!(
            "//         CLASS={},MSGCLASS={},NOTIFY=&SYSUID",
            value("class"),
            value("msgclass")
        ),
        format!("//* {} {}, FOR KGUP", sheet.folder, sheet.mode),
        "//* MADE BY THE KEY ROOM; DOCUMENTED, NOT TRIED ON THE TARGET".into(),
        "//KGUP     EXEC PGM=CSFKGUP,PARM='NOSSM'".into(),
        format!("//CSFCKDS  DD DISP=OLD,DSN={ckds}"),
        "//CSFDIAG  DD SYSOUT=*".into(),
        "//CSFKEYS  DD DSN=&&KEYS,DISP=(NEW,DELETE),UNIT=SYSDA,".into(),
        "//            SPACE=(TRK,(1,1)),DCB=(RECFM=FB,LRECL=208)".into(),
        "//CSFSTMNT DD DSN=&&STMT,DISP=(NEW,DELETE),UNIT=SYSDA,".into(),
        "//            SPACE=(TRK,(1,1)),DCB=(RECFM=FB,LRECL=80)".into(),
        "//CSFIN    DD *".into(),
    ];
    out.extend(statements.iter().cloned());
    out.push("/*".into());
    out.push("//REFRESH  EXEC PGM=CSFEUTIL,COND=(0,NE,KGUP),".into());
    out.push(format!("//         PARM='{ckds},REFRESH'"));
    Ok(out)
}
