//! What each command does: SP 800-73-4 part 2, and SET MANAGEMENT KEY.

use std::path::Path;

use conclave_crypto::secret::RandomSource;
use conclave_keyroom::piv::{FACTORY_PUK, tlv};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::command::{Command, Link, Outcome, Received, Status};
use super::crypto::{self, AES_256, P256, PinHash, TDES};
use super::state::{CardFile, CardFileError, CardLabel, Management, Reference, State};

const AID: [u8; 11] = [0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0];
/// AID without its version: the least that selects it.
const AID_LEAST: usize = 9;
const FACTORY_PIN: &[u8; 8] = b"123456\xFF\xFF";
/// Largest object, bytes.
const OBJECT_MOST: usize = 3 * 1024;

const PIN: u8 = 0x80;
const PUK: u8 = 0x81;
const MANAGEMENT: u8 = 0x9B;
const SIGNATURE: u8 = 0x9C;
const SLOTS: [u8; 3] = [0x9A, SIGNATURE, 0x9D];

/// What holds until reset or power-off.
#[derive(Default)]
struct Session {
    selected: bool,
    pin_verified: bool,
    /// The command before this one was a successful VERIFY.
    pin_fresh: bool,
    managed: bool,
    asked: Option<Asked>,
}

/// What a management authentication waits for.
enum Asked {
    /// The witness, decrypted.
    Witness(Zeroizing<Vec<u8>>),
    /// The challenge, encrypted.
    Response(Zeroizing<Vec<u8>>),
}

/// One card: state, its file, and the session.
pub(super) struct Applet {
    file: CardFile,
    state: State,
    random: Box<dyn RandomSource>,
    link: Link,
    session: Session,
}

impl Applet {
    /// A new card as delivered: factory PIN, PUK and management key, no keys,
    /// no CHUID.
    pub fn create(
        path: &Path,
        label: CardLabel,
        mut random: Box<dyn RandomSource>,
    ) -> Result<Self, CardFileError> {
        let made = |_: Status| CardFileError::Make;
        let pin = PinHash::new(FACTORY_PIN, random.as_mut()).map_err(made)?;
        let puk = PinHash::new(FACTORY_PUK, random.as_mut()).map_err(made)?;
        let management = Management {
            algorithm: TDES,
            key: (0..24).map(|at| at % 8 + 1).collect(),
        };
        let state = State::new(label, pin, puk, management);
        let file = CardFile::new(path);
        file.create(&state)?;
        Ok(Self::with(file, state, random))
    }

    /// A card that was made before.
    pub fn open(path: &Path, random: Box<dyn RandomSource>) -> Result<Self, CardFileError> {
        let file = CardFile::new(path);
        let state = file.load()?;
        Ok(Self::with(file, state, random))
    }

    fn with(file: CardFile, state: State, random: Box<dyn RandomSource>) -> Self {
        Self {
            file,
            state,
            random,
            link: Link::default(),
            session: Session::default(),
        }
    }

    pub fn label(&self) -> &CardLabel {
        &self.state.label
    }

    /// Power off, power on: everything volatile is gone.
    pub fn reset(&mut self) {
        self.link = Link::default();
        self.session = Session::default();
    }

