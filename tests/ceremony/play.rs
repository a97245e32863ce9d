//! Plays ceremonies with scripted answers, and keeps what was done.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::CheckValue;
use conclave_keyroom::domain::profile::BlockProfile;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_trades::ceremony::engine::{CeremonyError, Engine, Step};
use conclave_trades::ceremony::proves;
use conclave_trades::ceremony::script::Purpose;
use conclave_trades::ceremony::state::{
    CastPart, Delivery, Destroy, Did, Exercise, ImportFrom, KeyMade, KnownSet, MediumHere, Paper,
    Parameters, Player, Reply, SharesIn, Split, State, Unit, WrappingKey,
};

pub fn id(n: u8) -> Id {
    Id([n; 16])
}

/// A ceremony of this script with as many people as it needs.
pub fn start(engine: &Engine, form: KeyForm, components: u8) -> Result<State, CeremonyError> {
    let purpose = engine.script().purpose;
    let in_parts = matches!(
        purpose,
        Purpose::Components
            | Purpose::PartnerKey
            | Purpose::Exercise
            | Purpose::Reissue
            | Purpose::Shares
            | Purpose::EnterShares
    );
    let working = purpose == Purpose::WorkingKey;
    let mut number = 100;
    let cast: Vec<CastPart> = engine
        .script()
        .cast
        .iter()
        .map(|part| {
            let groups: &[GroupId] = part.source.groups();
            let count = if part.source.is_custodian() {
                components
            } else {
                part.count
            };
            let people = (0..usize::from(count))
                .map(|turn| {
                    number += 1;
                    Player {
                        id: id(number),
                        name: format!("MEMBER-{number}"),
                        group: groups[turn % groups.len()],
                        reports_to: format!("MANAGER-{}", turn % 2),
                    }
                })
                .collect();
            CastPart {
                part: part.part.clone(),
                people,
            }
        })
        .collect();
    let mut parameters = Parameters {
        label: "BANK-LAKE.KEY.001".into(),
        template: KeyTemplate {
            name: "test".into(),
            version: 1,
            title: "Test".into(),
            form,
            usage: if in_parts { "K0" } else { "P0" }.into(),
            mode_of_use: "B".into(),
            exportability: "E".into(),
            cryptoperiod_days: 365,
            recipient_days: None,
            in_components: in_parts,
            wrapping: None,
            panel: None,
        },
        components,
        delivery: working.then(|| Delivery {
            under: WrappingKey {
                id: id(50),
                label: "BANK-LAKE.ZMK.001".into(),
                form: KeyForm::Aes256,
            },
            recipient: "BANK-LAKE".into(),
            medium: id(51),
            medium_name: "STICK-1".into(),
            exception: None,
        }),
        requester: None,
        paper: matches!(purpose, Purpose::PartnerKey | Purpose::EnterShares).then(|| Paper {
            partner: "BANK-LAKE".into(),
            check_letters: true,
            check_values: true,
            method: "ENC-ZERO".into(),
        }),
        import: (purpose == Purpose::Import).then(|| ImportFrom {
            under: WrappingKey {
                id: id(50),
                label: "BANK-LAKE.ZMK.001".into(),
                form: KeyForm::Aes256,
            },
            partner: "BANK-LAKE".into(),
            profile: BlockProfile {
                name: "tr31".into(),
                version: 1,
                title: "TR-31".into(),
                versions: "ABCDE".into(),
                short_padding: false,
                unknown_blocks: false,
                scheme_tag: false,
                schemes: String::new(),
                cca_tokens: false,
                any_parity: false,
                method: None,
            },
            exception: None,
            method: "CMAC".into(),
            medium: None,
        }),
        exercise: (purpose == Purpose::Exercise).then(|| Exercise {
            passed_over: Vec::new(),
            key: id(9),
            holders: Vec::new(),
            serials: vec![Some("OLD-0001".into()); usize::from(components)],
            backups: Vec::new(),
            set: None,
        }),
        split: matches!(purpose, Purpose::Reissue | Purpose::Shares).then(|| Split {
            key: id(9),
            // All of them: people of one manager are too few.
            quorum: (purpose == Purpose::Shares).then_some(components),
        }),
        shares: (purpose == Purpose::EnterShares).then(|| SharesIn {
            known: proves(engine.script()).then(|| KnownSet {
                key: id(9),
                set: id(8),
                holders: Vec::new(),
                serials: vec![Some("OLD-0001".into()); usize::from(components)],
            }),
            places: (1..=components).rev().collect(),
            of: 9,
        }),
        destroy: (purpose == Purpose::Destroy).then(|| Destroy {
            key: id(9),
            set: id(8),
            parts: (1..=components).collect(),
            serials: vec![Some("OLD-0001".into()); usize::from(components)],
        }),
        held: Vec::new(),
        blind: false,
        known_value: None,
    };
    let custodians = cast.iter().flat_map(|part: &CastPart| &part.people);
    let custodians = custodians.filter(|p| p.group.is_custodian()).map(|p| p.id);
    let holders: Vec<Id> = custodians.collect();
    if let Some(known) = parameters.shares.as_mut().and_then(|s| s.known.as_mut()) {
        known.holders.clone_from(&holders);
    }
    if let Some(exercise) = &mut parameters.exercise {
        exercise.holders = holders;
    }
    engine.start(id(7), parameters, cast)
}

