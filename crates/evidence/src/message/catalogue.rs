//! Every code, with its sentence in both languages.
//!
//! `{name}` stands for a parameter, `{name:one|many}` for a word that agrees with it.

macro_rules! codes {
    ($($name:ident $id:literal $english:literal $french:literal;)+) => {
        /// What a [`super::Message`] is about. Its identifier is a part of the JSON contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $english] $name,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// As it is written in JSON.
            pub fn id(self) -> &'static str {
                match self {
                    $(Code::$name => $id,)+
                }
            }

            /// The code of an identifier.
            pub fn from_id(id: &str) -> Option<Code> {
                match id {
                    $($id => Some(Code::$name),)+
                    _ => None,
                }
            }

            /// English and French.
            pub(super) fn sentences(self) -> (&'static str, &'static str) {
                match self {
                    $(Code::$name => ($english, $french),)+
                }
            }
        }
    };
}

codes! {
    // Anything.
    Other "other"
        "{text}"
        "{text}";
    RestUnread "rest_unread"
        "the rest could not be read: {cause}"
        "le reste n’a pas pu être lu\u{a0}: {cause}";
    EndsBeforeSize "ends_before_size"
        "it ends before its size"
        "il se termine avant sa taille annoncée";
    BytesAfterEnd "bytes_after_end"
        "bytes after the end of the format"
        "octets après la fin du format";
    OwnError "own_error"
        "an error in Vigie itself, please report it; the rest was not read: {cause}"
        "une erreur de Vigie elle-même, merci de la signaler\u{202f}; le reste n’a pas été lu\u{a0}: {cause}";
    ContentTooLarge "content_too_large"
        "content not scanned: the file is too large"
        "contenu non examiné\u{a0}: le fichier est trop grand";
    RowsNoBatch "rows_no_batch"
        "rows that do not form a batch: {cause}"
        "lignes qui ne forment pas un lot\u{a0}: {cause}";
    // Lines and rows of text.
    LineTooLong "line_too_long"
        "line longer than {bytes} bytes"
        "ligne de plus de {bytes} octets";
    PieceTooLong "piece_too_long"
        "one piece of text is longer than {bytes} bytes"
        "un morceau de texte dépasse {bytes} octets";
    NoHeader "no_header"
        "row before any header, in a layout that is not known"
        "ligne avant tout en-tête, d’une disposition inconnue";
    NotARow "not_a_row"
        "line that is neither a row, a header nor a directive"
        "ligne qui n’est ni une donnée, ni un en-tête, ni une directive";
    WideHeader "wide_header"
        "header with more fields than a table may have columns"
        "en-tête avec plus de champs qu’une table ne peut avoir de colonnes";
    NulPadding "nul_padding"
        "NUL padding"
        "remplissage d’octets nuls";
    KeptShort "kept_short"
        "kept: {count} {count:row|rows} with fewer fields than the header"
        "gardé\u{a0}: {count} {count:ligne|lignes} avec moins de champs que l’en-tête";
    KeptLong "kept_long"
        "kept: {count} {count:row|rows} with more fields than the header"
        "gardé\u{a0}: {count} {count:ligne|lignes} avec plus de champs que l’en-tête";
    KeptRealigned "kept_realigned"
        "kept: {count} {count:row|rows} with stray spaces, aligned by the shape of the values"
        "gardé\u{a0}: {count} {count:ligne|lignes} avec des espaces en trop, {count:alignée|alignées} d’après la forme des valeurs";
    KeptUnaligned "kept_unaligned"
        "kept: {count} {count:row|rows} not fitting the header, as text in _Line"
        "gardé\u{a0}: {count} {count:ligne|lignes} sans rapport avec l’en-tête, comme texte dans _Line";
    KeptNoTime "kept_no_time"
        "kept: {count} {count:row|rows} without a readable time"
        "gardé\u{a0}: {count} {count:ligne|lignes} sans date lisible";
    KeptOpenQuote "kept_open_quote"
        "kept: {count} {count:row|rows} cut off inside a quoted field"
        "gardé\u{a0}: {count} {count:ligne coupée|lignes coupées} à l’intérieur d’un champ entre guillemets";
    KeptWindows1252 "kept_windows_1252"
        "kept: {count} {count:line|lines} not in UTF-8, read as Windows-1252"
        "gardé\u{a0}: {count} {count:ligne|lignes} hors UTF-8, {count:lue|lues} comme du Windows-1252";
    KeptBadUtf16 "kept_bad_utf16"
        "kept: text that is not valid UTF-16, with replaced characters"
        "gardé\u{a0}: du texte qui n’est pas de l’UTF-16 valide, avec des caractères remplacés";
    KeptBadJson "kept_bad_json"
        "kept: {count} {count:row|rows} whose JSON could not be read"
        "gardé\u{a0}: {count} {count:ligne|lignes} dont le JSON n’a pas pu être lu";
    KeptManyKeys "kept_many_keys"
        "kept: {count} {count:row|rows} with more keys than a table may have columns"
        "gardé\u{a0}: {count} {count:ligne|lignes} avec plus de clés qu’une table ne peut avoir de colonnes";
    RowOtherColumns "row_other_columns"
        "row with more or fewer columns than the header; those that have a name were read"
        "ligne avec plus ou moins de colonnes que l’en-tête\u{202f}; celles qui ont un nom ont été lues";
    RowUnknownTable "row_unknown_table"
        "row of a table that is not known"
        "ligne d’une table inconnue";
    RowNoColumns "row_no_columns"
        "row without columns"
        "ligne sans colonnes";
    RowNotUtf8 "row_not_utf8"
        "row that is not UTF-8"
        "ligne qui n’est pas de l’UTF-8";
    RecordTooLong "record_too_long"
        "record longer than {bytes} bytes; a closing quote may be missing"
        "enregistrement de plus de {bytes} octets\u{202f}; il manque peut-être un guillemet fermant";
    RowsNotColumns "rows_not_columns"
        "rows that could not be put into columns: {cause}"
        "lignes qui n’ont pas pu être mises en colonnes\u{a0}: {cause}";
    RowsNotTogether "rows_not_together"
        "rows that could not be put together: {cause}"
        "lignes qui n’ont pas pu être rassemblées\u{a0}: {cause}";
    ManyFieldNames "many_field_names"
        "field names beyond the 8192 one file may have, or of more than 1 KiB; their values are in the column _More"
        "noms de champs au-delà des 8192 qu’un fichier peut avoir, ou de plus de 1\u{202f}Kio\u{202f}; leurs valeurs sont dans la colonne _More";
    BytesNoText "bytes_no_text"
        "bytes that are no text in the file's encoding; replaced"
        "octets qui ne sont pas du texte dans l’encodage du fichier\u{202f}; remplacés";
    // Files as evidence.
    NoBodyFileEntry "no_body_file_entry"
        "line that is no entry of a body file"
        "ligne qui n’est pas une entrée de body file";
    NoListingEntry "no_listing_entry"
        "line that is no entry of a listing"
        "ligne qui n’est pas une entrée de liste de fichiers";
    ObjectBadJson "object_bad_json"
        "object that is not well-formed JSON"
        "objet qui n’est pas du JSON bien formé";
    ObjectNoPath "object_no_path"
        "object without a path"
        "objet sans chemin";
    DoctypeNotFollowed "doctype_not_followed"
        "document type declaration; not followed"
        "déclaration de type de document\u{202f}; non suivie";
    DocumentEndsEarly "document_ends_early"
        "the document ends too early"
        "le document se termine trop tôt";
    BadXml "bad_xml"
        "not well-formed XML: {cause}"
        "XML mal formé\u{a0}: {cause}";
    ElementsDeeper "elements_deeper"
        "elements nested deeper than {most}"
        "éléments imbriqués à plus de {most} niveaux";
    ResultsBeyondCap "results_beyond_cap"
        "results beyond the cap of {most}"
        "résultats au-delà de la limite de {most}";
    ForeignColumns "foreign_columns"
        "table with columns that this check does not write"
        "table avec des colonnes que ce contrôle n’écrit pas";
    // Events.
    ObjectNoEnd "object_no_end"
        "JSON object that does not end"
        "objet JSON qui ne se termine pas";
    LineNoObject "line_no_object"
        "line that is not a JSON object"
        "ligne qui n’est pas un objet JSON";
    TextNoObject "text_no_object"
        "text that is not a JSON object"
        "texte qui n’est pas un objet JSON";
    ObjectNoEvent "object_no_event"
        "JSON object that is not an event"
        "objet JSON qui n’est pas un événement";
    ObjectTooLong "object_too_long"
        "JSON object longer than {bytes} bytes"
        "objet JSON de plus de {bytes} octets";
    ObjectCutOff "object_cut_off"
        "JSON object cut off at the end of the file"
        "objet JSON coupé à la fin du fichier";
    EventManyValues "event_many_values"
        "event with more values than one may have"
        "événement avec plus de valeurs qu’il ne peut en avoir";
    TimeNotUnderstood "time_not_understood"
        "time that is not understood; the row has none"
        "date incomprise\u{202f}; la ligne n’en a pas";
    EventTooLong "event_too_long"
        "event longer than {bytes} bytes"
        "événement de plus de {bytes} octets";
    EventCutOff "event_cut_off"
        "event cut off at the end of the file"
        "événement coupé à la fin du fichier";
    EventBadXml "event_bad_xml"
        "event that is not well-formed XML: {cause}"
        "événement qui n’est pas du XML bien formé\u{a0}: {cause}";
    ElementsTooDeep "elements_too_deep"
        "elements nested too deeply"
        "éléments imbriqués trop profondément";
    EndsEarly "ends_early"
        "it ends too early"
        "il se termine trop tôt";
    LineBeforeEvent "line_before_event"
        "line before the first event"
        "ligne avant le premier événement";
    LogTooShort "log_too_short"
        "file shorter than an event log's header"
        "fichier plus court que l’en-tête d’un journal d’événements";
    ChunkNoSignature "chunk_no_signature"
        "chunk without its signature"
        "bloc sans sa signature";
    ChunkTooShort "chunk_too_short"
        "chunk too short for its header"
        "bloc trop court pour son en-tête";
    ChunkCutOff "chunk_cut_off"
        "the file ends in the middle of a chunk"
        "le fichier se termine au milieu d’un bloc";
    ChunkHeaderChecksum "chunk_header_checksum"
        "chunk header's checksum does not hold; its records were read all the same"
        "la somme de contrôle d’un en-tête de bloc est fausse\u{202f}; ses enregistrements ont été lus quand même";
    ChunkRecordsChecksum "chunk_records_checksum"
        "checksum of a chunk's records does not hold; they were read all the same"
        "la somme de contrôle des enregistrements d’un bloc est fausse\u{202f}; ils ont été lus quand même";
    BytesBetweenRecords "bytes_between_records"
        "bytes between records that are no record"
        "octets entre enregistrements qui n’en sont pas un";
    RecordUnread "record_unread"
        "record that cannot be read: {what}"
        "enregistrement illisible\u{a0}: {what}";
    // Paths and folders.
    At "at"
        "{path}: {said}"
        "{path}\u{a0}: {said}";
    GivenTwice "given_twice"
        "given twice, read once"
        "donné deux fois, lu une fois";
    FilesBeyondCap "files_beyond_cap"
        "{count} files beyond the cap of {most} were not read"
        "{count} {count:fichier|fichiers} au-delà de la limite de {most} {count:n’a pas été lu|n’ont pas été lus}";
    FoldersTooDeep "folders_too_deep"
        "folders nested deeper than {most} are not read"
        "les dossiers imbriqués à plus de {most} niveaux ne sont pas lus";
    FolderUnread "folder_unread"
        "the folder cannot be read: {cause}"
        "le dossier ne peut être lu\u{a0}: {cause}";
    Unread "unread"
        "cannot be read: {cause}"
        "lecture impossible\u{a0}: {cause}";
    LinkNotFollowed "link_not_followed"
        "a link, not followed"
        "un lien, non suivi";
    NotRegular "not_regular"
        "not a regular file, not read"
        "pas un fichier ordinaire, non lu";
    ChangedWhileRead "changed_while_read"
        "changed while it was read, from {before} to {after} bytes; what was read is the file as it was opened"
        "modifié pendant la lecture, de {before} à {after} octets\u{202f}; ce qui a été lu est le fichier tel qu’il a été ouvert";
    WarningsBeyondCap "warnings_beyond_cap"
        "{count} more warnings beyond the cap of {most} are not shown"
        "{count} {count:autre avertissement|autres avertissements} au-delà de la limite de {most} {count:n’est pas montré|ne sont pas montrés}";
    // Archives.
    ArchiveKindUnread "archive_kind_unread"
        "a {what} is not read; {advice}"
        "non lu, {what}\u{a0}: {advice}";
    ArchivesTooDeep "archives_too_deep"
        "archives nested deeper than {most} are not read"
        "les archives imbriquées à plus de {most} niveaux ne sont pas lues";
    ArchiveDamaged "archive_damaged"
        "the archive is damaged or cut short ({damage}); {count} entries were recovered without it"
        "l’archive est endommagée ou tronquée ({damage})\u{202f}; {count} {count:entrée a été récupérée|entrées ont été récupérées} sans lui";
    ArchiveDamagedCut "archive_damaged_cut"
        "the archive is damaged or cut short ({damage}); {count} entries were recovered without it; the last one is cut off"
        "l’archive est endommagée ou tronquée ({damage})\u{202f}; {count} {count:entrée a été récupérée|entrées ont été récupérées} sans lui\u{202f}; la dernière est coupée";
    NoDirectory "no_directory"
        "it has no central directory"
        "elle n’a pas de répertoire central";
    DirectoryDamaged "directory_damaged"
        "its central directory is damaged after {count} entries"
        "son répertoire central est endommagé après {count} {count:entrée|entrées}";
    DirectoryElsewhere "directory_elsewhere"
        "its central directory points elsewhere"
        "son répertoire central pointe ailleurs";
    DirectoryEmpty "directory_empty"
        "its central directory is empty"
        "son répertoire central est vide";
    EntriesBeyondCap "entries_beyond_cap"
        "{count} entries beyond the cap of {most} were not read"
        "{count} {count:entrée|entrées} au-delà de la limite de {most} {count:n’a pas été lue|n’ont pas été lues}";
    EntriesCapReached "entries_cap_reached"
        "entries beyond the cap of {most} were not read"
        "les entrées au-delà de la limite de {most} n’ont pas été lues";
    EntriesMiscounted "entries_miscounted"
        "its end record declares {declared} entries, its directory lists {count}; those listed were read"
        "son enregistrement final annonce {declared} {declared:entrée|entrées}, son répertoire en liste {count}\u{202f}; celles de la liste ont été lues";
    EntriesEncrypted "entries_encrypted"
        "{count} of {of} entries are encrypted and were not read (the first is {path}); unpack them with their password and give the unpacked files"
        "{count} {count:entrée|entrées} sur {of} {count:est chiffrée et n’a pas été lue|sont chiffrées et n’ont pas été lues} (la première est {path})\u{202f}; décompressez avec le mot de passe et donnez les fichiers obtenus";
    EntriesPacked "entries_packed"
        "{count} of {of} entries are packed with {method} and were not read (the first is {path}); unpack them and give the unpacked files"
        "{count} {count:entrée|entrées} sur {of} {count:est compressée par|sont compressées par} {method} et {count:n’a pas été lue|n’ont pas été lues} (la première est {path})\u{202f}; décompressez et donnez les fichiers obtenus";
    EntriesNamed "entries_named"
        "{count} entries have names that {what}; they are labels here and nothing is written (the first is {path})"
        "{count} {count:entrée a un nom à surveiller|entrées ont des noms à surveiller} ({what})\u{202f}; les noms ne sont ici que des étiquettes et rien n’est écrit (la première est {path})";
    EntriesRepeated "entries_repeated"
        "{count} entries have a name that another one has; each was read under a label of its own"
        "{count} {count:entrée porte|entrées portent} le nom d’une autre\u{202f}; chacune a été lue sous sa propre étiquette";
    EntriesOverlap "entries_overlap"
        "{count} entries overlap others and were not read: such an archive is built to be larger unpacked than it can be"
        "{count} {count:entrée en chevauche d’autres et n’a pas été lue|entrées en chevauchent d’autres et n’ont pas été lues}\u{a0}: une telle archive est faite pour être plus grande décompressée qu’elle ne peut l’être";
    EntryEncrypted "entry_encrypted"
        "encrypted; give the unpacked files"
        "chiffrée\u{202f}; donnez les fichiers décompressés";
    EntryPacked "entry_packed"
        "packed with {method}; give the unpacked files"
        "compressée par {method}\u{202f}; donnez les fichiers décompressés";
    EntryUnsupported "entry_unsupported"
        "packed with {method}, which is not supported"
        "compressée par {method}, qui n’est pas lu";
    EntryOverRatio "entry_over_ratio"
        "not read, {size} bytes out of {packed} are more than {most} to 1"
        "non lue, {size} octets tirés de {packed} dépassent {most} pour 1";
    EntryNowhere "entry_nowhere"
        "there is no entry where the archive's directory says"
        "il n’y a pas d’entrée là où le répertoire de l’archive le dit";
    EntryUnpacked "entry_unpacked"
        "cannot be unpacked: {cause}"
        "décompression impossible\u{a0}: {cause}";
    EntryCut "entry_cut"
        "cut at {bytes} bytes, more than the caps on archives allow"
        "coupée à {bytes} octets, plus que ne permettent les limites des archives";
    EntryGivesMore "entry_gives_more"
        "gives {bytes} bytes, the archive claims {claimed}"
        "donne {bytes} octets, l’archive en annonce {claimed}";
    EntryChecksum "entry_checksum"
        "its checksum is not the one the archive names; what there is was read"
        "sa somme de contrôle n’est pas celle qu’annonce l’archive\u{202f}; ce qu’il y a a été lu";
    EntryOverCaps "entry_over_caps"
        "it gives more than the caps on archives allow"
        "elle donne plus que ne permettent les limites des archives";
    ArchiveFull "archive_full"
        "not read, and what follows: the archive holds more than {most} bytes"
        "non lue, ni ce qui suit\u{a0}: l’archive contient plus de {most} octets";
    ArchiveFullAt "archive_full_at"
        "{entry} and what follows were not read: the archive holds more than {most} bytes"
        "{entry} et ce qui suit n’ont pas été lus\u{a0}: l’archive contient plus de {most} octets";
    ArchiveCutAfter "archive_cut_after"
        "the archive is damaged or cut short after {count} entries ({cause})"
        "l’archive est endommagée ou tronquée après {count} {count:entrée|entrées} ({cause})";
    PartUnpacked "part_unpacked"
        "only {bytes} bytes of it could be unpacked: {cause}"
        "seuls {bytes} octets ont pu être décompressés\u{a0}: {cause}";
    PartSpooled "part_spooled"
        "only {bytes} bytes of it could be unpacked to a temporary file: {cause}"
        "seuls {bytes} octets ont pu être décompressés dans un fichier temporaire\u{a0}: {cause}";
    NestedTooLarge "nested_too_large"
        "a nested archive of more than {most} bytes; unpack it and give the folder"
        "une archive imbriquée de plus de {most} octets\u{202f}; décompressez-la et donnez le dossier";
    // Rules, indicators, suppressions.
    RuleRefused "rule_refused"
        "rule refused: {path}: {cause}"
        "règle refusée\u{a0}: {path}\u{a0}: {cause}";
    RuleWarning "rule_warning"
        "rule: {path}: {cause}"
        "règle\u{a0}: {path}\u{a0}: {cause}";
    IndicatorRefused "indicator_refused"
        "indicator refused: {kind} {value}: {cause}"
        "indicateur refusé\u{a0}: {kind} {value}\u{a0}: {cause}";
    IndicatorsPartly "indicators_partly"
        "{path}: {used} indicators are used, {refused} entries are refused, the first: {cause}; `vigie indicators check` lists them"
        "{path}\u{a0}: {used} {used:indicateur sert|indicateurs servent}, {refused} {refused:entrée est refusée|entrées sont refusées}, la première\u{a0}: {cause}\u{202f}; `vigie indicators check` les énumère";
    IndicatorsSetAside "indicators_set_aside"
        "not used: {cause} ({count})"
        "non utilisés\u{a0}: {cause} ({count})";
    YaraRefused "yara_refused"
        "YARA rules refused: {path}: {cause}"
        "règles YARA refusées\u{a0}: {path}\u{a0}: {cause}";
    RulesLeftOut "rules_left_out"
        "{count} of {of} rules were left out as asked: what they would have found is not in this answer"
        "{count} {count:règle|règles} sur {of} {count:a été écartée|ont été écartées} à votre demande\u{a0}: ce qui aurait été trouvé ainsi n’est pas dans cette réponse";
    RulesOfPacksLeftOut "rules_of_packs_left_out"
        "{count} of {of} rules were left out as asked, {packs} of them rules of packs: what they would have found is not in this answer"
        "{count} {count:règle|règles} sur {of} {count:a été écartée|ont été écartées} à votre demande, dont {packs} de packs\u{a0}: ce qui aurait été trouvé ainsi n’est pas dans cette réponse";
    PickIdle "pick_idle"
        "no rule has the identifier, tag or log source {pick} that was asked for"
        "aucune règle n’a l’identifiant, l’étiquette ou la source {pick} que vous avez demandé";
    SuppressionRefused "suppression_refused"
        "suppression refused: {path}: {cause}"
        "exclusion refusée\u{a0}: {path}\u{a0}: {cause}";
    NotYaml "not_yaml"
        "it is not YAML: {cause}"
        "ce n’est pas du YAML\u{a0}: {cause}";
    SuppressionsNoList "suppressions_no_list"
        "a file of suppressions is a list: every entry begins with `- rule:`"
        "un fichier d’exclusions est une liste\u{a0}: chaque entrée commence par `- rule:`";
    SuppressionsTooMany "suppressions_too_many"
        "it has {count} entries; a file may have {most}"
        "il a {count} entrées\u{202f}; un fichier peut en avoir {most}";
    SuppressionNoMapping "suppression_no_mapping"
        "an entry is a mapping with rule, reason, author, expires"
        "une entrée a les clés rule, reason, author, expires";
    SuppressionUnknownKey "suppression_unknown_key"
        "unknown key {key}; an entry has {keys}"
        "clé inconnue {key}\u{202f}; une entrée a {keys}";
    SuppressionHidesAll "suppression_hides_all"
        "it would hide everything: name a rule, a host, a tenant or fields"
        "elle cacherait tout\u{a0}: nommez une règle, une machine, un client ou des champs";
    KeyNoText "key_no_text"
        "{key} is empty, or not a text"
        "{key} est vide, ou n’est pas un texte";
    ReasonMissing "reason_missing"
        "reason is missing: say why these events are harmless"
        "reason manque\u{a0}: dites pourquoi ces événements sont inoffensifs";
    AuthorMissing "author_missing"
        "author is missing: say who decided it"
        "author manque\u{a0}: dites qui l’a décidé";
    ExpiresMissing "expires_missing"
        "expires is missing: say until when, as 2021-06-30: nothing is suppressed for ever"
        "expires manque\u{a0}: dites jusqu’à quand, comme 2021-06-30\u{a0}: rien n’est exclu pour toujours";
    RuleMissing "rule_missing"
        "rule is missing: name the identifier or the title of a rule"
        "rule manque\u{a0}: nommez l’identifiant ou le titre d’une règle";
    ExpiresNoDate "expires_no_date"
        "{text} is not a date; write expires as 2021-06-30 or 2021-06-30T18:00:00Z (UTC)"
        "{text} n’est pas une date\u{202f}; écrivez expires comme 2021-06-30 ou 2021-06-30T18:00:00Z (UTC)";
    FieldsNoMapping "fields_no_mapping"
        "fields is a mapping of fields to values, such as Image|endswith: '\\x.exe'"
        "fields donne des valeurs à des champs, comme Image|endswith: \"\\x.exe\"";
    FieldNameNoText "field_name_no_text"
        "the name of a field is a text"
        "le nom d’un champ est un texte";
    FieldNoValue "field_no_value"
        "{key} has a value that is neither a text nor a list of texts"
        "{key} a une valeur qui n’est ni un texte ni une liste de textes";
    FieldsUnusable "fields_unusable"
        "its fields cannot be used: {cause}"
        "ses champs ne peuvent servir\u{a0}: {cause}";
    SuppressionExpired "suppression_expired"
        "suppression expired: {path}: {rule} until {until}; it hides nothing any more"
        "exclusion expirée\u{a0}: {path}\u{a0}: {rule} jusqu’au {until}\u{202f}; elle ne cache plus rien";
    SuppressionTooLong "suppression_too_long"
        "suppression for longer than two years: {path}: {rule} until {until}; nobody will look at it again"
        "exclusion de plus de deux ans\u{a0}: {path}\u{a0}: {rule} jusqu’au {until}\u{202f}; personne ne la reverra";
    SuppressionIdle "suppression_idle"
        "suppression without effect: {path}: {rule} hid nothing"
        "exclusion sans effet\u{a0}: {path}\u{a0}: {rule} n’a rien caché";
    EventsSuppressed "events_suppressed"
        "{count} events were suppressed as harmless and are in no finding"
        "{count} {count:événement exclu comme inoffensif ne figure|événements exclus comme inoffensifs ne figurent} dans aucun constat";
    // Answers.
    CorrelationsFull "correlations_full"
        "{count} events were too many for their correlations: what was found stands, more might have been found"
        "{count} {count:événement était|événements étaient} de trop pour leurs corrélations\u{a0}: ce qui a été trouvé reste vrai, il pouvait y avoir davantage";
    IndicatorsNotValid "indicators_not_valid"
        "{count} hits of indicators are no findings: the events lie before valid_from or after valid_until of the indicator"
        "{count} {count:correspondance|correspondances} d’indicateurs ne {count:donne|donnent} aucun constat\u{a0}: les événements précèdent valid_from ou suivent valid_until de l’indicateur";
    IndicatorsTooMany "indicators_too_many"
        "{count} hits of indicators are no findings: {most} other indicators hit already; does a list name what every machine has?"
        "{count} {count:correspondance|correspondances} d’indicateurs ne {count:donne|donnent} aucun constat\u{a0}: {most} autres indicateurs correspondaient déjà\u{202f}; une liste nomme-t-elle ce que toute machine possède\u{202f}?";
    HostFolded "host_folded"
        "{count} record(s) naming {stray} were counted for {host}: a former name or a stray record"
        "{count} {count:enregistrement qui nomme|enregistrements qui nomment} {stray} {count:a été compté|ont été comptés} pour {host}\u{a0}: un ancien nom ou un enregistrement égaré";
    ScanOutOfTime "scan_out_of_time"
        "{path}: the content scan ran out of time; scan this file by hand"
        "{path}\u{a0}: l’examen du contenu a manqué de temps\u{202f}; examinez ce fichier à la main";
    ClockOff "clock_off"
        "{path}: its clock disagrees with UTC ({between}); {hours} h applied to {rows} record(s)"
        "{path}\u{a0}: son horloge ne s’accorde pas avec UTC ({between})\u{202f}; {hours} h appliquées à {rows} {rows:enregistrement|enregistrements}";
}
