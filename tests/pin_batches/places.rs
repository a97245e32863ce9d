//! Every fault of a file is told at once, each with its line and column: those of
//! the file alone, and those that issuer, layout and language show.

use conclave_crypto::secret::Secret;
use conclave_trades::pin::action::{ReadBatch, TemplateName};
use conclave_trades::pin::{MOST_FAULTS, Template};

use super::methods::approve;
use super::pin_house::{PinHouse, csv, layout_text, pan, template_text};

fn faults(house: &mut PinHouse, layout: &str, text: &str) -> Vec<String> {
    let sealed = house.sealed(text.as_bytes());
    let reading = house.reading("csv-pvv", layout, &sealed);
    let secret = vec![Secret::take(&mut sealed.clone())];
    house.act_with(&reading, &[], secret).unwrap().unwrap_err()
}

#[test]
fn issuer_layout_and_file_are_told_together() {
    let mut house = PinHouse::new();
    let mut lines: Vec<String> = csv("B-0001", 5).lines().map(str::to_owned).collect();
    lines[0] = lines[0].replace("BANKX", "BANKY");
    // Twice as long on paper: each letter is written out.
    let long = "\u{c4}".repeat(30);
    lines[1] = format!("{};00;2912;{long};STREET \u{4e00};{long};;en;REF-1", pan(1));
    lines[2] = format!("{};0;2912;A B;;10000 TOWN;\u{4e00};en;REF-2", pan(2));
    lines[4] = lines[4].replace(";en;", ";EN;");
    let text = lines.join("\n");
    let wanted = [
        "line 1, column 8: issuer is another issuer than BANKX".to_owned(),
        "line 2, column 26: holder does not fit the layout: field \"name\" has 60 characters, the \
         layout gives it 36"
            .into(),
        "line 2, column 57: address1 has a character that the form cannot print".into(),
        "line 2, column 66: address2 does not fit the layout: field \"address\" has 60 characters, \
         the layout gives it 36"
            .into(),
        "line 3, column 18: sequence is not two digits".into(),
        // The second line that is printed: the first one is empty.
        "line 3, column 41: address3 has a character that the form cannot print".into(),
        "line 5, column 69: language is not two small letters".into(),
    ];
    let told = faults(&mut house, "pin-mailer-continuous", &text);
    assert_eq!(told, wanted);
    assert!(!told.join(" ").contains("4001"));
}

#[test]
fn a_language_without_words_is_told_for_each_card() {
    let mut house = PinHouse::new();
    let text = csv("B-0001", 4).replace(";en;REF-2", ";xx;REF-2");
    let text = text.replace(";en;REF-4", ";;REF-4");
    let told = faults(&mut house, "pin-mailer-two-up", &text);
    let words = "language is none that the layout has words in";
    assert_eq!(
        told,
        [
            format!("line 3, column 69: {words}"),
            format!("line 5, column 69: {words}")
        ]
    );
    // On a layout with its own words it is as good as any.
    let sealed = house.sealed(text.as_bytes());
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &sealed);
    let secret = vec![Secret::take(&mut sealed.clone())];
    assert!(house.act_with(&reading, &[], secret).unwrap().is_ok());
}

#[test]
fn what_is_the_same_for_every_card_is_told_once() {
    let mut house = PinHouse::new();
    // A template of six digits, and no record says so.
    let template = template_text("csv-pvv")
        .replace("name = \"csv-pvv\"", "name = \"csv-six\"")
        .replace("lengths = [4]", "lengths = [6]");
    approve(&mut house, &template);
    let sealed = house.sealed(csv("B-0001", 5).as_bytes());
    let reading = ReadBatch {
        template: TemplateName::of(&Template::parse(&template).unwrap(), &template),
        layout: layout_text("pin-mailer-two-up"),
        ..house.reading("csv-pvv", "pin-mailer-two-up", &sealed)
    };
    let secret = vec![Secret::take(&mut sealed.clone())];
    let told = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    assert_eq!(
        told,
        ["the file: has a PIN of more digits than the layout prints, which is 4"]
    );
}

#[test]
fn a_file_of_many_faults_is_told_fifty() {
    let mut house = PinHouse::new();
    let text = csv("B-0001", 70).replace("HOLDER", "\u{4e00}");
    let told = faults(&mut house, "pin-mailer-continuous", &text);
    assert_eq!(told.len(), MOST_FAULTS);
    assert!(
        told[49].starts_with("line 51, column 26: holder"),
        "{}",
        told[49]
    );
}
