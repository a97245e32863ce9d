//! A custodian types a partner's component.

use conclave_keyroom::ports::dialogue::{Ask, Groups, Prompt, PromptLine};

use crate::samples::{prompt, refusal};

/// The second line of two, or the first.
pub fn line(line: u8) -> Prompt {
    let mut asked = prompt(
        "enter.line",
        "Component 1 of 3",
        Ask::Groups(Groups {
            line,
            lines: 2,
            digits: 16,
            check: true,
            typing: 1,
        }),
    );
    asked.act = "Enter PARTNER-2.ZMK.002".into();
    asked.step = None;
    asked.cast = vec![("custodian".into(), "MEMBER-5".into())];
    asked.lines = vec![PromptLine::note(
        "MEMBER-5 types it from the sheet, TDES-2.",
    )];
    asked.waiting_for = "MEMBER-5".into();
    asked.safe = "yes, no key is made yet".into();
    asked
}

/// The check letter did not agree.
pub fn wrong_letter() -> Prompt {
    let mut asked = line(2);
    asked.refused = Some(refusal(
        "Component 1, line 2: the check letter does not agree; one of groups 5 to 8 is wrong, or the letter.",
        "Nothing of it was taken.",
        "Compare each group with the paper, and type the line again.",
    ));
    asked
}

/// Near the end of a part of an RSA pair's prime, with the most that stands above it.
pub fn long_and_wrong() -> Prompt {
    let mut asked = line(1);
    if let Ask::Groups(groups) = &mut asked.ask {
        (groups.line, groups.lines) = (30, 32);
    }
    asked.code = "exercise.line".into();
    asked.act = "Custody exercise OUR.RSA.001".into();
    asked.lines = vec![PromptLine::note(
        "MEMBER-5 types it from the sheet, RSA-4096, a part of one prime.",
    )];
    asked.safe = "yes, the key is as it was".into();
    asked.refused = Some(refusal(
        "Component 1, line 30: the check letter does not agree; one of groups 117 to 120 is wrong, or the letter.",
        "Nothing of it was taken.",
        "Compare each group with the paper, and type the line again.",
    ));
    asked
}
