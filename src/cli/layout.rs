//! `conclave layout`: forms as files, looked at without a station. Nothing here
//! prints a secret: there are X's in every place.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::print::approval::check_for_batches;
use conclave_trades::print::{
    Area, FieldName, ImportOptions, Layout, PrintError, import, mailer, screen_preview,
};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;
/// How long until a file that is followed is read again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Something is wrong with the layout.
const FAULTY: u8 = 1;
/// A file cannot be read or written.
const UNREADABLE: u8 = 2;

/// Check, preview and import the layouts of forms and mailers.
#[derive(Debug, Args)]
pub(super) struct LayoutCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say everything that is wrong with layout files, each with its line.
    ///
    /// The exit code is 0 when all keep every rule, 1 when one does not, 2 when
    /// one cannot be read.
    Check {
        /// Layout files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Draw a layout with X's in every place.
    Preview {
        /// The layout file.
        file: PathBuf,
        /// As which printer gets it; on the screen otherwise.
        #[arg(long = "as", value_name = "LANGUAGE")]
        language: Option<Language>,
        /// A new file for it.
        #[arg(long, value_name = "FILE", requires = "language")]
        out: Option<PathBuf>,
        /// On the screen, again each time the file changes; Ctrl-C ends it.
        #[arg(long, conflicts_with = "language")]
        follow: bool,
    },
    /// Read a Thales print format (host commands PA and PC) into a layout file.
    Import {
        /// The format: what follows PA, then what follows PC.
        file: PathBuf,
        /// The layout's name.
        #[arg(long, default_value = "pin-mailer-imported")]
        name: String,
        /// Lines of a form.
        #[arg(long, default_value_t = 24)]
        lines: usize,
        /// Columns of the paper; of one form, where two stand beside one
        /// another, the format has it.
        #[arg(long, default_value_t = 80)]
        columns: usize,
        /// Most digits of a PIN.
        #[arg(long, default_value_t = 6)]
        pin_digits: usize,
        /// What a field of the host is: `0=name`, `1=address`, `F=tracking`.
        #[arg(long = "field", value_name = "N=NAME", value_parser = host_field)]
        fields: Vec<(u8, FieldName)>,
        /// Where the form can be read without opening it: line, column, width,
        /// height.
        #[arg(long = "outside", value_name = "L,C,W,H", value_parser = area)]
        outside: Vec<Area>,
        /// A new file for the layout; on the screen otherwise.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// A printer's language.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Escp,
    Escp9,
    Escp24,
    Line,
    Pcl5,
    Pdf,
}

impl From<Language> for PrinterLanguage {
    fn from(language: Language) -> Self {
        match language {
            Language::Escp => Self::EscP,
            Language::Escp9 => Self::EscP9,
            Language::Escp24 => Self::EscP24,
            Language::Line => Self::Line,
            Language::Pcl5 => Self::Pcl5,
            Language::Pdf => Self::Pdf,
        }
    }
}

fn host_field(text: &str) -> Result<(u8, FieldName), String> {
    let (number, name) = text.split_once('=').ok_or("is not N=NAME")?;
    let number = u8::from_str_radix(number, 16)
        .ok()
        .filter(|number| *number < 16)
        .ok_or("the host's fields are 0 to F")?;
    let field = FieldName::from_name(name).ok_or_else(|| format!("there is no field {name:?}"))?;
    if field.is_secret() {
        return Err("the host's fields are no secrets".to_owned());
    }
    Ok((number, field))
}

fn area(text: &str) -> Result<Area, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([line, column, width, height]) => Ok(Area {
            line: *line,
            column: *column,
            width: *width,
            height: *height,
        }),
        _ => Err("is not line,column,width,height".to_owned()),
    }
}

impl LayoutCommand {
    pub(super) fn run(&self) -> ExitCode {
        match &self.what {
            What::Check { files } => check(files),
            What::Preview {
                file, follow: true, ..
            } => follow(file),
            What::Preview {
                file,
                language,
                out,
                ..
            } => preview(file, *language, out.as_deref()),
            What::Import {
                file,
                name,
                lines,
                columns,
                pin_digits,
                fields,
                outside,
                out,
            } => {
                let fields: BTreeMap<u8, FieldName> = fields.iter().copied().collect();
                let options = ImportOptions {
                    name: name.clone(),
                    lines: *lines,
                    columns: *columns,
                    pin_digits: *pin_digits,
                    fields,
                    outside: outside.clone(),
                };
                take_in(file, &options, out.as_deref())
            }
        }
    }
}

