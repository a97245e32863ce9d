//! What waits in a practice room for those who print PINs: two files of an issuer,
//! one whose PINs are drawn here and one whose PINs its host made, with the keys,
//! templates and certificates that they need.

use std::fmt::Write;
use std::path::Path;

use conclave_crypto::pin::block::Format;
use conclave_crypto::pin::random::{Denied, Draw};
use conclave_crypto::pin::translate::Enciphered;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_key::PinUse;
use conclave_trades::target::IMPORT_FOLDER;

use super::issuer::{Issuer, IssuerKey, NAME, PVK, SHEETS, file, file_sheets, hex, pan};
use super::papers::{Papers, pin_key_papers};
use super::pin_batch::TEMPLATE;
use super::{DemoError, Demonstration};
use crate::compose::random_source;

/// For how many days the PIN room has the keys.
const DAYS: u32 = 360;
/// The batch whose PINs are drawn here: its id, and how many cards it has.
const DRAWN: (&str, u32) = ("B-0001", 24);
/// The file that it comes in.
const DRAWN_FILE: &str = "cards.p7m";
/// The batch whose PINs the host made.
const MADE: (&str, u32) = ("H-0001", 12);
/// The file that it comes in.
const MADE_FILE: &str = "host-pins.p7m";
/// Its template.
const MADE_TEMPLATE: &str = "json-host.toml";
/// Its first card: none of the other batch's, since a card whose PIN a host made gets
/// one mailer.
const MADE_FIRST: u32 = 101;
/// How long its PINs are.
const MADE_DIGITS: usize = 6;

/// The key that the host's PIN blocks are under: it opens them to be printed, and does
/// nothing else.
const PPK: IssuerKey = IssuerKey {
    label: "BANKX.PPK.001",
    template: "pin-print-tdes2",
    pin_use: PinUse::PinPrint,
};

/// The host that made PINs.
struct Host {
    /// The papers of its PIN-print key.
    papers: Papers,
    key: Secret,
}

impl Host {
    /// Draws its key; the sheets are filed in `folder`.
    fn prepare(folder: &Path, random: &mut dyn RandomSource) -> Result<Self, String> {
        let (papers, sheets) = pin_key_papers(SHEETS, random)?;
        file_sheets(folder, PPK.label, &sheets)?;
        let mut key = Secret::zeroed(16);
        for sheet in &sheets {
            key.xor_in_place(sheet)
                .ok_or("the components differ in length")?;
        }
        Ok(Self { papers, key })
    }

    /// Its file of cards, in the layout of the template: a PIN for each, in a block of
    /// ISO 9564-1 format 0 under the key.
    fn cards(&self, random: &mut dyn RandomSource) -> Result<String, String> {
        let (batch, count) = MADE;
        let draw = Draw::new(&Denied::default(), MADE_DIGITS).map_err(|e| e.to_string())?;
        let format = Enciphered::Tdes(Format::Iso0);
        let mut total = 0u128;
        let mut records = String::new();
        for number in MADE_FIRST..MADE_FIRST + count {
            let pan = pan(number)?;
            let pin = draw.draw(random).map_err(|e| e.to_string())?;
            let block = format.close(&self.key, &pin, Some(&pan), random);
            let block = hex(&block.map_err(|e| e.to_string())?)?;
            let digits = pan.digits();
            total += digits.parse::<u128>().map_err(|e| e.to_string())?;
            let between = if records.is_empty() { "" } else { ",\n" };
            let _ = write!(
                records,
                "{between}{{\"pan\":\"{digits}\",\"sequence\":\"00\",\"pin-block\":\"{block}\",\
                 \"holder\":\"HOLDER {number:05}\",\"address1\":\"{number} LAKE STREET\",\
                 \"language\":\"en\"}}"
            );
        }
        let total = total % 10u128.pow(16);
        Ok(format!(
            "{{\"batch\":\"{batch}\",\"issuer\":\"{NAME}\",\"count\":{count},\
             \"hash-total\":\"{total}\",\"records\":[\n{records}\n]}}\n"
        ))
    }
}

impl Demonstration {
    /// Everything until the issuer's files lie on the stick, for those who practise to
    /// go on from there. What an issuer keeps is filed in `issuer`.
    ///
    /// # Errors
    /// [`DemoError`]
    pub(super) fn furnish_pin_room(&mut self) -> Result<(), DemoError> {
        let mut random = random_source()?;
        let now_ms = self.station.clock.wall_ms();
        let folder = self.out.join("issuer");
        std::fs::create_dir_all(&folder).map_err(super::io(&folder))?;
        let made = Issuer::prepare(&folder, now_ms, &mut *random)
            .and_then(|(issuer, _)| Ok((issuer, Host::prepare(&folder, &mut *random)?)));
        let (mut issuer, mut host) = made.map_err(|why| self.failed("the issuer", why))?;
        self.equip_pin_room(&issuer, &[TEMPLATE, MADE_TEMPLATE])?;
        let keys = vec![
            (PVK, std::mem::take(&mut issuer.pvk)),
            (PPK, std::mem::take(&mut host.papers)),
        ];
        self.enter_keys(keys, DAYS)?;
        self.logon(GroupId::PinOperators, &[])?;
        let identity = self.make_pin_identity()?;
        let texts = issuer
            .cards(DRAWN)
            .and_then(|drawn| Ok([(DRAWN_FILE, drawn), (MADE_FILE, host.cards(&mut *random)?)]));
        let path = self.room.stick.folder().join(IMPORT_FOLDER);
        let texts = texts.map_err(|why| self.failed("the issuer's files", why))?;
        // As it was before it was signed: to be changed, and sent again.
        let unsigned = folder.join(format!("TEST-{}.csv", DRAWN.0));
        let drawn = texts.first().map(|(_, drawn)| drawn.as_bytes());
        file(unsigned, drawn.unwrap_or_default())
            .map_err(|why| self.failed("the issuer's files", why))?;
        for (name, cards) in texts {
            issuer
                .sealed(&cards, &identity.input.0, now_ms, &mut *random)
                .and_then(|sealed| file(path.join(name), &sealed))
                .map_err(|why| self.failed("the issuer's files", why))?;
        }
        self.logout()
    }
}