    /// One APDU in, one out.
    pub fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        match self.link.receive(apdu) {
            Received::Answer(answer) => answer,
            Received::Run(command) => {
                let outcome = self.run(&command);
                self.link.answer(outcome)
            }
        }
    }

    fn run(&mut self, command: &Command) -> Outcome {
        let fresh = std::mem::take(&mut self.session.pin_fresh);
        let asked = self.session.asked.take();
        let data = &command.data[..];
        if (command.instruction, command.p1, command.p2) == (0xA4, 0x04, 0x00) {
            return self.select(data);
        }
        if !self.session.selected {
            return Err(Status::BAD_INSTRUCTION);
        }
        match (command.instruction, command.p1, command.p2) {
            (0x20, p1, p2) => self.verify(p1, p2, data),
            (0x24, 0x00, p2) => self.change_reference(p2, data),
            (0x2C, 0x00, PIN) => self.reset_retry_counter(data),
            (0x47, 0x00, slot) => self.generate(slot, data),
            (0x87, algorithm, MANAGEMENT) => self.authenticate(algorithm, data, asked),
            (0x87, algorithm, slot) => self.use_key(algorithm, slot, data, fresh),
            (0xCB, 0x3F, 0xFF) => self.get_data(data),
            (0xDB, 0x3F, 0xFF) => self.put_data(data),
            (0xFF, 0xFF, 0xFE | 0xFF) => self.set_management_key(data),
            (0x24 | 0x2C | 0x47 | 0xA4 | 0xCB | 0xDB | 0xFF, _, _) => Err(Status::BAD_P1_P2),
            _ => Err(Status::BAD_INSTRUCTION),
        }
    }

    fn select(&mut self, aid: &[u8]) -> Outcome {
        if aid.len() < AID_LEAST || !AID.starts_with(aid) {
            return Err(Status::NOT_FOUND);
        }
        self.session.selected = true;
        let mut algorithms = tlv::object(0x80, &[TDES]);
        tlv::put(&mut algorithms, 0x80, &[AES_256]);
        tlv::put(&mut algorithms, 0x80, &[P256]);
        tlv::put(&mut algorithms, 0x06, &[0x00]);
        let mut properties = tlv::object(0x4F, &AID[5..]);
        tlv::put(&mut properties, 0x79, &tlv::object(0x4F, &AID[..5]));
        tlv::put(&mut properties, 0x50, b"Conclave training card");
        tlv::put(&mut properties, 0xAC, &algorithms);
        Ok(tlv::object(0x61, &properties))
    }

    fn verify(&mut self, p1: u8, p2: u8, data: &[u8]) -> Outcome {
        if p2 != PIN {
            return Err(Status::REFERENCE_NOT_FOUND);
        }
        match (p1, data.len()) {
            (0x00, 0) if self.session.pin_verified => nothing(),
            (0x00, 0) => Err(match self.state.pin.left {
                0 => Status::BLOCKED,
                left => Status::tries(left),
            }),
            (0x00, 8) => {
                self.session.pin_verified = false;
                self.check(PIN, data)?;
                self.session.pin_verified = true;
                self.session.pin_fresh = true;
                nothing()
            }
            (0xFF, 0) => {
                self.session.pin_verified = false;
                nothing()
            }
            (0x00 | 0xFF, _) => Err(Status::BAD_DATA),
            _ => Err(Status::BAD_P1_P2),
        }
    }

    fn change_reference(&mut self, reference: u8, data: &[u8]) -> Outcome {
        if !matches!(reference, PIN | PUK) {
            return Err(Status::REFERENCE_NOT_FOUND);
        }
        let (old, new) = two_fields(data)?;
        if reference == PIN && !is_pin(new) {
            return Err(Status::BAD_DATA);
        }
        if reference == PIN {
            self.session.pin_verified = false;
        }
        self.check(reference, old)?;
        self.replace(reference, new)?;
        if reference == PIN {
            self.session.pin_verified = true;
        }
        nothing()
    }

    fn reset_retry_counter(&mut self, data: &[u8]) -> Outcome {
        let (puk, new) = two_fields(data)?;
        if !is_pin(new) {
            return Err(Status::BAD_DATA);
        }
        self.session.pin_verified = false;
        self.check(PUK, puk)?;
        self.replace(PIN, new)?;
        nothing()
    }

    /// Compares, and counts the try on disk before the comparison: pulling
    /// the card gains nobody a try.
    fn check(&mut self, reference: u8, field: &[u8]) -> Result<(), Status> {
        let mut state = self.state.clone();
        let checked = pick(&mut state, reference);
        checked.left = checked.left.checked_sub(1).ok_or(Status::BLOCKED)?;
        self.keep(state.clone())?;
        let checked = pick(&mut state, reference);
        if !checked.hash.fits(field)? {
            return Err(Status::tries(checked.left));
        }
        checked.left = Reference::TRIES;
        self.keep(state)
    }

    fn replace(&mut self, reference: u8, field: &[u8]) -> Result<(), Status> {
        let hash = PinHash::new(field, self.random.as_mut())?;
        let mut state = self.state.clone();
        *pick(&mut state, reference) = Reference {
            hash,
            left: Reference::TRIES,
        };
        self.keep(state)
    }

    fn keep(&mut self, state: State) -> Result<(), Status> {
        self.file
            .store(&state)
            .map_err(|_| Status::MEMORY_FAILURE)?;
        self.state = state;
        Ok(())
    }

    fn managed(&self) -> Result<(), Status> {
        if self.session.managed {
            Ok(())
        } else {
            Err(Status::SECURITY_STATUS)
        }
    }

    fn generate(&mut self, slot: u8, data: &[u8]) -> Outcome {
        self.managed()?;
        if !SLOTS.contains(&slot) {
            return Err(Status::BAD_P1_P2);
        }
        let algorithm = tlv::find(0xAC, data).and_then(|template| tlv::find(0x80, template));
        if algorithm != Some(&[P256]) {
            return Err(Status::BAD_DATA);
        }
        let (scalar, point) = crypto::generate(self.random.as_mut())?;
        let mut state = self.state.clone();
        state.keys.insert(slot, scalar);
        self.keep(state)?;
        Ok(tlv::object(0x7F49, &tlv::object(0x86, &point)))
    }

    /// Management authentication, both forms: appendix A.1.
    fn authenticate(&mut self, algorithm: u8, data: &[u8], asked: Option<Asked>) -> Outcome {
        let management = &self.state.management;
        if algorithm != management.algorithm {
            return Err(Status::BAD_P1_P2);
        }
        let template = tlv::only(0x7C, data).ok_or(Status::BAD_DATA)?;
        let witness = tlv::find(0x80, template);
        let challenge = tlv::find(0x81, template);
        let response = tlv::find(0x82, template);
        let answer = |tag, value: &[u8]| Ok(tlv::object(0x7C, &tlv::object(tag, value)));
        match (witness, challenge, response, asked) {
            (Some([]), None, None, _) => {
                let mut block = Zeroizing::new(vec![0; management.block_length()]);
                crypto::fill(self.random.as_mut(), &mut block)?;
                let encrypted = management.encrypt(&block)?;
                self.session.asked = Some(Asked::Witness(block));
                answer(0x80, &encrypted)
            }
            (None, Some([]), None, _) => {
                let mut block = Zeroizing::new(vec![0; management.block_length()]);
                crypto::fill(self.random.as_mut(), &mut block)?;
                self.session.asked = Some(Asked::Response(management.encrypt(&block)?));
                answer(0x81, &block)
            }
            (Some(witness), Some(challenge), None, Some(Asked::Witness(expected))) => {
                if challenge.len() != management.block_length()
                    || !bool::from(witness.ct_eq(&expected))
                {
                    return Err(Status::SECURITY_STATUS);
                }
                let encrypted = management.encrypt(challenge)?;
                self.session.managed = true;
                answer(0x82, &encrypted)
            }
            (None, None, Some(response), Some(Asked::Response(expected))) => {
                if !bool::from(response.ct_eq(&expected)) {
                    return Err(Status::SECURITY_STATUS);
                }
                self.session.managed = true;
                nothing()
            }
            (_, _, _, None) => Err(Status::CONDITIONS),
            _ => Err(Status::BAD_DATA),
        }
    }

    fn use_key(&mut self, algorithm: u8, slot: u8, data: &[u8], fresh: bool) -> Outcome {
        if !SLOTS.contains(&slot) {
            return Err(Status::BAD_P1_P2);
        }
        let allowed = self.session.pin_verified && (fresh || slot != SIGNATURE);
        if !allowed {
            return Err(Status::SECURITY_STATUS);
        }
        if algorithm != P256 {
            return Err(Status::BAD_P1_P2);
        }
        let template = tlv::only(0x7C, data).ok_or(Status::BAD_DATA)?;
        if tlv::find(0x82, template) != Some(&[]) {
            return Err(Status::BAD_DATA);
        }
        let key = self.state.keys.get(&slot).ok_or(Status::CONDITIONS)?;
        let value = match (tlv::find(0x81, template), tlv::find(0x85, template)) {
            (Some(digest), None) => Zeroizing::new(crypto::sign(key, digest)?),
            (None, Some(point)) => crypto::agree(key, point)?,
            _ => return Err(Status::BAD_DATA),
        };
        Ok(tlv::object(0x7C, &tlv::object(0x82, &value)))
    }

    fn get_data(&self, data: &[u8]) -> Outcome {
        let object = tlv::only(0x5C, data).ok_or(Status::BAD_DATA)?;
        let object = object_number(object)?;
        let content = self.state.objects.get(&object).ok_or(Status::NOT_FOUND)?;
        Ok(tlv::object(0x53, content))
    }

    fn put_data(&mut self, data: &[u8]) -> Outcome {
        self.managed()?;
        let list = tlv::take(data).filter(|it| it.tag == 0x5C);
        let list = list.ok_or(Status::BAD_DATA)?;
        let object = object_number(list.value)?;
        let content = tlv::only(0x53, list.rest).ok_or(Status::BAD_DATA)?;
        if content.len() > OBJECT_MOST {
            return Err(Status::NO_SPACE);
        }
        let mut state = self.state.clone();
        if content.is_empty() {
            state.objects.remove(&object);
        } else {
            state.objects.insert(object, content.to_vec().into());
        }
        self.keep(state)?;
        nothing()
    }

    fn set_management_key(&mut self, data: &[u8]) -> Outcome {
        self.managed()?;
        let (head, key) = data.split_first_chunk::<3>().ok_or(Status::BAD_DATA)?;
        let [algorithm, reference, length] = *head;
        let wanted = Management::key_length(algorithm).ok_or(Status::BAD_DATA)?;
        if reference != MANAGEMENT || usize::from(length) != wanted || key.len() != wanted {
            return Err(Status::BAD_DATA);
        }
        let mut state = self.state.clone();
        state.management = Management {
            algorithm,
            key: key.to_vec(),
        };
        self.keep(state)?;
        nothing()
    }
}

fn nothing() -> Outcome {
    Ok(Zeroizing::default())
}

fn pick(state: &mut State, reference: u8) -> &mut Reference {
    if reference == PUK {
        &mut state.puk
    } else {
        &mut state.pin
    }
}

fn two_fields(data: &[u8]) -> Result<(&[u8], &[u8]), Status> {
    if data.len() != 16 {
        return Err(Status::BAD_DATA);
    }
    Ok(data.split_at(8))
}

/// Part 2, section 2.4.3: 6 to 8 digits, filled up with FF.
fn is_pin(field: &[u8]) -> bool {
    let digits = field.iter().take_while(|it| it.is_ascii_digit()).count();
    digits >= 6 && field[digits..].iter().all(|it| *it == 0xFF)
}

/// The objects the card has room for: all of `5FC101` to `5FC120`.
fn object_number(object: &[u8]) -> Result<u8, Status> {
    match object {
        [0x5F, 0xC1, number @ 0x01..=0x20] => Ok(*number),
        _ => Err(Status::NOT_FOUND),
    }
}