/// A file's text, or why there is none.
fn load(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|why| why.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("larger than {MAX_FILE} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "not text".to_owned())
}

fn read(file: &Path) -> Result<String, ExitCode> {
    load(file).map_err(|why| {
        eprintln!("{}: {why}", file.display());
        ExitCode::from(UNREADABLE)
    })
}

/// Tells each fault as `FILE:LINE: what`.
fn tell(file: &Path, text: &str) -> Option<Layout> {
    let shown = file.display();
    match Layout::read(text) {
        Ok(layout) => {
            for field in layout.host_fields() {
                eprintln!(
                    "{shown}: {field} comes from the issuer's file: the template of a batch has to \
                     have it in its records, under this name"
                );
            }
            Some(layout)
        }
        Err(faults) => {
            for error in faults {
                match error.file_line {
                    Some(line) => eprintln!("{shown}:{line}: {}", error.fault),
                    None => eprintln!("{shown}: {}", error.fault),
                }
            }
            None
        }
    }
}

fn check(files: &[PathBuf]) -> ExitCode {
    let mut unreadable = false;
    let mut faulty = false;
    for file in files {
        let Ok(text) = read(file) else {
            unreadable = true;
            continue;
        };
        match tell(file, &text) {
            Some(layout) if check_for_batches(&layout).is_err() => {
                let why = check_for_batches(&layout).err().unwrap_or_default();
                eprintln!("{}: {why}", file.display());
                faulty = true;
            }
            Some(layout) => {
                println!(
                    "{}: {}, {} version {}, {}: keeps every rule",
                    file.display(),
                    layout.name(),
                    layout.kind().words(),
                    layout.version(),
                    layout.disclosure().words()
                );
                if let Some(what) = layout.to_be_completed() {
                    println!(
                        "{}: name {what} that was inspected before it is approved; until then \
                         nothing is printed by it but X's",
                        file.display()
                    );
                }
            }
            None => faulty = true,
        }
    }
    match (unreadable, faulty) {
        (true, _) => ExitCode::from(UNREADABLE),
        (false, true) => ExitCode::from(FAULTY),
        (false, false) => ExitCode::SUCCESS,
    }
}

fn preview(file: &Path, language: Option<Language>, out: Option<&Path>) -> ExitCode {
    let text = match read(file) {
        Ok(text) => text,
        Err(code) => return code,
    };
    let Some(layout) = tell(file, &text) else {
        return ExitCode::from(FAULTY);
    };
    let bytes = match language {
        None => on_screen(&layout).map(String::into_bytes),
        Some(language) => mailer::sample(&layout, Mode::Test, language.into()),
    };
    match bytes {
        Ok(bytes) => write(&bytes, out),
        Err(why) => {
            eprintln!("{}: {why}", file.display());
            ExitCode::from(FAULTY)
        }
    }
}

fn on_screen(layout: &Layout) -> Result<String, PrintError> {
    let mut text = screen_preview(layout, Mode::Test)?.join("\n");
    text.push('\n');
    Ok(text)
}

/// Draws the file, and again each time it has changed: what is wrong with it
/// stands in the place of the page. Ends when nobody reads on.
fn follow(file: &Path) -> ExitCode {
    let clear = match io::stdout().is_terminal() {
        true => "\x1b[2J\x1b[H",
        false => "",
    };
    let mut last: Option<String> = None;
    loop {
        // One that was there is just being written anew.
        let text = match last {
            None => match read(file) {
                Ok(text) => Some(text),
                Err(code) => return code,
            },
            Some(_) => load(file).ok(),
        };
        if let Some(text) = text.filter(|text| last.as_ref() != Some(text)) {
            let mut out = io::stdout().lock();
            let mut shown = write!(out, "{clear}").and_then(|()| out.flush());
            if let Some(layout) = tell(file, &text) {
                match on_screen(&layout) {
                    Ok(page) => {
                        shown = shown
                            .and_then(|()| out.write_all(page.as_bytes()))
                            .and_then(|()| out.flush());
                    }
                    Err(why) => eprintln!("{}: {why}", file.display()),
                }
            }
            if shown.is_err() {
                return ExitCode::SUCCESS;
            }
            last = Some(text);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn take_in(file: &Path, options: &ImportOptions, out: Option<&Path>) -> ExitCode {
    let format = match read(file) {
        Ok(text) => text,
        Err(code) => return code,
    };
    let layout = match import(&format, options) {
        Ok(layout) => layout,
        Err(faults) => {
            for fault in faults {
                eprintln!("{}: {fault}", file.display());
            }
            return ExitCode::from(FAULTY);
        }
    };
    let written = write(layout.as_bytes(), out);
    if written != ExitCode::SUCCESS {
        return written;
    }
    match tell(out.unwrap_or(Path::new("layout")), &layout) {
        Some(_) => ExitCode::SUCCESS,
        None => {
            eprintln!("The layout has to be completed by hand; then check it again.");
            ExitCode::from(FAULTY)
        }
    }
}

/// To a new file, or to standard output. Nothing is written over.
fn write(bytes: &[u8], out: Option<&Path>) -> ExitCode {
    let written = match out {
        None => io::stdout().lock().write_all(bytes),
        Some(path) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes)),
    };
    match (written, out) {
        (Ok(()), _) => ExitCode::SUCCESS,
        // A reader that went away (`| head`) has seen enough.
        (Err(_), None) => ExitCode::SUCCESS,
        (Err(why), Some(path)) => {
            eprintln!("{}: {why}", path.display());
            ExitCode::from(UNREADABLE)
        }
    }
}
