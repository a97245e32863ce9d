//! A part of a CCA master key as the *Master Key Entry* panel of ICSF, or TKE,
//! asks for it: value in the panel's lines, checksum, verification pattern and
//! hash pattern.
//!
//! The page is laid out with X's first, as every form is; the digits are written
//! over them in locked memory. Checksum and patterns tell something of the part:
//! they are kept like its value.

use std::fmt::Write as _;

use conclave_crypto::cca::{MasterKey, checksum};
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::error::PrintError;
use super::kind::Disclosure;
use super::layout::{Eject, Layout};
use super::mailer;

/// Digits of a panel's line, in groups of four.
const LINE: usize = 16;

/// What is printed, except what is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyPart {
    /// The master key.
    pub key: MasterKey,
    /// Above everything: mode, station, whose it is.
    pub head: String,
    /// What the house calls it.
    pub label: String,
    /// Which part, from 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
}

/// The master key of this name on the panel, of so many bytes.
#[must_use]
pub fn master_key(name: &str, bytes: usize) -> Option<MasterKey> {
    MasterKey::ALL
        .into_iter()
        .find(|key| key.name() == name && key.len() == bytes)
}

/// Where digits come from.
#[derive(Clone, Copy)]
enum Digits {
    Checksum,
    Value,
    Verification,
    Hash,
}

/// A piece of the page.
enum Piece {
    Text(String),
    /// So many digits from this one on, in groups of four or in one.
    Secret(Digits, usize, usize, bool),
}

fn groups(count: usize, grouped: bool) -> impl Iterator<Item = Option<usize>> {
    (0..count).flat_map(move |at| {
        let space = grouped && at > 0 && at.is_multiple_of(4);
        space.then_some(None).into_iter().chain([Some(at)])
    })
}

impl MasterKeyPart {
    fn check(&self) -> Result<(), PrintError> {
        if (2..=9).contains(&self.of) && (1..=self.of).contains(&self.index) {
            return Ok(());
        }
        Err(PrintError::Part {
            index: self.index,
            of: self.of,
        })
    }

    fn pieces(&self) -> Vec<Piece> {
        let key = self.key;
        let word = MasterKey::part_word(self.index, self.of);
        let digits = 2 * key.len();
        let mut out = vec![Piece::Text(format!(
            "{}\n\n{key}, PART {} of {}\n{}\n\nKey Type   ===> {}\nPart       ===> {word}\nChecksum   ===> ",
            self.head,
            self.index,
            self.of,
            self.label,
            key.name(),
        ))];
        out.push(Piece::Secret(Digits::Checksum, 0, 2, false));
        for from in (0..digits).step_by(LINE) {
            let caption = if from == 0 {
                "Key Value "
            } else {
                "          "
            };
            out.push(Piece::Text(format!("\n{caption} ===> ")));
            out.push(Piece::Secret(Digits::Value, from, LINE, true));
        }
        out.push(Piece::Text("\n\nThe panel then shows:\n".into()));
        if key != MasterKey::Rsa {
            out.push(Piece::Text("Key part VP : ".into()));
            out.push(Piece::Secret(Digits::Verification, 0, 16, false));
            out.push(Piece::Text("\n".into()));
        }
        if !matches!(key, MasterKey::Aes | MasterKey::Ecc) {
            for from in [0, 16] {
                let caption = if from == 0 {
                    "Key part HP"
                } else {
                    "           "
                };
                out.push(Piece::Text(format!("{caption} : ")));
                out.push(Piece::Secret(Digits::Hash, from, 16, false));
                out.push(Piece::Text("\n".into()));
            }
        }
        let mut notes = format!("\nchecksum: {}\n", key.checksum_confidence().words());
        // Writing to a String does not fail.
        if key != MasterKey::Rsa {
            let _ = writeln!(notes, "VP: {}", key.vp_confidence().words());
        }
        if !matches!(key, MasterKey::Aes | MasterKey::Ecc) {
            let _ = writeln!(notes, "HP: {}", key.hp_confidence().words());
        }
        let _ = write!(
            notes,
            "{}.\nType the lines without their spaces. Another checksum than the\n\
             panel's? The value is typed wrong, or the form's is: compare both.\n",
            key.parity()
        );
        out.push(Piece::Text(notes));
        out
    }

