//! A step, taken apart into moves: one card, one key, one entry, one unit each.

use super::script::{Role, Script, ScriptStep, Verb};
use super::state::{Player, State, Unit};

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// An envelope's serial.
    Serial,
    /// The whole key's check value.
    CheckValue,
    /// The serial of a package that is about to be opened.
    Package,
    /// The serial of a package that is about to be destroyed.
    Old,
    /// The check value that the partner gave for the whole key.
    PartnerValue,
}

/// Which key is pressed, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// The script's own words.
    Confirm { key: char, label: String },
    /// Ready to make the key.
    Generate,
    /// Ready to split the key.
    Split,
    /// The package is no more.
    Destroyed,
    /// The package is another than recorded, and is not destroyed.
    SetAside,
    /// The custodian is alone with screen and paper.
    Enter,
    /// The partner's block and letter are here.
    Import,
    /// The custodian stands at the printer.
    Print,
    /// The check value is written down.
    Written,
    /// Ready to write the medium.
    Export,
    /// The medium was pulled and put back.
    Replugged,
}

/// One move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The person's card answers a challenge after its PIN.
    Identify(Player),
    /// The person presses a key.
    Press(Player, Press),
    /// The person types; which entry of this step it is, from 0.
    Type(Player, Field, usize),
    /// The driver does something.
    Act(Unit),
}

/// The person whom a step names.
pub(super) fn person<'a>(
    state: &'a State,
    role: &Role,
    custodian: bool,
    component: Option<u8>,
) -> Option<&'a Player> {
    let part = state.cast.iter().find(|p| p.part == role.part)?;
    let number = match (role.number, custodian) {
        (Some(number), _) => number,
        (None, true) => component?,
        (None, false) => 1,
    };
    part.people.get(usize::from(number.checked_sub(1)?))
}

/// Actor and witnesses of a step, in this order.
pub(super) fn people(
    script: &Script,
    state: &State,
    step: &ScriptStep,
    component: Option<u8>,
) -> Vec<Player> {
    std::iter::once(&step.actor)
        .chain(&step.witness)
        .filter_map(|role| {
            let custodian = script
                .part(&role.part)
                .is_some_and(|p| p.source.is_custodian());
            person(state, role, custodian, component).cloned()
        })
        .collect()
}

