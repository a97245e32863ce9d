//! Fields of the forms in which an act is decided, and what is said where one
//! of them will not do.

use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::ports::dialogue::{Choice, Field, FieldKind, PromptLine, Refusal};

use crate::cards::Interrupted;
use crate::station::Station;

pub(crate) fn text(label: &str, value: &str, hint: &str, most: usize) -> Field {
    Field {
        label: label.into(),
        kind: FieldKind::Text(most),
        value: value.into(),
        hint: hint.into(),
    }
}

/// A text that may stay empty.
pub(crate) fn optional(label: &str, value: &str, hint: &str, most: usize) -> Field {
    Field {
        kind: FieldKind::Optional(most),
        ..text(label, value, hint, most)
    }
}

/// One of these; the first stands there where nothing is named. For what does no
/// harm when nobody looks at it.
pub(crate) fn one(label: &str, choices: Vec<String>, value: Option<String>) -> Field {
    Field {
        label: label.into(),
        value: value
            .or_else(|| choices.first().cloned())
            .unwrap_or_default(),
        kind: FieldKind::One(choices),
        hint: String::new(),
    }
}

/// One of these, which somebody has to choose: nothing stands there before. For
/// keys, partners, and whatever else a hurried Enter must not decide.
pub(crate) fn choose(label: &str, choices: Vec<String>) -> Field {
    Field {
        label: label.into(),
        value: String::new(),
        kind: FieldKind::One(choices),
        hint: String::new(),
    }
}

/// The same, where what is the only one stands there: nobody has a choice then.
pub(crate) fn sole(label: &str, choices: Vec<String>) -> Field {
    let only = match choices.as_slice() {
        [only] => only.clone(),
        _ => String::new(),
    };
    Field {
        value: only,
        ..choose(label, choices)
    }
}

/// The same, each with a sentence that stands under the field once it is chosen.
pub(crate) fn told(label: &str, choices: Vec<Choice>) -> Field {
    Field {
        kind: FieldKind::Told(choices),
        ..choose(label, Vec::new())
    }
}

/// Keys to choose from, each with what it is.
pub(crate) fn keys_told<'a>(keys: impl IntoIterator<Item = &'a KeyRecord>) -> Vec<Choice> {
    let told = |key: &KeyRecord| Choice {
        label: key.label.clone(),
        detail: format!(
            "{}, {}, KCV {}{}",
            key.form,
            key.template,
            key.kcv.words(),
            match key.has_quarantine() {
                true => "; ! a package of it is in quarantine",
                false => "",
            }
        ),
    };
    keys.into_iter().map(told).collect()
}

/// What is said of keys that others are to be wrapped under, while a package of one is in
/// quarantine: was a part read, all that is encrypted under it is replaced (R12).
pub(crate) fn quarantine_notes<'a>(
    keys: impl IntoIterator<Item = &'a KeyRecord>,
) -> Vec<PromptLine> {
    let of = keys.into_iter().filter(|key| key.has_quarantine());
    of.map(|key| {
        PromptLine::note(format!(
            "! A package of {} is in quarantine. What goes out under it is replaced, too, if \
             its part was read (R12): settle that first.",
            key.label
        ))
    })
    .collect()
}

/// Templates to choose from, each with its own sentence.
pub(super) fn templates_told(templates: &[KeyTemplate]) -> Vec<Choice> {
    let told = |template: &KeyTemplate| Choice {
        label: template.name.clone(),
        detail: template.title.clone(),
    };
    templates.iter().map(told).collect()
}

/// What a template is for, in the order in which ceremonies that print or enter
/// components want it: zone master keys in key blocks, those that wrap as an
/// exception, other key-encryption keys, an HSM's master keys, working keys.
fn rank(template: &KeyTemplate) -> u8 {
    match (template.in_components, template.usage.as_str()) {
        (true, _) if template.panel.is_some() => 3,
        (true, _)
            if template
                .wrapping
                .is_some_and(WrappingMethod::is_foreign_master) =>
        {
            3
        }
        (true, "K0") if template.wrapping.is_some() => 1,
        (true, "K0") => 0,
        (true, _) => 2,
        (false, "P0") if !template.comes_from_outside() => 4,
        (false, _) => 5,
    }
}

impl Station {
    /// The templates that fit a ceremony, those of its purpose first; a line for
    /// each file that is refused is added.
    pub(super) fn templates_for(
        &self,
        working_keys_first: bool,
        fits: impl Fn(&KeyTemplate) -> bool,
        lines: &mut Vec<PromptLine>,
    ) -> Vec<KeyTemplate> {
        let mut templates = Vec::new();
        for (file, template) in self.data.templates() {
            match template {
                Ok(template) if fits(&template) => templates.push(template),
                Ok(_) => {}
                Err(why) => lines.push(PromptLine::note(format!("✗ {file} is refused: {why}"))),
            }
        }
        templates.sort_by_key(|template| {
            let of_its_purpose = template.in_components != working_keys_first;
            (!of_its_purpose, rank(template), template.name.clone())
        });
        templates
    }
}

pub(crate) fn refused(happened: impl Into<String>, advice: &str) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was begun.".into(),
        advice: advice.into(),
    }
}

/// Esc and the end of the program lead back; the rest is a refusal.
pub(crate) fn gave_up<T>(why: Interrupted) -> Result<Option<T>, Refusal> {
    match why {
        Interrupted::Refused(refusal) => Err(refusal),
        Interrupted::CardGone => Err(refused("A card was pulled.", "Log on again.")),
        _ => Ok(None),
    }
}
