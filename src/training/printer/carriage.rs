//! The mechanics of a printer of numbered forms: a memory of two forms, a head
//! that prints line after line, and what hands do to it.
//!
//! Pure but for the ledger: the threads around it give it bytes and time. What it
//! does wrong, it does as an impact printer does: a jam stops it inside a form, and
//! what its memory held is lost with the reset that clears the jam; when the forms
//! run out, the memory waits and comes out on the next reel; a form feed too many
//! leaves a form without a mailer.

use conclave_crypto::secret::Secret;

use super::forms::{Ledger, MOST_SHEETS, Sheet, State};
use super::paper::escape_len;

/// Bytes of the printer's memory: about two PIN mailers.
pub const MEMORY: usize = 2048;

/// Lines that a form takes the time of.
pub const FORM_LINES: u16 = 24;

/// Why the printer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The paper is jammed at the head.
    Jam,
    /// The last form of the reel went through.
    NoPaper,
    /// It is switched off.
    Off,
}

/// What hands do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The paper jams, in the form at hand.
    Jam,
    /// The form at hand is the last of its reel.
    RunOut,
    /// Somebody switches it off.
    SwitchOff,
    /// A form goes through without a mailer.
    Feed,
    /// The form at hand is torn out, and the printer is switched off and on.
    ClearJam,
    /// It is switched on.
    SwitchOn,
    /// A reel is laid in: its first form.
    Load(u64),
}

/// What is seen of the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Why it stands.
    pub trouble: Option<Trouble>,
    /// Something is printed on the form under its head, or would be.
    pub busy: bool,
    /// Nothing more has come for that form: it waits for the rest.
    pub waits: bool,
    /// The form under its head.
    pub lies: u64,
    /// The forms in the tray and under the head, the oldest first: number, state, and
    /// which mailer stands outside.
    pub forms: Vec<(u64, State, String)>,
}

/// The mechanics.
pub struct Carriage {
    memory: Secret,
    held: usize,
    /// Bytes that it ever took.
    taken: u64,
    /// How often its memory was lost.
    resets: u64,
    sheets: Vec<Sheet>,
    /// The form under the head.
    next: u64,
    /// Something is printed on it.
    begun: bool,
    /// Lines of it.
    lines: u16,
    trouble: Option<Trouble>,
    /// Forms that go through without a mailer when the one at hand is done.
    skip: u16,
    /// The form at hand is the last.
    last: bool,
    ledger: Ledger,
    /// Nobody holds the printer any more.
    over: bool,
}

