//! What a secret may touch: every secret that the station draws is looked for
//! in its files, on its terminal and in the memory of the process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test may stop at the first surprise

#[path = "canary/mailers.rs"]
mod mailers;
#[path = "support/people.rs"]
mod people;
#[path = "support/pin_house.rs"]
mod pin_house;
#[path = "support/pin_scene.rs"]
mod pin_scene;
#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;
#[path = "canary/words.rs"]
mod words;

use std::collections::HashMap;
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::{RandomError, RandomSource, Secret, ZeroOnFree};
use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_trades::pin::MakePinIdentity;
use conclave_trades::print::check::line_check;
use conclave_training::card::{CardLabel, TrainingCard};
use people::{PIN, Scene, done};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use stage::{PIN_STAFF, furnish_with_pin_room};
use tempfile::TempDir;

/// As the program itself has it.
#[global_allocator]
static ALLOCATOR: ZeroOnFree = ZeroOnFree;

/// The needles are kept under this mask, so that the search does not find
/// itself: a byte of the haystack is masked before it is compared.
const MASK: u8 = 0x96;

/// Bytes of a secret that are looked for at a time.
const PIECE: usize = 8;

/// Secrets as they could stand somewhere, masked.
#[derive(Default)]
struct Needles {
    /// By their first four bytes.
    by_head: HashMap<[u8; 4], Vec<(Vec<u8>, String)>>,
    count: usize,
}

fn digit(nibble: u8, upper: bool) -> u8 {
    match nibble {
        0..10 => b'0' + nibble,
        _ if upper => b'A' + nibble - 10,
        _ => b'a' + nibble - 10,
    }
}

impl Needles {
    fn add(&mut self, masked: Vec<u8>, name: String) {
        let head = masked[..4].try_into().unwrap();
        self.by_head.entry(head).or_default().push((masked, name));
    }

    /// A text of a secret, built masked byte by byte: it never stands in the
    /// clear, not even on the stack.
    fn text(&mut self, name: &str, kind: &str, text: impl Iterator<Item = u8>) {
        let masked = text.map(|b| b ^ MASK).collect();
        self.add(masked, format!("{name}, {kind}"));
    }

    /// A secret, given masked.
    fn secret(&mut self, masked: &[u8], name: &str) {
        self.count += 1;
        let mut starts = vec![0, masked.len() / 2, masked.len() - PIECE];
        starts.retain(|at| at + PIECE <= masked.len());
        starts.dedup();
        for at in starts {
            let piece = &masked[at..at + PIECE];
            let name = format!("{name} from byte {at}");
            self.add(piece.to_vec(), format!("{name}, raw"));
            for upper in [false, true] {
                let digits = |b: &u8| {
                    let b = *b ^ MASK;
                    [digit(b >> 4, upper), digit(b & 15, upper)]
                };
                let case = if upper { "upper hex" } else { "lower hex" };
                self.text(&name, case, piece.iter().flat_map(digits));
                let spaced = piece.chunks_exact(2).enumerate().flat_map(|(n, pair)| {
                    let gap = (n > 0).then_some(b' ');
                    gap.into_iter().chain(pair.iter().flat_map(digits))
                });
                self.text(&name, "groups of four", spaced);
            }
            // A list of numbers, as a debug text has them.
            let list = piece.iter().enumerate().flat_map(|(n, b)| {
                let gap = if n > 0 { ", " } else { "" };
                format!("{gap}{}", *b ^ MASK).into_bytes()
            });
            self.text(&name, "numbers", list);
            if at % 3 == 0 {
                self.text(&name, "base64", base64(&piece[..6]));
            }
        }
    }

