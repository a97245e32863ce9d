//! Continuous health tests on a random source (R1).
//!
//! The operating system's generator tests its own noise; these tests are the
//! last look at what reaches us, and catch a source that is stuck, empty or
//! replaced. Samples are bytes at full entropy (H = 8). The cut-offs put a false
//! alarm at about 2^-64 per byte: a station that locks itself by chance once in
//! the life of the universe, not once in a batch of PINs.

use zeroize::Zeroize;

use super::{HealthFault, RandomError, RandomSource, Secret};

/// SP 800-90B 4.4.1: C = 1 + ceil(-log2(alpha) / H) with alpha = 2^-64, H = 8.
const REPETITION_CUTOFF: u32 = 9;
/// SP 800-90B 4.4.2: window for samples that are not binary.
const WINDOW: u32 = 512;
/// C = 1 + CRITBINOM(512, 2^-8, 1 - 2^-64).
const PROPORTION_CUTOFF: u32 = 27;
/// FIPS 140-2 4.9.2: consecutive blocks compared, in bytes.
const BLOCK: usize = 16;
/// SP 800-90B 4.3: samples tested, and thrown away, before the first is used.
const START_UP: usize = 1024;

/// A source under continuous test. A failed test latches: from then on every
/// call answers [`RandomError::Faulted`] and nothing more is produced.
pub struct HealthTested<R> {
    inner: R,
    fault: Option<HealthFault>,
    started: bool,
    state: State,
}

/// What the tests remember. Drawn bytes may be secret, so they are kept as such:
/// `[previous block 16][block being filled 16][window's first byte][last byte]`.
struct State {
    memory: Secret,
    filled: usize,
    any_block: bool,
    repeated: u32,
    window: u32,
    proportion: u32,
}

const PREVIOUS: usize = 0;
const CURRENT: usize = BLOCK;
const FIRST: usize = 2 * BLOCK;
const LAST: usize = 2 * BLOCK + 1;

impl<R: RandomSource> HealthTested<R> {
    /// Puts `inner` under test. The start-up test runs at the first draw.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            fault: None,
            started: false,
            state: State {
                memory: Secret::zeroed(2 * BLOCK + 2),
                filled: 0,
                any_block: false,
                repeated: 0,
                window: 0,
                proportion: 0,
            },
        }
    }

    /// The fault that shut the source, if any.
    pub fn fault(&self) -> Option<HealthFault> {
        self.fault
    }

    /// Runs the start-up test now, if it has not run: power-on self-tests call
    /// this, so that a bad source shows before anybody has typed anything.
    pub fn start_up(&mut self) -> Result<(), RandomError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        if !self.started {
            let mut samples = Secret::zeroed(START_UP);
            self.inner.public(samples.expose_mut())?;
            self.test(samples.expose_mut())?;
            self.started = true;
        }
        Ok(())
    }

    /// Tests what was drawn; wipes it and latches when it fails.
    fn test(&mut self, drawn: &mut [u8]) -> Result<(), RandomError> {
        let failed = drawn.iter().find_map(|byte| self.state.sample(*byte).err());
        if let Some(fault) = failed {
            drawn.zeroize();
            self.fault = Some(fault);
            return Err(fault.into());
        }
        Ok(())
    }

    fn draw(
        &mut self,
        buf: &mut [u8],
        from: impl FnOnce(&mut R, &mut [u8]) -> Result<(), RandomError>,
    ) -> Result<(), RandomError> {
        self.start_up()?;
        if let Err(error) = from(&mut self.inner, buf) {
            buf.zeroize();
            return Err(error);
        }
        self.test(buf)
    }
}

impl<R: RandomSource> RandomSource for HealthTested<R> {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.draw(buf, R::public)
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.draw(buf, R::secret)?;
        // What the tests remember is a part of the secret: public bytes take
        // its place at once.
        let displaced = self.draw(&mut [0; 2 * BLOCK], R::public);
        if displaced.is_err() {
            buf.zeroize();
        }
        displaced
    }
}

