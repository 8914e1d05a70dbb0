//! `vigie backup` and `vigie restore`: the whole desk in a folder, and back.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use vigie_desk::backup::{self, Backup};
use vigie_desk::{Access, Desk, Options};
use vigie_report::Lang;

use crate::numbers::{bytes, counted};
use crate::tell;

/// Where a desk is, on this machine.
#[derive(Args)]
pub(crate) struct Place {
    /// The data folder of the desk
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Its PostgreSQL database, when it is not a file in the data folder
    #[arg(long, value_name = "URL", env = "VIGIE_DATABASE", hide_env_values = true)]
    database: Option<String>,
}

impl Place {
    /// What opens it.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::in_folder(&self.data);
        options.database.clone_from(&self.database);
        options
    }
}

/// Arguments of `vigie backup`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Put the master key into the backup too: whoever has the backup can then read everything
    #[arg(long)]
    with_key: bool,
    /// The folder to make
    out: PathBuf,
}

/// Arguments of `vigie restore`.
#[derive(Args)]
pub(crate) struct RestoreArguments {
    /// The folder that `vigie backup` made
    backup: PathBuf,
    /// The data folder to make: not there yet, or empty
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    data: Option<PathBuf>,
    /// An empty PostgreSQL database, for a backup of one
    #[arg(long, value_name = "URL", env = "VIGIE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// The master key, when the backup does not hold it
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// Only look whether the backup is whole
    #[arg(long, conflicts_with_all = ["data", "master_key"])]
    check: bool,
}

/// Runs `vigie backup`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = Desk::open_beside(&arguments.place.options())?;
    let made = backup::create(
        &desk,
        &Access::system("backup"),
        &arguments.out,
        arguments.with_key,
    )?;
    let made_at = tell(lang, "backup made in", "sauvegarde faite dans");
    eprintln!("{made_at} {}{}", arguments.out.display(), size(&made, lang));
    let key = arguments.place.data.join("master.key");
    let warning = match made.has_key {
        true => tell(
            lang,
            "it holds the master key: whoever has it can read all evidence",
            "elle contient la clé maîtresse\u{a0}: qui la possède peut lire toutes les preuves",
        )
        .to_owned(),
        false => format!(
            "{} {}",
            tell(
                lang,
                "it does not hold the master key, without which it cannot be restored: keep a copy elsewhere of",
                "elle ne contient pas la clé maîtresse, sans laquelle rien ne peut être restauré\u{a0}: conservez ailleurs une copie de",
            ),
            key.display()
        ),
    };
    eprintln!("{warning}");
    if !made.deleted_meanwhile.is_empty() {
        let gone = made.deleted_meanwhile.len();
        let what = tell(
            lang,
            "evidence deleted meanwhile, at the end of its retention",
            "preuves supprimées entre-temps, au terme de leur conservation",
        );
        eprintln!("{what}{}{gone}", tell(lang, ": ", "\u{a0}: "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `vigie restore`.
pub(crate) fn restore(arguments: &RestoreArguments, lang: Lang) -> Result<ExitCode> {
    let Some(data) = arguments.data.as_ref().filter(|_| !arguments.check) else {
        let whole = backup::verify(&arguments.backup)?;
        let said = tell(lang, "the backup is whole", "la sauvegarde est intacte");
        eprintln!("{said}{}", size(&whole, lang));
        return Ok(ExitCode::SUCCESS);
    };
    let mut options = Options::in_folder(data);
    options.database.clone_from(&arguments.database);
    backup::restore(&arguments.backup, &options, arguments.master_key.as_deref())?;
    let said = tell(
        lang,
        "restored; nobody is signed in any more, uploads that were on their way begin anew. Now:",
        "restauration terminée\u{202f}; toutes les sessions sont closes, les envois en cours sont à recommencer. Ensuite\u{a0}:",
    );
    eprintln!("{said} vigie serve --data {}", data.display());
    Ok(ExitCode::SUCCESS)
}

/// How much a backup holds, and of when.
fn size(backup: &Backup, lang: Lang) -> String {
    let total: u64 = backup.files.iter().map(|file| file.size).sum();
    format!(
        ": {}, {}, {}",
        counted(
            backup.files.len() as u64,
            lang,
            ("file", "files"),
            ("fichier", "fichiers")
        ),
        bytes(total, lang),
        backup.created_at
    )
    .replacen(':', tell(lang, ":", "\u{a0}:"), 1)
}