    /// The first of them in the haystack.
    fn find(&self, hay: &[u8]) -> Option<&str> {
        let mut heads = vec![false; 1 << 16];
        for head in self.by_head.keys() {
            heads[usize::from(u16::from_be_bytes([head[0] ^ MASK, head[1] ^ MASK]))] = true;
        }
        hay.windows(4).enumerate().find_map(|(at, w)| {
            if !heads[usize::from(u16::from_be_bytes([w[0], w[1]]))] {
                return None;
            }
            let head = [w[0] ^ MASK, w[1] ^ MASK, w[2] ^ MASK, w[3] ^ MASK];
            let found = self.by_head.get(&head)?.iter().find(|(needle, _)| {
                hay[at..].len() >= needle.len()
                    && needle.iter().zip(&hay[at..]).all(|(n, h)| *n == *h ^ MASK)
            })?;
            Some(found.1.as_str())
        })
    }
}

fn base64(masked: &[u8]) -> impl Iterator<Item = u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    masked.chunks_exact(3).flat_map(|three| {
        let bits = three
            .iter()
            .fold(0u32, |n, b| n << 8 | u32::from(*b ^ MASK));
        [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize])
    })
}

/// Notes every secret it gives out, masked.
struct Recorder {
    inner: Box<dyn RandomSource + Send>,
    drawn: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl RandomSource for Recorder {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.inner.public(buf)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.inner.secret(buf)?;
        if buf.len() >= 16 {
            let masked = buf.iter().map(|b| b ^ MASK).collect();
            self.drawn.lock().unwrap().push(masked);
        }
        Ok(())
    }
}

fn needles(drawn: &Mutex<Vec<Vec<u8>>>) -> Needles {
    let mut needles = Needles::default();
    for (n, masked) in drawn.lock().unwrap().iter().enumerate() {
        needles.secret(masked, &format!("secret {n} of {} bytes", masked.len()));
    }
    needles
}

/// A partner's sheets, kept masked, and typed without ever standing in the
/// clear outside of a `Secret`.
#[derive(Clone)]
struct Sheets(Arc<Vec<Vec<u8>>>);

impl Sheets {
    fn new(count: u8, len: u8) -> Self {
        let byte = |sheet: u8, at: u8| {
            let n = u32::from(sheet) * 67 + u32::from(at) * 29 + u32::from(len);
            (n * n * 37 % 251) as u8
        };
        let sheet = |n| (0..len).map(|at| byte(n, at)).collect();
        Self(Arc::new((1..=count).map(sheet).collect()))
    }

    /// The masked sum of all.
    fn sum(&self) -> Vec<u8> {
        let mut sum = vec![MASK; self.0[0].len()];
        for sheet in self.0.iter() {
            for (a, b) in sum.iter_mut().zip(sheet) {
                *a ^= b ^ MASK;
            }
        }
        sum
    }

    fn value(masked: &[u8]) -> String {
        let clear = Secret::from_fn(masked.len(), |out| {
            for (a, b) in out.iter_mut().zip(masked) {
                *a = b ^ MASK;
            }
        });
        let method = match clear.len() {
            ..128 => Method::AesCmac,
            _ => Method::Sha256,
        };
        Kcv::compute(method, clear.expose()).unwrap().hex()
    }

    fn at(&self, partner: Option<&str>) -> people::At {
        let this = self.clone();
        let partner = partner.map_or_else(|| Self::value(&this.sum()), str::to_owned);
        Box::new(move |prompt, _| {
            let sheet = || {
                let number = prompt.title.split([' ', ',']).nth(1).unwrap();
                &this.0[number.parse::<usize>().unwrap() - 1]
            };
            match &prompt.ask {
                Ask::Groups(groups) => {
                    let from = usize::from(groups.line - 1) * 8;
                    let line = &sheet()[from..from + 8];
                    let clear = Secret::from_fn(8, |out| {
                        for (a, b) in out.iter_mut().zip(line) {
                            *a = b ^ MASK;
                        }
                    });
                    let letter = line_check(groups.line, clear.expose());
                    let len = 16 + usize::from(groups.check);
                    Some(Answer::Secret(Secret::from_fn(len, |out| {
                        for (pair, b) in out.chunks_exact_mut(2).zip(line) {
                            pair[0] = digit((b ^ MASK) >> 4, true);
                            pair[1] = digit((b ^ MASK) & 15, true);
                        }
                        if groups.check {
                            out[16] = letter;
                        }
                    })))
                }
                Ask::Text { .. } if prompt.code == "enter.kcv" => {
                    Some(Answer::Word(Self::value(sheet())))
                }
                Ask::Text { .. } if prompt.code.starts_with("combine.") => {
                    Some(Answer::Word(partner.clone()))
                }
                _ => None,
            }
        })
    }