/// What careful people answer. Nothing when it is over.
pub fn answer_well(engine: &Engine, state: &State) -> Option<Reply> {
    Some(match engine.next(state) {
        Step::Identify { person, .. } => Reply::Identified(person.id),
        Step::Ask(prompt) if prompt.code.starts_with("seal.serial") => {
            Reply::Word(format!("ab-{:04}", state.envelopes.len() + 1))
        }
        Step::Ask(prompt)
            if prompt.code.starts_with("exercise.serial")
                || prompt.code.starts_with("destroy.serial") =>
        {
            Reply::Word("old-0001".into())
        }
        Step::Ask(prompt) if prompt.code == "readback.show" => Reply::Confirmed,
        Step::Ask(prompt)
            if prompt.code.starts_with("readback") || prompt.code.starts_with("combine") =>
        {
            Reply::Word(" 08d7b4 ".into())
        }
        Step::Ask(_) => Reply::Confirmed,
        Step::Medium { .. } => Reply::Medium(MediumHere {
            id: id(6),
            name: "STICK-1".into(),
        }),
        Step::Perform(unit) => Reply::Did(Did {
            words: vec![format!("{} done", unit.name())],
            journal: Some(1),
            at_ms: Some(34_200_000),
            key: matches!(
                unit,
                Unit::Generate | Unit::Split | Unit::Combine { .. } | Unit::Import { .. }
            )
            .then(|| KeyMade {
                id: id(9),
                kcv: CheckValue {
                    value: "08D7B4".into(),
                    method: "ENC-ZERO".into(),
                },
            }),
        }),
        Step::Done(_) | Step::Void(_) | Step::Aborted(_) => return None,
    })
}

/// What was done in one ceremony.
pub struct Stage {
    pub state: State,
    /// Units of which something may have happened.
    pub units: Vec<Unit>,
    /// Codes of prompts, in order.
    pub codes: Vec<String>,
}

impl Stage {
    pub fn new(state: State) -> Self {
        Self {
            state,
            units: Vec::new(),
            codes: Vec::new(),
        }
    }

    pub fn record(&mut self, unit: Option<&Unit>, reply: &Reply) {
        if let (Some(unit), Reply::Did(_) | Reply::Interrupted(_)) = (unit, reply) {
            self.units.push(unit.clone());
        }
    }

    pub fn count(&self, name: &str) -> usize {
        self.units.iter().filter(|u| u.name() == name).count()
    }

    pub fn prints(&self, component: u8) -> usize {
        let this = |unit: &&Unit| matches!(unit, Unit::Print { index, .. } if *index == component);
        self.units.iter().filter(this).count()
    }

    pub fn play(engine: &Engine, form: KeyForm, components: u8) -> Self {
        Self::finish(engine, start(engine, form, components).unwrap())
    }

    /// Plays on to the end, which is `Done` when all answers are good.
    pub fn finish(engine: &Engine, state: State) -> Self {
        let mut stage = Self::new(state);
        while let Some(reply) = answer_well(engine, &stage.state) {
            match engine.next(&stage.state) {
                Step::Ask(prompt) | Step::Medium { prompt, .. } | Step::Identify { prompt, .. } => {
                    stage.codes.push(prompt.code)
                }
                _ => {}
            }
            let unit = engine.unit(&stage.state);
            stage.record(unit.as_ref(), &reply);
            stage.state = engine.answer(stage.state, reply);
            assert!(stage.units.len() < 2000, "it goes round in circles");
        }
        stage
    }
}