/// All moves of a step. The list depends on script, cast and component alone
/// in its length and kinds, so a place in it stays a place in it. What was typed says
/// whether a package is destroyed or set aside, at the same place.
pub(super) fn moves(
    script: &Script,
    state: &State,
    step: &ScriptStep,
    component: Option<u8>,
) -> Vec<Move> {
    let people = people(script, state, step, component);
    let mut moves = vec![Move::Act(Unit::Begin {
        step: step.id.clone(),
        component,
        words: begin_words(step, &people, component.map(|c| state.parameters.place(c))),
    })];
    let Some(actor) = people.first().cloned() else {
        return moves;
    };
    let first_entry = || state.entries.first().cloned().unwrap_or_default();
    match &step.verb {
        Verb::SignIn => {
            let all = state.cast.iter().flat_map(|part| &part.people);
            moves.extend(all.cloned().map(Move::Identify));
        }
        Verb::Confirm { key, label, cards } => {
            for player in &people {
                if *cards {
                    moves.push(Move::Identify(player.clone()));
                }
                moves.push(Move::Press(
                    player.clone(),
                    Press::Confirm {
                        key: *key,
                        label: label.clone(),
                    },
                ));
            }
        }
        Verb::Open => moves.push(Move::Act(Unit::Open)),
        Verb::Generate => {
            moves.push(Move::Press(actor, Press::Generate));
            moves.push(Move::Act(Unit::Generate));
        }
        Verb::Split => {
            moves.push(Move::Press(actor, Press::Split));
            moves.push(Move::Act(Unit::Split));
        }
        Verb::Destroy => {
            typed(&people, Field::Old, &mut moves);
            let (index, serial) = (component.unwrap_or_default(), first_entry());
            let by = people.clone();
            let destroy = state.parameters.destroy.as_ref();
            let (press, unit) = match destroy.is_some_and(|d| d.is_another(index, &serial)) {
                true => (Press::SetAside, Unit::SetAside { index, serial, by }),
                false => (Press::Destroyed, Unit::Destroy { index, serial, by }),
            };
            moves.push(Move::Press(actor, press));
            moves.push(Move::Act(unit));
        }
        Verb::Enter => {
            let shares = state.parameters.shares.as_ref();
            if shares.is_some_and(|s| s.known.is_some()) {
                // The package is on record: its serial first (R11).
                typed(&people, Field::Package, &mut moves);
            } else {
                moves.push(Move::Identify(actor.clone()));
            }
            moves.push(Move::Press(actor.clone(), Press::Enter));
            moves.push(Move::Act(Unit::Enter {
                index: component.unwrap_or_default(),
                custodian: actor,
            }));
        }
        Verb::Combine => {
            typed(&people, Field::PartnerValue, &mut moves);
            moves.push(Move::Act(Unit::Combine {
                value: first_entry(),
                by: people.clone(),
            }));
        }
        Verb::Exercise => {
            typed(&people, Field::Package, &mut moves);
            moves.push(Move::Press(actor.clone(), Press::Enter));
            moves.push(Move::Act(Unit::Exercise {
                index: component.unwrap_or_default(),
                custodian: actor,
                serial: first_entry(),
            }));
        }
        Verb::Import => {
            moves.push(Move::Press(actor, Press::Import));
            typed(&people, Field::PartnerValue, &mut moves);
            moves.push(Move::Act(Unit::Import {
                value: first_entry(),
                by: people.clone(),
            }));
        }
        Verb::Print => {
            moves.push(Move::Press(actor.clone(), Press::Print));
            moves.push(Move::Act(Unit::Print {
                index: component.unwrap_or_default(),
                custodian: actor,
            }));
        }
        Verb::Seal => {
            typed(&people, Field::Serial, &mut moves);
            moves.push(Move::Act(Unit::Seal {
                index: component.unwrap_or_default(),
                serial: first_entry(),
                custodian: actor,
                witnesses: people.iter().skip(1).cloned().collect(),
            }));
        }
        Verb::ReadBack => {
            moves.push(Move::Press(actor, Press::Written));
            typed(&people, Field::CheckValue, &mut moves);
            moves.push(Move::Act(Unit::ReadBack {
                value: first_entry(),
                by: people.clone(),
            }));
        }
        Verb::Export => {
            moves.push(Move::Press(actor.clone(), Press::Export));
            moves.push(Move::Act(Unit::Export));
            moves.push(Move::Press(actor, Press::Replugged));
            moves.push(Move::Act(Unit::ReadMedium));
        }
        Verb::Close => moves.push(Move::Act(Unit::Close {
            signers: people.clone(),
        })),
    }
    moves.push(Move::Act(Unit::End {
        step: step.id.clone(),
        component,
        words: state.words.clone(),
    }));
    moves
}

/// Each from the paper, with their own card, without seeing the other's entry.
fn typed(people: &[Player], field: Field, moves: &mut Vec<Move>) {
    for (number, player) in people.iter().enumerate() {
        moves.push(Move::Identify(player.clone()));
        moves.push(Move::Type(player.clone(), field, number));
    }
}

fn begin_words(step: &ScriptStep, people: &[Player], component: Option<u8>) -> Vec<String> {
    let mut words = vec![step.title.clone()];
    if let Some(component) = component {
        words.push(format!("component {component}"));
    }
    let mut names = people.iter().map(|p| p.name.as_str());
    if let Some(actor) = names.next() {
        words.push(format!("actor {actor}"));
    }
    words.extend(names.map(|name| format!("witness {name}")));
    words.push(format!("expected: {}", step.expect));
    words
}
