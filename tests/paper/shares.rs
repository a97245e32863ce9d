//! The share form: the component form's rules, and how many make the key.

use conclave_keyroom::domain::form::KeyForm;
use conclave_trades::print::component::{preview_escp, render_escp, render_pdf};
use conclave_trades::print::{ComponentForm, FieldName, Layout, PrintError};

use super::forms::{all_groups, form, hex, published, read_value, secret};
use super::{component_layout, golden, page_text, qpdf_check, repository};

fn share_layout(form: KeyForm) -> Layout {
    let name = match form.bytes() {
        ..=32 => "share",
        _ => "share-long",
    };
    let file = repository(&format!("keymailer-layouts/{name}.toml"));
    Layout::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn share(key_form: KeyForm) -> ComponentForm {
    ComponentForm {
        quorum: Some(2),
        ..form(key_form)
    }
}

#[test]
fn golden_shares_and_what_poppler_reads_on_them() {
    for key_form in KeyForm::ALL {
        let layout = share_layout(key_form);
        let bytes = published(key_form);
        let (form, value) = (share(key_form), secret(&bytes));
        let sheet = render_escp(&layout, &form, &value).unwrap();
        golden(&format!("share-{key_form}.escp"), sheet.expose());
        let page = render_pdf(&layout, &form, &value).unwrap();
        golden(&format!("share-{key_form}.pdf"), page.expose());
        qpdf_check(page.expose());
        let text = page_text(page.expose());
        assert_eq!(read_value(&text), bytes, "{key_form}\n{text}");
        assert_eq!(hex(&all_groups(&text).concat()), bytes, "{text}");
        assert_eq!(text.matches("SHARE 1 of 3").count(), 2, "{text}");
        assert!(text.contains("any 2 of the 3 shares"), "{text}");
        assert!(!text.contains("COMPONENT"), "{text}");
    }
}

#[test]
fn a_form_that_cannot_say_how_many_make_the_key_is_refused() {
    let refused = preview_escp(&component_layout(), &share(KeyForm::Aes128)).unwrap_err();
    assert_eq!(refused, PrintError::NoPlace(FieldName::Quorum));
    for quorum in [0, 1, 4] {
        let mut form = share(KeyForm::Aes128);
        form.quorum = Some(quorum);
        let refused = preview_escp(&share_layout(KeyForm::Aes128), &form).unwrap_err();
        assert_eq!(refused, PrintError::Part { index: 1, of: 3 }, "{quorum}");
    }
}
