//! Short words that stand in a message's parameter `what`, in French.

/// English and French.
pub(super) const WORDS: &[(&str, &str)] = &[
    // Kinds of archives that are not read.
    ("7-Zip", "archive 7-Zip"),
    ("RAR", "archive RAR"),
    ("cabinet", "archive cabinet"),
    ("WIM", "image WIM"),
    ("xz", "fichier xz"),
    ("zstd", "fichier zstd"),
    ("bzip2", "fichier bzip2"),
    ("EnCase disk image", "image disque EnCase"),
    ("VHDX disk image", "image disque VHDX"),
    ("VMDK disk image", "image disque VMDK"),
    ("AD1 image", "image AD1"),
    // What to do with them.
    (
        "unpack it and give the folder",
        "à décompresser, puis donnez le dossier",
    ),
    (
        "mount it read-only and give the folder",
        "à monter en lecture seule, puis donnez le dossier",
    ),
    // Names in archives.
    ("climb out of the archive", "sortie de l’archive"),
    ("are absolute", "chemin absolu"),
    ("are those of devices", "nom de périphérique"),
    ("hold control characters", "caractères de contrôle"),
    ("are too long and were cut", "trop long, coupé"),
    // What of an event log's record could not be read.
    (
        "a literal of a type that has no length",
        "un littéral d’un type sans longueur",
    ),
    ("an unknown token", "un jeton inconnu"),
    (
        "templates nested too deeply",
        "des modèles imbriqués trop profondément",
    ),
    (
        "elements nested too deeply",
        "des éléments imbriqués trop profondément",
    ),
    ("too many elements", "trop d’éléments"),
    ("a value's type", "le type d’une valeur"),
    ("a value's size", "la taille d’une valeur"),
    ("a value table", "une table de valeurs"),
    ("a value count", "un nombre de valeurs"),
    ("a value", "une valeur"),
    ("values", "des valeurs"),
    ("a template header", "l’en-tête d’un modèle"),
    ("a template definition", "la définition d’un modèle"),
    ("a template identifier", "l’identifiant d’un modèle"),
    ("a template offset", "la position d’un modèle"),
    ("a template size", "la taille d’un modèle"),
    ("a template instance", "l’instance d’un modèle"),
    ("a fragment header", "l’en-tête d’un fragment"),
    ("a fragment's length", "la longueur d’un fragment"),
    ("a name's link", "le lien d’un nom"),
    ("a name's length", "la longueur d’un nom"),
    ("a name's offset", "la position d’un nom"),
    ("a name", "un nom"),
    ("a literal", "un littéral"),
    ("a processing instruction", "une instruction de traitement"),
    ("a CDATA length", "la longueur d’un CDATA"),
    ("a character reference", "une référence de caractère"),
    ("a substitution's type", "le type d’une substitution"),
    ("a substitution", "une substitution"),
    ("a text's length", "la longueur d’un texte"),
    ("an element's dependency", "la dépendance d’un élément"),
    ("an element's size", "la taille d’un élément"),
    ("an attribute list's size", "la taille d’une liste d’attributs"),
    ("a token", "un jeton"),
    (
        "more values than one record may have",
        "plus de valeurs qu’un enregistrement ne peut en avoir",
    ),
    (
        "more values than one chunk may have",
        "plus de valeurs qu’un bloc ne peut en avoir",
    ),
];

pub(super) fn french(english: &str) -> Option<&'static str> {
    WORDS
        .iter()
        .find(|(known, _)| *known == english)
        .map(|(_, french)| *french)
}