    /// They are typed; the title of how it ended. The needles know them, and
    /// the key.
    fn enter(
        &self,
        scene: &mut Scene,
        label: &str,
        template: &str,
        partner: Option<&str>,
    ) -> String {
        scene.people.at = self.at(partner);
        let count = self.0.len().to_string();
        let paper = ["none", "on each component", "CMAC"];
        let fields = [
            label,
            template,
            &count,
            "BANK-LAKE",
            paper[0],
            paper[1],
            paper[2],
        ];
        let title = done(scene.ceremony("enter-components.toml", &fields));
        scene.people.at = Box::new(|_, _| None);
        title
    }
}

/// The first sheets that lie in the component printer.
fn printed(scene: &Scene, count: usize) -> Sheets {
    let bytes = scene.room.printers.0[0].bytes();
    let mark = b" VALUE: four groups";
    let starts: Vec<usize> = bytes
        .expose()
        .windows(mark.len())
        .enumerate()
        .filter_map(|(at, w)| (w == mark).then_some(at))
        .collect();
    let sheet = |n: usize| {
        let end = starts.get(n + 1).copied().unwrap_or(bytes.len());
        value(&bytes.expose()[starts[n]..end])
    };
    Sheets(Arc::new((0..count).map(sheet).collect()))
}

impl Sheets {
    /// Two of three shares prove their key, and go back into packages.
    fn prove_key(&self, scene: &mut Scene, label: &str) {
        let keys = scene.station.keys();
        let key = keys.iter().find(|k| k.label == label).unwrap();
        let parts = key.others[0].parts.clone();
        let mut usual = self.at(Some(&key.kcv.value));
        scene.people.at = Box::new(move |prompt, times| {
            let asked = matches!(prompt.ask, Ask::Text { .. });
            if asked && prompt.code.starts_with("exercise.serial") {
                let place = prompt.title.split([' ', ',']).nth(1).unwrap();
                let part = &parts[place.parse::<usize>().unwrap() - 1];
                return Some(Answer::Word(part.envelope.clone().unwrap()));
            }
            usual(prompt, times)
        });
        let set = format!("{label}, 3 shares, any 2 of them");
        let title = done(scene.ceremony("prove-shares.toml", &[&set, "3, 1"]));
        assert!(
            title.ends_with("done"),
            "{title}: {:?}",
            scene.people.refusals
        );
        scene.people.at = Box::new(|_, _| None);
    }

    /// A custody exercise with them.
    fn prove(&self, scene: &mut Scene, label: &str) {
        let keys = scene.station.keys();
        let key = keys.iter().find(|k| k.label == label).unwrap();
        let serials: Vec<String> = key
            .components
            .iter()
            .map(|c| c.envelope.clone().unwrap())
            .collect();
        let mut usual = self.at(None);
        scene.people.at = Box::new(move |prompt, times| {
            let asked = matches!(prompt.ask, Ask::Text { .. });
            if asked && prompt.code.starts_with("exercise.serial") {
                let sheet = prompt.title.split(' ').nth(1).unwrap();
                return Some(Answer::Word(
                    serials[sheet.parse::<usize>().unwrap() - 1].clone(),
                ));
            }
            usual(prompt, times)
        });
        done(scene.ceremony("custody-exercise.toml", &[label]));
        scene.people.at = Box::new(|_, _| None);
        let keys = scene.station.keys();
        let key = keys.iter().find(|k| k.label == label).unwrap();
        assert!(
            key.components
                .iter()
                .all(|c| c.proven_ms.is_some() && c.doubted_ms.is_none())
        );
    }
}