impl Carriage {
    /// With the forms that the ledger remembers.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        let (next, sheets) = ledger.read();
        Self {
            memory: Secret::zeroed(MEMORY),
            held: 0,
            taken: 0,
            resets: 0,
            sheets,
            next,
            begun: false,
            lines: 0,
            trouble: None,
            skip: 0,
            last: false,
            ledger,
            over: false,
        }
    }

    /// Bytes that it would take now.
    #[must_use]
    pub fn room(&self) -> usize {
        match self.trouble {
            Some(_) => 0,
            None => MEMORY - self.held,
        }
    }

    /// Takes bytes, at most [`Carriage::room`].
    pub fn take(&mut self, bytes: &[u8]) {
        let end = self.held + bytes.len();
        if let Some(place) = self.memory.expose_mut().get_mut(self.held..end) {
            place.copy_from_slice(bytes);
            self.held = end;
            self.taken += bytes.len() as u64;
        }
    }

    /// Bytes that it ever took, and how often its memory was lost.
    #[must_use]
    pub fn came(&self) -> (u64, u64) {
        (self.taken, self.resets)
    }

    /// Prints what is next, a line or the way to the next form, and says how many
    /// lines of time that takes; nothing where nothing is to be done.
    pub fn step(&mut self) -> Option<u16> {
        if self.trouble.is_some() {
            return None;
        }
        let held = self.memory.expose().get(..self.held)?;
        let count = unit(held)?;
        if !self.begun {
            self.begin();
        }
        let bytes = self.memory.expose().get(..count)?;
        let fed = bytes.last() == Some(&0x0C);
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.print(bytes);
        }
        let rest = self.held - count;
        let memory = self.memory.expose_mut();
        memory.copy_within(count..count + rest, 0);
        if let Some(free) = memory.get_mut(rest..) {
            free.fill(0);
        }
        self.held = rest;
        if !fed {
            self.lines = self.lines.saturating_add(1);
            return Some(1);
        }
        let left = FORM_LINES.saturating_sub(self.lines).max(1);
        self.end(State::Whole);
        Some(left)
    }

    fn begin(&mut self) {
        self.begun = true;
        self.lines = 0;
        self.add(Sheet::new(self.next, State::UnderHead));
        // From now on the next blank one is the one behind it, whatever happens.
        self.ledger.keep(self.next.saturating_add(1), &self.sheets);
    }

    fn add(&mut self, sheet: Sheet) {
        if self.sheets.len() == MOST_SHEETS {
            drop(self.sheets.remove(0));
        }
        self.sheets.push(sheet);
    }

    /// The form at hand is out.
    fn end(&mut self, state: State) {
        if let Some(sheet) = self.sheets.last_mut().filter(|_| self.begun) {
            sheet.look_outside();
            sheet.state = state;
        }
        self.begun = false;
        self.next = self.next.saturating_add(1);
        while self.skip > 0 {
            self.skip -= 1;
            self.feed();
        }
        if std::mem::take(&mut self.last) {
            self.trouble = Some(Trouble::NoPaper);
        }
        self.ledger.keep(self.next, &self.sheets);
    }

    fn feed(&mut self) {
        self.add(Sheet::new(self.next, State::Blank));
        self.next = self.next.saturating_add(1);
    }

    /// Its memory has something that it prints, or would where it does not stand.
    fn has_more(&self) -> bool {
        let held = self.memory.expose().get(..self.held);
        unit(held.unwrap_or_default()).is_some()
    }

    fn busy(&self) -> bool {
        self.begun || self.has_more()
    }

    /// Its memory is lost.
    fn reset(&mut self) {
        self.memory.expose_mut().fill(0);
        self.held = 0;
        self.skip = 0;
        self.last = false;
        self.resets += 1;
    }

    /// The form under the head is taken out as it is.
    fn tear(&mut self) {
        if !self.begun {
            self.begin();
        }
        self.end(State::Torn);
    }

    /// What hands can do to it as it stands now.
    #[must_use]
    pub fn can(&self) -> Vec<Hand> {
        match self.trouble {
            Some(Trouble::Jam) => vec![Hand::ClearJam, Hand::SwitchOff],
            Some(Trouble::NoPaper) => vec![Hand::Load(self.next), Hand::SwitchOff],
            Some(Trouble::Off) => vec![Hand::SwitchOn],
            None => {
                let mut can = vec![Hand::Jam, Hand::RunOut, Hand::SwitchOff, Hand::Feed];
                if !self.busy() {
                    can.push(Hand::Load(self.next));
                }
                can
            }
        }
    }

    /// Hands do something to it; what cannot be done as it stands now is not done.
    pub fn hand(&mut self, hand: Hand) {
        let same = |can: &Hand| std::mem::discriminant(can) == std::mem::discriminant(&hand);
        if !self.can().iter().any(same) {
            return;
        }
        match hand {
            Hand::Jam => self.trouble = Some(Trouble::Jam),
            Hand::RunOut if self.busy() => self.last = true,
            Hand::RunOut => self.trouble = Some(Trouble::NoPaper),
            Hand::SwitchOff => {
                self.reset();
                // What is half printed, or jammed, comes out when it is on again.
                if self.begun || self.trouble == Some(Trouble::Jam) {
                    self.tear();
                }
                self.trouble = Some(Trouble::Off);
            }
            Hand::Feed if self.has_more() => self.skip = self.skip.saturating_add(1),
            // A form of which the rest never came goes out as it is.
            Hand::Feed if self.begun => self.end(State::Torn),
            Hand::Feed => self.feed(),
            Hand::ClearJam => {
                self.reset();
                self.tear();
                self.trouble = None;
            }
            Hand::SwitchOn => self.trouble = None,
            Hand::Load(first) => {
                self.next = first;
                self.trouble = None;
            }
        }
        let ahead = u64::from(self.begun);
        self.ledger
            .keep(self.next.saturating_add(ahead), &self.sheets);
    }

    /// What is seen of it.
    #[must_use]
    pub fn look(&self) -> Look {
        Look {
            trouble: self.trouble,
            busy: self.busy(),
            waits: self.begun && !self.has_more(),
            lies: self.next,
            forms: self
                .sheets
                .iter()
                .map(|s| (s.number, s.state, s.mailer.clone()))
                .collect(),
        }
    }

    /// The forms in the tray and under the head, the oldest first.
    #[must_use]
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Takes the forms out that are through.
    pub fn take_out(&mut self) -> Vec<Sheet> {
        let keep = self.sheets.len() - usize::from(self.begun);
        let rest = self.sheets.split_off(keep);
        let out = std::mem::replace(&mut self.sheets, rest);
        let ahead = u64::from(self.begun);
        self.ledger
            .keep(self.next.saturating_add(ahead), &self.sheets);
        out
    }

    /// Nobody holds the printer any more.
    pub fn close(&mut self) {
        self.over = true;
    }

    /// Whether nobody holds it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }
}