impl State {
    fn sample(&mut self, byte: u8) -> Result<(), HealthFault> {
        let memory = self.memory.expose_mut();

        if self.repeated > 0 && memory[LAST] == byte {
            self.repeated += 1;
        } else {
            self.repeated = 1;
            memory[LAST] = byte;
        }
        if self.repeated >= REPETITION_CUTOFF {
            return Err(HealthFault::Repetition);
        }

        if self.window == 0 {
            memory[FIRST] = byte;
            self.proportion = 1;
        } else if memory[FIRST] == byte {
            self.proportion += 1;
        }
        self.window = (self.window + 1) % WINDOW;
        if self.proportion >= PROPORTION_CUTOFF {
            return Err(HealthFault::Proportion);
        }

        memory[CURRENT + self.filled] = byte;
        self.filled += 1;
        if self.filled == BLOCK {
            self.filled = 0;
            let (previous, current) = memory[PREVIOUS..FIRST].split_at_mut(BLOCK);
            if self.any_block && previous == current {
                return Err(HealthFault::StuckBlock);
            }
            previous.copy_from_slice(current);
            self.any_block = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::testing::Seeded;

    /// Good for a while, then `bad` decides each byte by its position.
    struct TurnsBad {
        good: Seeded,
        good_left: usize,
        position: usize,
        bad: fn(usize) -> u8,
    }

    impl RandomSource for TurnsBad {
        fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
            self.good.public(buf)?;
            for byte in buf {
                if self.good_left > 0 {
                    self.good_left -= 1;
                } else {
                    *byte = (self.bad)(self.position);
                    self.position += 1;
                }
            }
            Ok(())
        }
        fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
            self.public(buf)
        }
    }

    fn turns_bad(bad: fn(usize) -> u8) -> HealthTested<TurnsBad> {
        HealthTested::new(TurnsBad {
            good: Seeded::new(3),
            good_left: START_UP + 64,
            position: 0,
            bad,
        })
    }

    #[test]
    fn a_good_source_passes() {
        let mut source = HealthTested::new(Seeded::new(4));
        for _ in 0..1000 {
            source.secret_bytes(333).unwrap();
        }
        assert_eq!(source.fault(), None);
    }

    #[test]
    fn each_fault_is_found_named_and_latched() {
        type Source = fn(usize) -> u8;
        let cases: [(Source, HealthFault); 3] = [
            (|_| 0, HealthFault::Repetition),
            // Every tenth byte the same: 52 in a window, never two together,
            // and blocks that differ.
            (
                |p| if p % 10 == 0 { 0 } else { (p % 251 + 1) as u8 },
                HealthFault::Proportion,
            ),
            (|p| (p % 16) as u8 + 0x40, HealthFault::StuckBlock),
        ];
        for (bad, expected) in cases {
            // The window opens on whatever byte comes first, so the source must
            // be seen from a point where the frequent byte opens it.
            let mut source = turns_bad(bad);
            source.public(&mut [0; 64]).unwrap();
            if expected == HealthFault::Proportion {
                source.state.window = 0;
            }
            let mut buf = [0xEE; 600];
            assert_eq!(
                source.secret(&mut buf),
                Err(RandomError::Faulted(expected)),
                "{expected}"
            );
            assert_eq!(buf, [0; 600], "nothing comes out");
            assert_eq!(
                source.public(&mut [0; 1]),
                Err(RandomError::Faulted(expected))
            );
            assert_eq!(source.fault(), Some(expected));
        }
    }

    #[test]
    fn a_source_that_is_bad_from_the_start_gives_nothing() {
        let mut source = HealthTested::new(TurnsBad {
            good: Seeded::new(5),
            good_left: 0,
            position: 0,
            bad: |_| 0xFF,
        });
        assert!(source.start_up().is_err());
        assert!(source.secret_bytes(1).is_err());
    }

    #[test]
    fn nothing_of_a_secret_is_remembered() {
        let mut source = HealthTested::new(Seeded::new(6));
        let secret = source.secret_bytes(48).unwrap();
        let memory = source.state.memory.expose();
        for part in secret.expose().windows(4) {
            assert!(!memory.windows(4).any(|kept| kept == part));
        }
        // A source that turns bad in between gives nothing.
        let mut source = turns_bad(|_| 0);
        source.public(&mut [0; 32]).unwrap();
        let mut buf = [0xEE; 32];
        assert!(source.secret(&mut buf).is_err());
        assert_eq!(buf, [0; 32]);
    }

    #[test]
    fn draws_of_one_byte_are_tested_together() {
        let mut source = turns_bad(|_| 9);
        source.public(&mut [0; 64]).unwrap();
        let draws = (0..20).map(|_| source.public(&mut [0; 1]));
        assert!(draws.filter(Result::is_err).count() >= 11);
    }
}