/// Imports the block of a key that was exported, under another label.
fn take_in(scene: &mut Scene, label: &str, new: &str) {
    let keys = scene.station.keys();
    let key = keys.iter().find(|k| k.label == label).unwrap();
    let bundle = format!("CONCLAVE-{:04}-TEST/{label}.tr31", key.exports[0].bundle);
    let block = std::fs::read_to_string(scene.room.stick.folder().join(bundle)).unwrap();
    let value = key.kcv.value.clone();
    scene.people.at = Box::new(move |prompt, _| match prompt.code.as_str() {
        "import.block" | "import.block.again" => Some(Answer::Word(block.clone())),
        "combine.first" | "combine.second" => Some(Answer::Word(value.clone())),
        _ => None,
    });
    let way = ["tr31", "CMAC", "typed by two"];
    let fields = [
        new,
        "zpk-aes128",
        "PARTNER-2.ZMK.001",
        "BANK-LAKE",
        way[0],
        way[1],
        way[2],
        "",
        "",
        "the partner's files have it under a new name",
    ];
    let title = done(scene.ceremony("import-block.toml", &fields));
    assert!(
        title.ends_with("done"),
        "{title}: {:?}",
        scene.people.refusals
    );
    scene.people.at = Box::new(|_, _| None);
    letter_of(scene, label, "PARTNER-2.ZMK.001");
}

/// The key leaves once more, as a letter on the screen.
fn letter_of(scene: &mut Scene, label: &str, under: &str) {
    let keys = scene.station.keys();
    let id = keys.iter().find(|k| k.label == label).unwrap().id;
    let fields = [under, "BANK-LAKE", "on the screen only", ""];
    scene.people.form("letter.parameters", &fields);
    done(scene.station.print_key_letter(id, &mut scene.people));
}

