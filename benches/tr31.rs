//! TR-31 version D, wrap and unwrap, on one core: ours, and psec in the same run.

#![allow(clippy::panic)] // a test may stop at the first surprise
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use conclave_crypto::keyblock::{Attributes, Kbpk, OptionalBlocks, unwrap, wrap};
use conclave_crypto::primitive::modes::Algorithm as Cipher;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use criterion::Criterion;

/// Prints wraps and unwraps per second, the better of three rounds.
const PSEC: &str = r#"
import time, warnings
warnings.filterwarnings("ignore")
import psec
kbpk, key = bytes(range(32)), bytes(range(16))
header = psec.tr31.Header("D", "P0", "A", "E", "00", "E")
block = psec.tr31.wrap(kbpk, header, key)
def rate(work):
    best = 0
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(500):
            work()
        best = max(best, 500 / (time.perf_counter() - start))
    return best
print(rate(lambda: psec.tr31.wrap(kbpk, header, key)))
print(rate(lambda: psec.tr31.unwrap(kbpk, block)))
"#;

/// Cheap bytes, so that the generator is not what is measured.
struct Counting(u8);

impl RandomSource for Counting {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

fn counting(len: usize) -> Secret {
    Counting(0xFF).secret_bytes(len).unwrap()
}

fn psec_rates() -> (f64, f64) {
    let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
        PathBuf::from,
    );
    let output = Command::new(folder.join("bin/python3"))
        .args(["-c", PSEC])
        .output()
        .expect("psec: run ./scripts/test, which installs it");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rates = text.lines().map(|line| line.parse().unwrap());
    let mut next = || {
        rates
            .next()
            .expect("psec: run ./scripts/test, which installs it")
    };
    (next(), next())
}

/// Calls per second of the measured routine, the mean over what criterion ran.
fn rate(criterion: &mut Criterion, name: &str, mut work: impl FnMut()) -> f64 {
    let (mut calls, mut spent) = (0, Duration::ZERO);
    criterion.bench_function(name, |bench| {
        bench.iter_custom(|count| {
            #[allow(clippy::disallowed_methods)] // a bench reads the clock
            let start = std::time::Instant::now();
            for _ in 0..count {
                work();
            }
            let took = start.elapsed();
            calls += count;
            spent += took;
            took
        });
    });
    calls as f64 / spent.as_secs_f64()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let kbpk = Kbpk::new(Cipher::Aes, counting(32)).unwrap();
    let key = counting(16);
    let attributes = Attributes::parse("P0AE00E").unwrap();
    let none = OptionalBlocks::default();
    let mut random = Counting(0);
    let text = wrap(&kbpk, &attributes, &none, &key, &mut random).unwrap();

    let wraps = rate(&mut criterion, "tr31 D wrap", || {
        std::hint::black_box(wrap(&kbpk, &attributes, &none, &key, &mut random).unwrap());
    });
    let unwraps = rate(&mut criterion, "tr31 D unwrap", || {
        std::hint::black_box(unwrap(&kbpk, text.as_bytes()).unwrap().key.len());
    });
    criterion.final_summary();

    let (psec_wraps, psec_unwraps) = psec_rates();
    for (name, ours, theirs) in [
        ("wrap", wraps, psec_wraps),
        ("unwrap", unwraps, psec_unwraps),
    ] {
        let ratio = ours / theirs;
        println!("tr31 D {name}: {ours:.0}/s, psec {theirs:.0}/s, {ratio:.0} times (target 50)");
    }
}
