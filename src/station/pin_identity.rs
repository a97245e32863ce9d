//! The PIN room's key pairs for files: made by both groups, their certificates
//! filed for the issuers; and what of certificates comes to an end.

use conclave_crypto::x509::rsa_pair::pem;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::ports::dialogue::{People, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::MakePinIdentity;

use crate::front::TaskRow;
use crate::lists::{days_until, due};
use crate::rsa_keys::groups;
use crate::service::ActEnd;
use crate::station::Station;
use crate::words;

/// A certificate becomes a task this many days before it ends: issuers need
/// time to send another, or to take ours.
const CERTIFICATE_DAYS: i64 = 60;

impl Station {
    /// Every generation of the PIN room's key pairs for files; none where the
    /// session does not read them.
    #[must_use]
    pub fn pin_identities(&self) -> Vec<PinIdentity> {
        let mut all: Vec<PinIdentity> = self
            .door
            .vault()
            .list::<PinIdentity>(Compartment::Pins, PinIdentity::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, one)| one)
            .collect();
        all.sort_by_key(|one| one.generation);
        all
    }

    /// Makes the next generation, and files its certificates.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn make_pin_identity(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let open = self.door.vault().open_groups();
        if !GroupId::PIN_ROOM.iter().all(|group| open.contains(group)) {
            let mut refusal = self.refusal("not logged on: PIN operators and PIN supervisors");
            refusal.advice = "Log on with both groups; press g.".into();
            return Err(refusal);
        }
        let last = PinIdentity::newest(&self.pin_identities()).map_or(0, |one| one.generation);
        let action = MakePinIdentity {
            generation: last.saturating_add(1),
        };
        let made = match self.act(&action, "Key pairs for files of issuers", people) {
            Ok(made) => made,
            Err(undone) => return self.undone(undone),
        };
        let mut lines = Vec::new();
        for (what, der, fingerprint) in [
            ("input", &made.input, made.input_fingerprint),
            ("output", &made.output, made.output_fingerprint),
        ] {
            let name = format!("pin-{what}-{:04}.pem", made.generation);
            let text = pem("CERTIFICATE", &der.0).unwrap_or_default();
            let filed = self.file("certificates", &name, text.as_bytes());
            lines.push(match filed {
                Ok(path) => format!("{what}: {path}"),
                Err(why) => format!("{what}: not filed: {why}"),
            });
            lines.extend(groups(&fingerprint));
        }
        lines.push(format!("until {}", words::date(made.until_ms)));
        lines.push("Issuers get both, and hear the fingerprints by another way.".into());
        Ok(ActEnd::Done {
            good: true,
            title: format!("Generation {} is made", made.generation),
            lines,
        })
    }

    /// Certificates of issuers, and the room's own, that end soon.
    pub(crate) fn pin_certificate_tasks(&self, now_ms: u64) -> Vec<TaskRow> {
        let mut ends: Vec<(u64, String, &str, &str)> = Vec::new();
        // Nothing comes from one that is barred, whatever its certificates say.
        let partners = self.pin_partners().into_iter();
        for partner in partners.filter(|partner| partner.barred.is_none()) {
            for (certificate, what) in [
                (&partner.signer, "that signs"),
                (&partner.recipient, "for encryption"),
            ] {
                ends.push((
                    certificate.until_ms,
                    format!("new certificate {what} of {}", partner.issuer),
                    GroupId::Administrators.title(),
                    "On the devices screen: i. New files are refused once it has ended.",
                ));
            }
        }
        if let Some(own) = PinIdentity::newest(&self.pin_identities()) {
            ends.push((
                own.until_ms,
                "new key pairs for files of issuers".into(),
                "PIN operators, PIN supervisors",
                "On the devices screen: f. Issuers need the new certificate before the end.",
            ));
        }
        ends.into_iter()
            .map(|(until, what, who, how)| (days_until(now_ms, until), until, what, who, how))
            .filter(|(days, ..)| *days <= CERTIFICATE_DAYS)
            .map(|(days, until, what, who, how)| TaskRow {
                due: due(days, until),
                days,
                what,
                who: who.into(),
                detail: vec![
                    format!("the old one ends {}", words::date(until)),
                    how.into(),
                ],
                resume: None,
            })
            .collect()
    }
}