/// What the station keeps of the cards' own secrets, masked.
fn cards_own(scene: &Scene) -> Vec<Vec<u8>> {
    let vault = scene.station.door().vault();
    let cards = &vault.authority().unwrap().cards;
    cards
        .iter()
        .map(|entry| {
            let key = scene.station.door().management_key(entry.card).unwrap();
            key.expose().iter().map(|b| b ^ MASK).collect()
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn in_files(needles: &Needles, folder: &Path, but: &Path) -> Option<String> {
    files(folder)
        .into_iter()
        .filter(|path| !path.starts_with(but))
        .find_map(|path| {
            let found = needles.find(&std::fs::read(&path).unwrap())?;
            Some(format!("{found} in {}", path.display()))
        })
}

/// Every writable page of this process.
fn in_memory(needles: &Needles) -> Option<String> {
    // Closed even to ourselves otherwise.
    set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut looked_at = 0;
    let mut page = vec![0; 1 << 20];
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let from = u64::from_str_radix(from, 16).unwrap();
        let to = u64::from_str_radix(to, 16).unwrap();
        let mut at = from;
        while at < to {
            let want = usize::try_from(to - at).unwrap().min(page.len());
            let Ok(got) = memory.read_at(&mut page[..want], at) else {
                break;
            };
            looked_at += got;
            let found = needles.find(&page[..got]).map(|f| format!("{f} in {line}"));
            page[..got].fill(0);
            if found.is_some() {
                return found;
            }
            // Pieces that cross the border are seen with the next part.
            at += if got > 256 && at + (got as u64) < to {
                got as u64 - 256
            } else {
                got as u64
            };
            if got == 0 {
                break;
            }
        }
    }
    assert!(looked_at > 1 << 20, "the memory was not read");
    None
}

#[test]
fn no_secret_of_the_station_stays_in_a_file_or_in_memory() {
    let folder = TempDir::new().unwrap();
    let drawn = Arc::new(Mutex::new(Vec::new()));
    let random = Recorder {
        inner: conclave_station::compose::random_source().unwrap(),
        drawn: Arc::clone(&drawn),
    };
    let mut scene = Scene::open_with(folder.path(), PIN_STAFF, Box::new(random));
    furnish_with_pin_room(&mut scene);
    scene.logon(GroupId::Administrators);
    // A PUK leaves the vault for its card, and is a canary like the rest.
    done(scene.station.unblock_pin(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    let from = drawn.lock().unwrap().len();
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "3"));
    done(scene.zmk("BANK-HILL.ZMK.001", "zmk-tdes3", "2"));
    // Each sheet of the first key is typed again.
    let sheets = printed(&scene, 3);
    sheets.prove(&mut scene, "BANK-LAKE.ZMK.001");
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", "BANK-LAKE.ZMK.001"));
    done(scene.working("BANK-LAKE.HMAC.001", "hmac-sha512", "BANK-LAKE.ZMK.001"));
    done(scene.working("BANK-HILL.ZPK.001", "zpk-tdes2", "BANK-HILL.ZMK.001"));
    // A key goes to the PIN room: it is opened, and sealed to the room's key.
    done(scene.working("BANK-HILL.PVK.001", "pvk-tdes2", "BANK-HILL.ZMK.001"));
    let keys = scene.station.keys();
    let pvk = keys.iter().find(|k| k.usage == "V2").unwrap().id;
    done(scene.station.pin_room_key(pvk, &mut scene.people));
    // A key gets new components, another one shares, which prove it.
    done(scene.ceremony("reissue-components.toml", &["BANK-HILL.ZMK.001", "2"]));
    done(scene.ceremony("paper-shares.toml", &["BANK-LAKE.ZMK.001", "3", "2"]));
    let all = printed(&scene, 10);
    let shares = Sheets(Arc::new(all.0[7..].to_vec()));
    shares.prove_key(&mut scene, "BANK-LAKE.ZMK.001");
    drawn.lock().unwrap().extend(all.0.iter().cloned());
    // An RSA pair: its primes are drawn like everything else.
    let rsa = drawn.lock().unwrap().len();
    let fields = ["OUR.RSA.001", "2048", "365", "S0 signatures"];
    scene.people.form("rsa.new", &fields);
    done(scene.station.make_rsa(None, &mut scene.people));
    let prime = |masked: &Vec<u8>| masked.len() >= 128;
    assert!(drawn.lock().unwrap()[rsa..].iter().any(prime));
    // A pair leaves in components of its prime, which are proven: they are on their sheets
    // alone, and the prime is nowhere, in either order of its bytes.
    let fields = [
        "OUR.RSA.002",
        "2048",
        "365",
        "S0 signatures",
        "may leave in printed components",
    ];
    scene.people.form("rsa.new", &fields);
    done(scene.station.make_rsa(None, &mut scene.people));
    done(scene.ceremony("reissue-components.toml", &["OUR.RSA.002", "2"]));
    let parts = Sheets(Arc::new(printed(&scene, 12).0[10..].to_vec()));
    assert!(parts.0.iter().all(|part| part.len() == 128));
    parts.prove(&mut scene, "OUR.RSA.002");
    let prime = parts.sum();
    let turned = prime.iter().rev().copied().collect();
    drawn.lock().unwrap().extend(parts.0.iter().cloned());
    drawn.lock().unwrap().extend([prime, turned]);
    // A pair leaves in a key store, whose passphrase is on two sheets alone.
    let fields = [
        "OUR.TLS.001",
        "2048",
        "365",
        "S0 signatures",
        "may leave in a key store",
    ];
    scene.people.form("rsa.new", &fields);
    done(scene.station.make_rsa(None, &mut scene.people));
    let keys = scene.station.keys();
    let pair = keys.iter().find(|k| k.label == "OUR.TLS.001").unwrap().id;
    let (first, second) = ("Gus, Custodians A", "Hal, Custodians B");
    let alone = "a key store alone";
    scene.people.form(
        "store.parameters",
        &[
            alone,
            "",
            "pkcs12 jks",
            "BANK-LAKE",
            first,
            second,
            "STICK-1",
            "",
            "",
        ],
    );
    done(scene.station.hand_over(pair, &mut scene.people));
    drawn.lock().unwrap().extend(printed_halves(&scene));
    // A partner's key is typed in; another one comes to nothing.
    let good = Sheets::new(3, 32);
    let bad = Sheets::new(2, 24);
    let title = good.enter(&mut scene, "PARTNER-2.ZMK.001", "zmk-aes256", None);
    assert!(title.ends_with("done"), "{title}");
    let title = bad.enter(
        &mut scene,
        "PARTNER-3.ZMK.001",
        "zmk-aes192",
        Some("0000000000"),
    );
    assert!(title.contains("without a key"), "{title}");
    // A key goes out under it, and comes in again in its block.
    done(scene.working("PARTNER-2.ZPK.001", "zpk-aes128", "PARTNER-2.ZMK.001"));
    take_in(&mut scene, "PARTNER-2.ZPK.001", "PARTNER-2.ZPK.002");
    for sheets in [&good, &bad] {
        drawn.lock().unwrap().extend(sheets.0.iter().cloned());
        drawn.lock().unwrap().push(sheets.sum());
    }
    // The PIN room's own keys: to one issuers encrypt, one signs what goes back.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::PinOperators);
    let pairs = drawn.lock().unwrap().len();
    let identity = MakePinIdentity { generation: 1 };
    let act = scene
        .station
        .act(&identity, "certificates", &mut scene.people);
    act.unwrap();
    assert!(drawn.lock().unwrap().len() >= pairs + 2);
    // A backup is made and opened beside the station.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    done(scene.station.make_backup(&mut scene.people));
    done(scene.station.rehearse_restore(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    // The paper is in its custodians' hands; a key manager logs out.
    for printer in &scene.room.printers.0 {
        drop(printer.take_sheet());
    }
    // What was made in the ceremonies is gone while the session still stands:
    // keys, components, paddings.
    let made = Arc::new(Mutex::new(drawn.lock().unwrap()[from..].to_vec()));
    let made = needles(&made);
    assert!(made.count > 10, "{} secrets", made.count);
    assert_eq!(in_memory(&made), None, "in the open session");
    // A re-share: new secrets, shares, data and writer keys, and a new card's
    // PUK and management key.
    let from = drawn.lock().unwrap().len();
    // A card has its own management key, and a training card's is in this
    // process and in its file: those are no canaries.
    let own = replace_a_card(&mut scene, &folder);
    assert!(
        drawn.lock().unwrap().len() > from + 14,
        "keys were made anew"
    );
    let before = drawn.lock().unwrap().len();
    drawn.lock().unwrap().retain(|masked| {
        let is = |own: &Vec<u8>| own.windows(masked.len()).any(|w| w == &masked[..]);
        !own.iter().any(is)
    });
    assert_eq!(
        before - drawn.lock().unwrap().len(),
        PIN_STAFF.len() + 1,
        "one a card"
    );
    let needles = needles(&drawn);
    assert!(needles.count > 20, "{} secrets", needles.count);
    assert_eq!(in_memory(&needles), None, "after logout");
    assert_eq!(in_files(&needles, folder.path(), Path::new("/none")), None);

    // Logged on and out again, and the station closed.
    scene.logon(GroupId::KeyManagers);
    scene.logon(GroupId::Approvers);
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::PinOperators);
    scene.station.logout("logged out").unwrap();
    assert_eq!(in_memory(&needles), None, "after the second logout");
    drop(scene);
    assert_eq!(in_memory(&needles), None, "after the end");

    // Everybody's PIN, as typed.
    let mut pins = Needles::default();
    pins.text("the PIN", "digits", PIN.iter().copied());
    assert_eq!(in_files(&pins, folder.path(), Path::new("/none")), None);

    // And the search does find.
    let planted = folder.path().join("planted");
    let upper =
        |masked: &[u8]| -> String { masked.iter().map(|b| format!("{:02X}", b ^ MASK)).collect() };
    // One whose first digits are not the same in lower case.
    let lettered = |masked: &&Vec<u8>| {
        let mut first = masked[..PIECE].iter().map(|b| b ^ MASK);
        first.any(|b| b >> 4 > 9 || b & 15 > 9)
    };
    let masked = drawn.lock().unwrap().iter().find(lettered).unwrap().clone();
    std::fs::write(&planted, format!("key {}", upper(&masked))).unwrap();
    let found = in_files(&needles, folder.path(), Path::new("/none")).unwrap();
    assert!(
        found.contains("upper hex") && found.contains("planted"),
        "{found}"
    );
    assert_eq!(in_files(&needles, folder.path(), &planted), None);
    let left = upper(&masked);
    assert!(in_memory(&needles).is_some_and(|f| f.contains("upper hex")));
    drop(left);
    let left: Vec<u8> = masked.iter().map(|b| b ^ MASK).collect();
    assert!(in_memory(&needles).is_some_and(|f| f.contains("raw")));
    drop(left);
    assert_eq!(in_memory(&needles), None, "freed is wiped");
}

/// Dan gets a new card; gives what the station keeps of all cards' own secrets.
fn replace_a_card(scene: &mut Scene, folder: &TempDir) -> Vec<Vec<u8>> {
    let label = CardLabel {
        number: 90,
        name: String::new(),
    };
    let random = conclave_station::compose::random_source().unwrap();
    let card = TrainingCard::create(&folder.path().join("spare"), label, random).unwrap();
    scene.people.give("Dan", card);
    scene.logon(GroupId::Administrators);
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Choose { options } => {
            let at = options.iter().position(|o| o.label == "Dan");
            at.map(Answer::Chosen)
        }
        _ => None,
    });
    let change = conclave_station::renew::Change::ReplaceCard;
    done(scene.station.change_group(change, &mut scene.people));
    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::Administrators);
    let own = cards_own(scene);
    scene.station.logout("logged out").unwrap();
    own
}

