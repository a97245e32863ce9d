//! The journal's export: the sealed entries with the public authority record,
//! for auditors, who verify it anywhere. Where the session opens the journal's words,
//! two reports go with it: the component-access log, and who may do what.

use conclave_evidence::export::JournalExport;

use crate::ceremony::paper::Filed;
use crate::service::ActEnd;
use crate::station::Station;
use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::Refusal;

impl Station {
    /// The export as bytes. What it holds is sealed or public.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn journal_bytes(&mut self) -> Result<Vec<u8>, String> {
        if !self.is_open() {
            return Err("nobody is logged on".into());
        }
        self.door
            .note("export-journal", "the journal was exported".into())
            .map_err(|e| e.to_string())?;
        let vault = self.door.vault();
        let export = JournalExport {
            authority: vault.authority_chain().map_err(|e| e.to_string())?.to_vec(),
            entries: vault.entries(0).map_err(|e| e.to_string())?,
            head: vault.signed_head().map_err(|e| e.to_string())?,
            anchors: vault.anchors().map_err(|e| e.to_string())?,
        };
        export.to_file().map_err(|e| e.to_string())
    }

    /// Writes the export below the station's folder.
    ///
    /// # Errors
    /// Why it was not written, in words.
    pub(crate) fn write_journal(&mut self, name: &str) -> Result<String, String> {
        let bytes = self.journal_bytes()?;
        self.file("journal", name, &bytes)
    }

    /// Files the auditors' reports below the station's folder, and says so in the journal
    /// with their digests; none where this session does not open the journal's words.
    ///
    /// # Errors
    /// Why they were not filed, in words.
    pub(crate) fn file_audit_reports(&mut self) -> Result<Vec<Filed>, String> {
        let open = self.door.vault().open_groups();
        let reads = [GroupId::Auditors, GroupId::Administrators];
        if !reads.iter().any(|group| open.contains(group)) {
            return Ok(Vec::new());
        }
        let seq = self.door.vault().newest().map_or(0, |(seq, _)| seq + 1);
        let log = self.component_log().map_err(|e| e.to_string())?;
        let controls = self.control_matrix().map_err(|e| e.to_string())?;
        let mut filed = Vec::new();
        for (name, report) in [("component-log", log), ("controls", Some(controls))] {
            let Some(report) = report else {
                continue;
            };
            let report = self.file_pdf("reports", &format!("{name}-{seq:06}"), report)?;
            let told = format!("{} was filed, SHA-256 {}", report.path, report.sha256);
            self.door
                .note("file-report", told)
                .map_err(|e| e.to_string())?;
            filed.push(report);
        }
        Ok(filed)
    }

    pub(crate) fn export_journal_file(&mut self) -> Result<ActEnd, Refusal> {
        let seq = self.door.vault().newest().map_or(0, |(seq, _)| seq + 1);
        let broken = self.journal_break();
        let name = match broken {
            Some(_) => format!("journal-broken-{seq:06}.cbor"),
            None => format!("journal-{seq:06}.cbor"),
        };
        // Before the journal, which then has their digests. What is damaged is not reported
        // on.
        let reports = match broken {
            Some(_) => Ok(Vec::new()),
            None => self.file_audit_reports(),
        };
        match self.write_journal(&name) {
            Ok(path) => {
                let mut lines = vec![
                    format!("File: {path} in the station's folder"),
                    "Anybody can check it: conclave verify FILE".into(),
                ];
                match reports {
                    Ok(filed) => lines.extend(filed.iter().map(|f| format!("Report: {}", f.path))),
                    Err(why) => lines.push(format!("The reports were not filed: {why}")),
                }
                let good = broken.is_none();
                lines.extend(broken);
                Ok(ActEnd::Done {
                    good,
                    title: match good {
                        true => "The journal is exported".into(),
                        false => "The journal is exported as far as it holds".into(),
                    },
                    lines,
                })
            }
            Err(why) => Err(self.refusal(&why)),
        }
    }
}