/// How many bytes are printed at a time: up to the end of a line or of the form.
fn unit(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' | 0x0C => return Some(at + 1),
            0x1B => at += escape_len(bytes.get(at..).unwrap_or_default()),
            _ => at += 1,
        }
    }
    // What has no lines is printed when there is no room for more of it.
    (bytes.len() == MEMORY).then_some(MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carriage() -> Carriage {
        Carriage::new(Ledger::at("/dev/null/no-such-folder/forms".into()))
    }

    fn mailer(number: u32) -> Vec<u8> {
        let mut bytes = b"\x1b@\x1bC\x0c\x1bP1 2 3 4\r\n".to_vec();
        bytes.extend(format!("    {number} of 24\r\n").bytes());
        bytes.extend(b"end\r\x0c\x1b@");
        bytes
    }

    fn run(carriage: &mut Carriage) {
        while carriage.step().is_some() {}
    }

    fn seen(carriage: &Carriage) -> Vec<(u64, State, String)> {
        carriage.look().forms
    }

    #[test]
    fn a_jam_leaves_half_a_form_and_what_the_memory_held_is_lost() {
        let mut carriage = carriage();
        for number in 1..=3 {
            carriage.take(&mailer(number));
        }
        while carriage.look().lies == 1 {
            assert!(carriage.step().is_some());
        }
        carriage.step();
        carriage.hand(Hand::Jam);
        assert_eq!((carriage.step(), carriage.room()), (None, 0));
        let whole = (1, State::Whole, "1 of 24".to_owned());
        assert_eq!(
            seen(&carriage),
            [whole.clone(), (2, State::UnderHead, String::new())]
        );
        carriage.hand(Hand::ClearJam);
        run(&mut carriage);
        assert_eq!(seen(&carriage), [whole, (2, State::Torn, String::new())]);
        assert_eq!((carriage.look().lies, carriage.came().1), (3, 1));
        assert!(carriage.memory.expose().iter().all(|byte| *byte == 0));
        // A jam before anything is printed spoils the form that lies there.
        carriage.hand(Hand::Jam);
        carriage.hand(Hand::ClearJam);
        assert_eq!(seen(&carriage)[2], (3, State::Torn, String::new()));
    }

    #[test]
    fn when_the_forms_run_out_the_memory_comes_out_on_the_next_reel() {
        let mut carriage = carriage();
        carriage.take(&mailer(1));
        carriage.take(&mailer(2));
        carriage.step();
        carriage.hand(Hand::RunOut);
        run(&mut carriage);
        assert_eq!(carriage.look().trouble, Some(Trouble::NoPaper));
        assert_eq!(carriage.look().lies, 2);
        carriage.hand(Hand::Load(201));
        run(&mut carriage);
        assert_eq!(seen(&carriage)[1], (201, State::Whole, "2 of 24".into()));
    }

    #[test]
    fn a_form_feed_leaves_a_form_without_a_mailer() {
        let mut carriage = carriage();
        carriage.take(&mailer(1));
        carriage.take(&mailer(2));
        carriage.step();
        carriage.hand(Hand::Feed);
        run(&mut carriage);
        carriage.hand(Hand::Feed);
        assert_eq!(
            seen(&carriage),
            [
                (1, State::Whole, "1 of 24".into()),
                (2, State::Blank, String::new()),
                (3, State::Whole, "2 of 24".into()),
                (4, State::Blank, String::new()),
            ]
        );
    }

    #[test]
    fn half_a_mailer_waits_for_its_rest_until_it_is_fed_out() {
        let mut carriage = carriage();
        let whole = mailer(1);
        carriage.take(&whole[..whole.len() - 7]);
        run(&mut carriage);
        let look = carriage.look();
        assert!(look.busy && look.waits);
        carriage.hand(Hand::Feed);
        assert_eq!(seen(&carriage), [(1, State::Torn, "1 of 24".into())]);
        let look = carriage.look();
        assert!(!look.busy && !look.waits && look.lies == 2);
    }

    #[test]
    fn switched_off_it_forgets_and_what_cannot_be_done_is_not_done() {
        let mut carriage = carriage();
        carriage.take(&mailer(1));
        carriage.step();
        // No reel is changed under a form.
        carriage.hand(Hand::Load(50));
        carriage.hand(Hand::SwitchOn);
        carriage.hand(Hand::ClearJam);
        assert_eq!((carriage.look().lies, carriage.came().1), (1, 0));
        carriage.hand(Hand::SwitchOff);
        assert_eq!(carriage.can(), [Hand::SwitchOn]);
        carriage.hand(Hand::SwitchOn);
        run(&mut carriage);
        assert_eq!(seen(&carriage), [(1, State::Torn, String::new())]);
        assert_eq!(carriage.look().lies, 2);
        carriage.hand(Hand::Load(50));
        assert_eq!(carriage.look().lies, 50);
        assert_eq!(carriage.take_out().len(), 1);
        assert!(seen(&carriage).is_empty());
    }

    #[test]
    fn bytes_without_lines_are_printed_when_the_memory_is_full() {
        let mut carriage = carriage();
        carriage.take(&[b'x'; MEMORY - 1]);
        assert_eq!(carriage.step(), None);
        carriage.take(b"\x1b");
        assert_eq!(carriage.room(), 0);
        assert!(carriage.step().is_some());
        assert_eq!(carriage.room(), MEMORY);
    }
}