/// A word without bold and wide around it.
fn unstyled(mut word: &[u8]) -> &[u8] {
    for style in [&b"\x1bE"[..], b"\x1bW1"] {
        word = word.strip_prefix(style).unwrap_or(word);
    }
    for style in [&b"\x1bF"[..], b"\x1bW0", b"\x1bF"] {
        word = word.strip_suffix(style).unwrap_or(word);
    }
    word
}

/// The halves of a passphrase in the component printer, masked.
fn printed_halves(scene: &Scene) -> Vec<Vec<u8>> {
    let bytes = scene.room.printers.0[0].bytes();
    let mark = b"THE HALF: ";
    let pages: Vec<usize> = bytes
        .expose()
        .windows(mark.len())
        .enumerate()
        .filter_map(|(at, w)| (w == mark).then_some(at))
        .collect();
    let plain = |b: &u8| b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains(b);
    let half = |from: &usize| -> Vec<u8> {
        let words = bytes.expose()[*from..].split(u8::is_ascii_whitespace);
        let groups = words
            .map(unstyled)
            .filter(|word| word.len() == 4 && word.iter().all(plain));
        groups.take(7).flatten().map(|b| b ^ MASK).collect()
    };
    let halves: Vec<Vec<u8>> = pages.iter().map(half).collect();
    assert!(halves.len() == 2 && halves.iter().all(|h| h.len() == 28));
    halves
}

