//! The PIN room's key pairs for files, with the certificates that issuers get.

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::Recipient;
use conclave_crypto::x509::{Issuer, Purpose, Request, issue};
use conclave_evidence::{Bytes, GroupId, Hash};
use conclave_keyroom::domain::pin_identity::PinIdentity;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

/// How long the certificates hold: two years, in seconds.
pub const VALIDITY_S: u64 = 2 * 365 * 86_400;
/// Characters of the station's name that go into a certificate's.
const NAME_MOST: usize = 36;

/// Makes the next generation of both pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakePinIdentity {
    /// The generation, one more than the last.
    pub generation: u32,
}

fn no(why: impl ToString) -> ActionError {
    ActionError::rule(why.to_string(), "Try again; nothing was changed.")
}

/// A pair's own certificate, which it signs itself: what makes it the room's is
/// the fingerprint that is read to the issuer.
fn certificate(
    pair: &KeyPair,
    name: &str,
    purpose: Purpose,
    serial: &[u8],
    now_s: u64,
) -> Result<Vec<u8>, ActionError> {
    let issuer = Issuer {
        name,
        public: pair.public(),
    };
    let request = Request {
        subject: name,
        public: pair.public(),
        purpose,
        serial,
        not_before: now_s,
        not_after: now_s.saturating_add(VALIDITY_S),
    };
    issue(issuer, &request, |digest| pair.sign(digest)).map_err(no)
}

impl Action for MakePinIdentity {
    const NAME: &'static str = "make-pin-identity";
    type Out = PinIdentity;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::PinOperators),
            Authority::Quorum(GroupId::PinSupervisors),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Make the PIN room's key pairs for files, generation {}",
                self.generation
            ),
            "one opens what issuers send, one signs what goes back; two years".into(),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<PinIdentity, ActionError> {
        let known = identities(permit)?;
        let last = PinIdentity::newest(&known).map_or(0, |one| one.generation);
        if last.checked_add(1) != Some(self.generation) {
            return Err(ActionError::rule(
                format!("the last generation is {last}"),
                "Propose it again.",
            ));
        }
        let station = permit.authority()?.station_name.clone();
        let station: String = station.chars().take(NAME_MOST).collect();
        let now_ms = permit.now_ms();
        let id = permit.new_id()?;
        let mut made = Vec::new();
        for (at, (what, purpose)) in [
            ("PIN input", Purpose::KeyManagement),
            ("PIN output", Purpose::Approval),
        ]
        .into_iter()
        .enumerate()
        {
            let (_, _, random) = permit.provider();
            let pair = KeyPair::generate(random).map_err(no)?;
            let name = format!("{station} {what} {}", self.generation);
            // Positive as DER, and another one for each.
            let mut serial = id.0;
            serial[0] = serial[0] & 0x3F | 0x40;
            serial[15] = serial[15] & 0xFE | u8::try_from(at).unwrap_or(0);
            let der = certificate(&pair, &name, purpose, &serial, now_ms / 1000)?;
            made.push((pair, der));
        }
        let (Some((signing, output)), Some((opening, input))) = (made.pop(), made.pop()) else {
            return Err(no("no pairs were made"));
        };
        let fingerprint = |der: &[u8]| {
            Recipient::read(der)
                .map(|read| Hash(read.facts().fingerprint))
                .map_err(no)
        };
        let record = PinIdentity {
            id,
            generation: self.generation,
            input_fingerprint: fingerprint(&input)?,
            input: Bytes(input),
            output_fingerprint: fingerprint(&output)?,
            output: Bytes(output),
            made_ms: now_ms,
            until_ms: (now_ms / 1000 + VALIDITY_S) * 1000 + 999,
        };
        for (kind, id, pair) in [
            (PinIdentity::INPUT_KEY, record.input_key(), &opening),
            (PinIdentity::OUTPUT_KEY, record.output_key(), &signing),
        ] {
            permit.put_secret(Compartment::Pins, kind, id, pair.secret().duplicate());
        }
        permit.put(Compartment::Pins, PinIdentity::KIND, id, &record)?;
        Ok(record)
    }

    fn outcome(&self, out: &PinIdentity) -> Vec<String> {
        vec![
            format!("input certificate SHA-256 {}", out.input_fingerprint),
            format!("output certificate SHA-256 {}", out.output_fingerprint),
        ]
    }
}

/// Every generation.
///
/// # Errors
/// [`ActionError`]
pub(super) fn identities(permit: &Permit<'_>) -> Result<Vec<PinIdentity>, ActionError> {
    let all = permit.list::<PinIdentity>(Compartment::Pins, PinIdentity::KIND)?;
    Ok(all.into_iter().map(|(_, one)| one).collect())
}