    /// The page with X's in place of everything secret.
    ///
    /// # Errors
    /// [`PrintError::Part`]
    pub fn preview(&self) -> Result<String, PrintError> {
        self.check()?;
        let mut page = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => page.push_str(&text),
                Piece::Secret(_, _, count, grouped) => {
                    page.extend(groups(count, grouped).map(|at| at.map_or(' ', |_| 'X')));
                }
            }
        }
        Ok(page)
    }

    /// The component's sheet with this page behind it, in one piece, so that nothing
    /// comes between the two. A sheet that its layout holds back is fed out before
    /// the page, which is held back in its place until its custodian confirms.
    ///
    /// # Errors
    /// As [`Self::render`]; [`PrintError::PanelLanguage`] for a printer that takes
    /// whole documents, [`PrintError::PanelBlind`] for a form that is a blind mailer.
    pub fn behind(
        &self,
        sheet: &Secret,
        part: &Secret,
        layout: &Layout,
        language: PrinterLanguage,
    ) -> Result<Secret, PrintError> {
        if language == PrinterLanguage::Pdf {
            return Err(PrintError::PanelLanguage);
        }
        // In clear digits, behind a form whose digits nobody is to see.
        if layout.disclosure() == Disclosure::BlindMailer {
            return Err(PrintError::PanelBlind);
        }
        let page = self.render(part)?;
        // One feed between the two, whoever asks for the last: a page on top of the
        // form would make both illegible.
        let feed = mailer::eject(language);
        let (between, last): (&[u8], &[u8]) = match layout.eject() {
            Eject::OnConfirmation => (feed, b"\r"),
            Eject::WithForm => (b"", feed),
        };
        // Text in the printer's own letters: every language but PDF takes it after
        // the form feed that ends the sheet.
        let lines = page.expose().iter().filter(|b| **b == b'\n').count();
        let len = sheet.len() + between.len() + page.len() + lines + last.len();
        Ok(Secret::from_fn(len, |to| {
            let returned = page.expose().iter().flat_map(|b| {
                let cr: &[u8] = if *b == b'\n' { b"\r" } else { b"" };
                cr.iter().chain(std::slice::from_ref(b))
            });
            let before = sheet.expose().iter().chain(between);
            let all = before.chain(returned).chain(last);
            to.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        }))
    }

    /// The page with the part's digits, for the component printer.
    ///
    /// # Errors
    /// [`PrintError::Part`]; [`PrintError::ValueLength`] of a part of another
    /// length.
    pub fn render(&self, part: &Secret) -> Result<Secret, PrintError> {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let preview = self.preview()?;
        let length = |_| PrintError::ValueLength {
            found: part.len(),
            expected: self.key.len(),
        };
        // Checksum, verification pattern, hash pattern.
        let mut patterns = Secret::zeroed(1 + 8 + 16);
        let vp = self.key.verification_pattern(part).map_err(length)?;
        let hp = self.key.hash_pattern(part).map_err(length)?;
        let mut write = |from: usize, bytes: &[u8]| {
            let places = patterns.expose_mut().iter_mut().skip(from);
            places.zip(bytes).for_each(|(to, byte)| *to = *byte);
        };
        write(0, &[checksum(part)]);
        if let Some(vp) = &vp {
            write(1, vp.expose());
        }
        if let Some(hp) = &hp {
            write(1 + 8, hp.expose());
        }
        let nibble = |digits: Digits, at: usize| {
            let (of, from) = match digits {
                Digits::Checksum => (&patterns, 0),
                Digits::Verification => (&patterns, 2),
                Digits::Hash => (&patterns, 18),
                Digits::Value => (part, 0),
            };
            let at = from + at;
            let byte = of.expose().get(at / 2).copied().unwrap_or(0);
            let digit = if at.is_multiple_of(2) {
                byte >> 4
            } else {
                byte & 0x0F
            };
            HEX.get(usize::from(digit)).copied().unwrap_or(b'?')
        };
        let mut page = Secret::from_fn(preview.len(), |page| {
            page.copy_from_slice(preview.as_bytes());
        });
        let mut place = page.expose_mut().iter_mut();
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => place.by_ref().take(text.len()).for_each(drop),
                Piece::Secret(digits, from, count, grouped) => {
                    for at in groups(count, grouped) {
                        if let (Some(cell), Some(at)) = (place.next(), at) {
                            *cell = nibble(digits, from + at);
                        }
                    }
                }
            }
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(key: MasterKey) -> MasterKeyPart {
        MasterKeyPart {
            key,
            head: "TEST  KEYROOM-1  component for Gus".into(),
            label: "ICSF.PROD.MK".into(),
            index: 2,
            of: 3,
        }
    }

    #[test]
    fn a_page_for_each_master_key() {
        for key in MasterKey::ALL {
            let part = Secret::from_fn(key.len(), |to| {
                to.iter_mut()
                    .zip(0u8..)
                    .for_each(|(to, at)| *to = at.wrapping_mul(29).wrapping_add(0x13));
            });
            let form = form(key);
            let preview = form.preview().unwrap();
            let page = form.render(&part).unwrap();
            let page = String::from_utf8(page.expose().to_vec()).unwrap();
            assert!(page.lines().all(|line| line.len() <= 72), "{page}");
            assert!(page.contains("===> MIDDLE\n"), "{page}");
            let first = part.expose()[..8].iter();
            let hex: String = first.map(|b| format!("{b:02X}")).collect();
            let line = format!(
                "Key Value  ===> {} {} {} {}\n",
                &hex[..4],
                &hex[4..8],
                &hex[8..12],
                &hex[12..]
            );
            assert!(page.contains(&line), "{page}");
            let sum = format!("Checksum   ===> {:02X}\n", checksum(&part));
            assert!(page.contains(&sum), "{page}");
            let vp = key.verification_pattern(&part).unwrap();
            assert_eq!(page.contains("Key part VP"), vp.is_some());
            if let Some(vp) = vp {
                let vp: String = vp.expose().iter().map(|b| format!("{b:02X}")).collect();
                assert!(page.contains(&format!("Key part VP : {vp}\n")), "{page}");
            }
            let hp = key.hash_pattern(&part).unwrap();
            if let Some(hp) = hp {
                let hp: String = hp.expose().iter().map(|b| format!("{b:02X}")).collect();
                let lines = format!("Key part HP : {}\n            : {}\n", &hp[..16], &hp[16..]);
                assert!(page.contains(&lines), "{page}");
            }
            // The preview is the same page, and says nothing.
            assert_eq!(preview.len(), page.len());
            assert!(!preview.contains(&hex[..4]));
            let differs = preview.chars().zip(page.chars()).filter(|(a, b)| a != b);
            assert!(differs.into_iter().all(|(x, _)| x == 'X'));
        }
    }

    #[test]
    fn a_part_that_is_none() {
        let short = Secret::zeroed(31);
        assert!(matches!(
            form(MasterKey::Aes).render(&short),
            Err(PrintError::ValueLength {
                found: 31,
                expected: 32
            })
        ));
        let mut none = form(MasterKey::Aes);
        none.index = 4;
        assert!(none.preview().is_err());
    }
}