/// The value on a line printer's sheet, masked.
fn value(sheet: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(sheet);
    let hex: String = text
        .lines()
        .filter(|line| line.contains("   check "))
        .flat_map(|line| line.split_whitespace())
        .filter(|w| w.len() == 4 && w.bytes().all(|b| b"0123456789ABCDEF".contains(&b)))
        .collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap() ^ MASK)
        .collect()
}

#[test]
fn the_demonstration_tells_no_secret_outside_of_its_paper() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let pty = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_conclave"));
    command.args(["demo", "--out", out.to_str().unwrap()]);
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().unwrap();
    let told = std::thread::spawn(move || {
        let mut told = Vec::new();
        // A terminal that is gone ends with an error, not with nothing.
        let _ = reader.read_to_end(&mut told);
        told
    });
    let process = PathBuf::from(format!("/proc/{}", child.process_id().unwrap()));
    // Between fork and exec there is nothing to see yet.
    let seen = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let read = |name| std::fs::read(process.join(name)).unwrap_or_default();
        let line = read("cmdline");
        let begun = line.windows(4).any(|w| w == b"demo");
        begun.then(|| [line, read("environ")].concat())
    });
    let seen = seen.expect("the command line was not seen");
    assert!(child.wait().unwrap().success());
    let told = told.join().unwrap();
    assert!(told.len() > 1000, "the terminal was not captured");

    let paper = out.join("paper");
    let mut needles = Needles::default();
    let mut zones: HashMap<String, Vec<u8>> = HashMap::new();
    for path in files(&paper) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Halves of passphrases are another test's, above: these lie on either
        // printer, and no zone master key is made of them.
        if name.starts_with("TEST-STORE-") {
            continue;
        }
        if let Some(stem) = name.strip_suffix(".escp") {
            let masked = value(&std::fs::read(&path).unwrap());
            assert!([16, 24, 32].contains(&masked.len()), "{name}");
            needles.secret(&masked, stem);
            if stem.contains("-share-") {
                continue;
            }
            let label = stem.rsplit_once('-').unwrap().0.to_owned();
            let sum = zones
                .entry(label)
                .or_insert_with(|| vec![MASK; masked.len()]);
            for (a, b) in sum.iter_mut().zip(&masked) {
                *a ^= b ^ MASK;
            }
        }
    }
    assert_eq!((needles.count, zones.len()), (29, 12));
    for (label, masked) in &zones {
        needles.secret(masked, label);
    }
    assert_eq!(needles.find(&told), None);
    assert_eq!(needles.find(&seen), None);
    assert_eq!(in_files(&needles, &out, &paper), None);
    // With the paper, everything is found.
    assert!(in_files(&needles, &out, Path::new("/none")).is_some());
}

