//! Why a file as a whole is refused.

use std::fmt;

use super::{Format, MAX_BYTES, MAX_ROWS, TableView};
use crate::Said;

/// A file that is no inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InventoryError {
    /// There is nothing in it.
    Empty,
    /// It is too large.
    TooLarge,
    /// It has too many rows, hosts or machines.
    TooManyRows,
    /// It has a row with more cells than any table.
    TooWide,
    /// It is not text.
    NotText,
    /// No column is known to name servers.
    NoServers {
        /// The headers.
        found: String,
        /// The tables as far as they were understood.
        tables: Vec<TableView>,
    },
    /// A list of programs that does not say on which machines they are.
    NoMachines,
    /// A zip archive that is no workbook, or a workbook that is broken.
    Xlsx(Said),
    /// A workbook or a compressed file that unpacks to too much.
    Unpacked,
    /// A compound file.
    Compound,
    /// XML or JSON of a kind that is not known; what it begins with.
    Unknown(String),
    /// It was recognised, and cannot be read.
    Broken {
        /// As what.
        format: Format,
        /// Why.
        why: Said,
    },
}

impl InventoryError {
    pub(super) fn broken(format: Format, why: Said) -> InventoryError {
        InventoryError::Broken { format, why }
    }

    /// What it is, and what to do.
    pub fn said(&self) -> Said {
        let plain = |en: &str, fr: &str| Said::new(en, fr);
        let mib = MAX_BYTES >> 20;
        match self {
            InventoryError::Empty => plain("it is empty", "il est vide"),
            InventoryError::TooLarge => Said::new(
                format!("it is larger than {mib} MiB: split it"),
                format!("il dépasse {mib} Mio : le découper"),
            ),
            InventoryError::TooManyRows => Said::new(
                format!("it has more than {MAX_ROWS} rows: split it"),
                format!("il a plus de {MAX_ROWS} lignes : le découper"),
            ),
            InventoryError::TooWide => plain(
                "it has a row with more than 100,000 cells: it is no table of servers",
                "il a une ligne de plus de 100 000 cellules : ce n’est pas un tableau de serveurs",
            ),
            InventoryError::NotText => plain(
                "it is neither a table of text nor a format that is known: save it as CSV",
                "ce n’est ni un tableau en texte ni un format connu : l’enregistrer en CSV",
            ),
            InventoryError::NoServers { found, .. } => Said::new(
                format!(
                    "no column names servers: found {found}; name one `server` or `fqdn`, map one with --map, or save a mapping with `vigie exposure inventory --save-mapping`"
                ),
                format!(
                    "aucune colonne ne nomme de serveurs : trouvé {found} ; en nommer une `server` ou `fqdn`, en désigner une avec --map, ou enregistrer une correspondance avec `vigie exposure inventory --save-mapping`"
                ),
            ),
            InventoryError::NoMachines => plain(
                "it lists programs and not the machines they are on: export the devices, or the software of each device",
                "il liste des logiciels sans les machines où ils sont : exporter les appareils, ou les logiciels par appareil",
            ),
            InventoryError::Xlsx(why) => Said::new(
                format!(
                    "it cannot be read as an XLSX workbook: {}; open and save it again as .xlsx, or as CSV",
                    why.en
                ),
                format!(
                    "il ne peut pas être lu comme un classeur XLSX : {} ; l’ouvrir et l’enregistrer de nouveau en .xlsx, ou en CSV",
                    why.fr
                ),
            ),
            InventoryError::Unpacked => Said::new(
                format!(
                    "it unpacks to more than {mib} MiB or two million cells: split it, or save the sheet of servers as CSV"
                ),
                format!(
                    "décompressé, il dépasse {mib} Mio ou deux millions de cellules : le découper, ou enregistrer la feuille des serveurs en CSV"
                ),
            ),
            InventoryError::Compound => plain(
                "it is password protected or an old .xls: save it as .xlsx or CSV, without a password",
                "il est protégé par mot de passe, ou c’est un ancien .xls : l’enregistrer en .xlsx ou en CSV, sans mot de passe",
            ),
            InventoryError::Unknown(begins) => Said::new(
                format!(
                    "it begins with {begins}, which no known inventory does; docs/inventory.md lists what is read"
                ),
                format!(
                    "il commence par {begins}, comme aucun inventaire connu ; docs/inventory.md dit ce qui est lu"
                ),
            ),
            InventoryError::Broken { format, why } => {
                let title = format.title();
                Said::new(
                    format!("it cannot be read as {}: {}", title.en, why.en),
                    format!("il ne peut pas être lu comme {} : {}", title.fr, why.fr),
                )
            }
        }
    }
}

impl fmt::Display for InventoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said().en)
    }
}

impl std::error::Error for InventoryError {}
