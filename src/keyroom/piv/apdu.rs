//! Commands and answers: chaining out, GET RESPONSE in.

use zeroize::Zeroizing;

use super::error::{Instruction, PivError, StatusWord};
use crate::ports::card::CardChannel;

/// Data bytes of one short command (ISO 7816-4 section 5.1).
const SHORT: usize = 255;
/// The CLA bit that says: this command goes on in the next one.
const CHAINED: u8 = 0x10;
/// No PIV answer is longer; a card that goes on for ever is cut off here.
const LONGEST_ANSWER: usize = 8 * 1024;

/// A complete answer. No `Debug`: it may be the result of a key agreement.
pub(super) struct Answer {
    pub data: Zeroizing<Vec<u8>>,
    pub status: StatusWord,
}

/// Sends one command, in a chain when `data` is longer than 255 bytes, and
/// collects the whole answer.
pub(super) fn exchange(
    channel: &mut dyn CardChannel,
    instruction: Instruction,
    p1: u8,
    p2: u8,
    data: &[u8],
) -> Result<Answer, PivError> {
    let mut parts = data.chunks(SHORT).peekable();
    let mut response = loop {
        let part = parts.next().unwrap_or_default();
        let more = parts.peek().is_some();
        let mut command = Zeroizing::new(Vec::with_capacity(6 + part.len()));
        command.extend_from_slice(&[if more { CHAINED } else { 0 }, instruction as u8, p1, p2]);
        if !part.is_empty() {
            command.push(part.len() as u8);
            command.extend_from_slice(part);
        }
        // VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER answer no
        // data, so they carry no Le; neither does a link of a chain.
        if !more && answers(instruction) {
            command.push(0);
        }
        let response = channel.transmit(&command)?;
        if !more {
            break response;
        }
        let status = StatusWord(response.status());
        if status != StatusWord::OK {
            return Ok(Answer {
                data: Zeroizing::new(Vec::new()),
                status,
            });
        }
    };
    let mut collected = Zeroizing::new(Vec::with_capacity(LONGEST_ANSWER));
    let mut asked_for_more = false;
    loop {
        if collected.len() + response.data().len() > LONGEST_ANSWER {
            return Err(PivError::Malformed {
                instruction,
                what: "answer without end",
            });
        }
        collected.extend_from_slice(response.data());
        let status = response.status();
        if status >> 8 != 0x61 {
            return Ok(Answer {
                data: collected,
                status: StatusWord(status),
            });
        }
        let expected = status as u8;
        if response.data().is_empty() && asked_for_more {
            return Err(PivError::Malformed {
                instruction,
                what: "answer without progress",
            });
        }
        asked_for_more = true;
        response = channel.transmit(&[0, Instruction::GetResponse as u8, 0, 0, expected])?;
    }
}

fn answers(instruction: Instruction) -> bool {
    !matches!(
        instruction,
        Instruction::Verify
            | Instruction::ChangeReferenceData
            | Instruction::ResetRetryCounter
            | Instruction::PutData
            | Instruction::SetManagementKey
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ports::card::{CardError, Response};

    /// Answers from a list and keeps what was sent.
    struct Scripted {
        answers: Vec<Vec<u8>>,
        sent: std::sync::Arc<std::sync::Mutex<Vec<Vec<u8>>>>,
    }

    impl CardChannel for Scripted {
        fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
            self.sent.lock().unwrap().push(command.to_vec());
            if self.answers.is_empty() {
                return Err(CardError::Removed);
            }
            Response::new(self.answers.remove(0))
        }
    }

    fn scripted(answers: &[&[u8]]) -> Scripted {
        Scripted {
            answers: answers.iter().map(|it| it.to_vec()).collect(),
            sent: std::sync::Arc::default(),
        }
    }

    #[test]
    fn long_data_go_out_in_a_chain() {
        let mut card = scripted(&[&[0x90, 0], &[0x90, 0], &[0x90, 0]]);
        let sent = card.sent.clone();
        exchange(&mut card, Instruction::PutData, 0x3F, 0xFF, &[7; 600]).unwrap();
        let sent = sent.lock().unwrap();
        let heads: Vec<_> = sent.iter().map(|it| it[..5].to_vec()).collect();
        assert_eq!(
            heads,
            [
                [0x10, 0xDB, 0x3F, 0xFF, 255],
                [0x10, 0xDB, 0x3F, 0xFF, 255],
                [0x00, 0xDB, 0x3F, 0xFF, 90]
            ]
        );
        assert_eq!(sent[2].len(), 5 + 90);
    }

    #[test]
    fn a_chain_stops_at_the_first_refusal() {
        let mut card = scripted(&[&[0x69, 0x82], &[0x90, 0]]);
        let sent = card.sent.clone();
        let answer = exchange(&mut card, Instruction::PutData, 0x3F, 0xFF, &[7; 600]).unwrap();
        assert_eq!(answer.status, StatusWord::SECURITY_STATUS);
        assert_eq!(sent.lock().unwrap().len(), 1);
    }

    #[test]
    fn more_data_are_fetched_with_the_length_the_card_named() {
        let mut card = scripted(&[&[1, 2, 0x61, 0x02], &[3, 4, 0x90, 0x00]]);
        let sent = card.sent.clone();
        let answer = exchange(&mut card, Instruction::GetData, 0x3F, 0xFF, &[0x5C]).unwrap();
        assert_eq!(*answer.data, [1, 2, 3, 4]);
        assert_eq!(sent.lock().unwrap()[1], [0x00, 0xC0, 0x00, 0x00, 0x02]);
    }

    #[test]
    fn a_card_that_never_ends_is_cut_off() {
        let endless = vec![&[0u8, 0x61, 0x00][..]; 9000];
        let mut card = scripted(&endless);
        assert!(matches!(
            exchange(&mut card, Instruction::GetData, 0x3F, 0xFF, &[0x5C]),
            Err(PivError::Malformed { .. })
        ));
        let mut card = scripted(&[&[0x61, 0x01], &[0x61, 0x01], &[0x61, 0x01]]);
        assert!(matches!(
            exchange(&mut card, Instruction::GetData, 0x3F, 0xFF, &[0x5C]),
            Err(PivError::Malformed { .. })
        ));
    }
}