/// A station at work; ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_station_is_closed_to_others() {
    let folder = TempDir::new().unwrap();
    // As the superuser, the station runs as nobody, so that what follows is
    // refused for the station's own reasons.
    let root = rustix::process::getuid().is_root();
    let as_nobody = |program: &str| {
        let mut command = Command::new(if root { "setpriv" } else { program });
        if root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        command
    };
    if root {
        std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).unwrap();
    }
    let running = Running(
        as_nobody(env!("CARGO_BIN_EXE_conclave"))
            .args(["demo", "--out"])
            .arg(folder.path().join("out"))
            .stdout(Stdio::null())
            .spawn()
            .expect("setpriv is part of util-linux"),
    );
    let process = PathBuf::from(format!("/proc/{}", running.0.id()));
    let read = |name: &str| std::fs::read_to_string(process.join(name)).unwrap();
    let core = || {
        let limits = read("limits");
        let line = limits.lines().find(|l| l.starts_with("Max core file size"));
        let words: Vec<String> = line
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        words[4..6].to_vec()
    };
    let hardened = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        core() == ["0", "0"]
    });
    assert!(hardened, "a core file is possible");
    std::thread::sleep(Duration::from_millis(300));
    let status = read("status");
    let locked: u64 = status
        .lines()
        .find_map(|l| l.strip_prefix("VmLck:"))
        .and_then(|l| l.trim().strip_suffix(" kB"))
        .and_then(|l| l.trim().parse().ok())
        .unwrap();
    assert!(locked > 0, "no memory is locked: {status}");
    // Not dumpable: what /proc shows of it belongs to the superuser, and
    // neither reading nor tracing is for its own user.
    let mem = process.join("mem");
    assert_eq!(std::fs::metadata(&mem).unwrap().uid(), 0);
    let read = as_nobody("cat").arg(&mem).output().unwrap();
    assert!(!read.status.success());
    assert!(String::from_utf8_lossy(&read.stderr).contains("denied"));
    let pid = running.0.id().to_string();
    let traced = as_nobody("strace")
        .args(["-p", &pid])
        .output()
        .expect("strace: run ./scripts/test, which installs it");
    let told = String::from_utf8_lossy(&traced.stderr).to_lowercase();
    assert!(told.contains("not permitted"), "{told}");
}
