//! Labels of rendered events, English and French, and the fields they stand for.

/// Whom or what the labels below a heading are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Anything without a meaning of its own.
    None,
    /// Who did it.
    Subject,
    /// To whom it was done, or who logged on.
    Target,
    /// Who was added to or removed from a group.
    Member,
    /// The group.
    Group,
    /// The service a ticket is for.
    Service,
}

const SECTIONS: [(Section, &[&str]); 5] = [
    (
        Section::Subject,
        &[
            "subject",
            "creator subject",
            "sujet",
            "objet",
            "sujet du créateur",
            "objet du créateur",
        ],
    ),
    (
        Section::Target,
        &[
            "new logon",
            "nouvelle ouverture de session",
            "account for which logon failed",
            "compte pour lequel l'ouverture de session a échoué",
            "account whose credentials were used",
            "compte dont les informations d'identification ont été utilisées",
            "target account",
            "compte cible",
            "new account",
            "nouveau compte",
            "account information",
            "informations sur le compte",
            "informations de compte",
            "target subject",
            "sujet cible",
            "account that was locked out",
            "compte verrouillé",
            "user",
            "utilisateur",
        ],
    ),
    (Section::Member, &["member", "membre"]),
    (
        Section::Group,
        &["group", "groupe", "new group", "nouveau groupe"],
    ),
    (
        Section::Service,
        &["service information", "informations sur le service"],
    ),
];

/// What a heading announces.
pub(super) fn section_of(label: &str) -> Section {
    SECTIONS
        .iter()
        .find(|(_, labels)| labels.contains(&label))
        .map_or(Section::None, |(section, _)| *section)
}

/// The account of a section: its fields for identifier, name, domain and session.
fn account(section: Section) -> [Option<&'static str>; 4] {
    match section {
        Section::Subject => [
            Some("SubjectUserSid"),
            Some("SubjectUserName"),
            Some("SubjectDomainName"),
            Some("SubjectLogonId"),
        ],
        Section::Target => [
            Some("TargetUserSid"),
            Some("TargetUserName"),
            Some("TargetDomainName"),
            Some("TargetLogonId"),
        ],
        Section::Member => [Some("MemberSid"), Some("MemberName"), None, None],
        Section::Group => [
            Some("TargetSid"),
            Some("TargetUserName"),
            Some("TargetDomainName"),
            None,
        ],
        Section::Service => [Some("ServiceSid"), Some("ServiceName"), None, None],
        Section::None => [None; 4],
    }
}

/// Labels that mean the same wherever they stand.
const LABELS: [(&str, &[&str]); 48] = [
    ("NewProcessId", &["new process id", "id du nouveau processus"]),
    (
        "NewProcessName",
        &["new process name", "nom du nouveau processus"],
    ),
    (
        "TokenElevationType",
        &[
            "token elevation type",
            "type d'élévation de jeton",
            "type d'élévation du jeton",
        ],
    ),
    ("MandatoryLabel", &["mandatory label", "étiquette obligatoire"]),
    (
        "ParentProcessName",
        &[
            "creator process name",
            "nom du processus créateur",
            "nom du processus de création",
        ],
    ),
    (
        "CommandLine",
        &[
            "process command line",
            "ligne de commande de processus",
            "ligne de commande du processus",
        ],
    ),
    (
        "ProcessId",
        &[
            "process id",
            "creator process id",
            "caller process id",
            "id du processus",
            "id de processus",
            "id du processus créateur",
            "id du processus de création",
            "id du processus de l'appelant",
        ],
    ),
    (
        "ProcessName",
        &[
            "process name",
            "caller process name",
            "nom du processus",
            "nom du processus de l'appelant",
        ],
    ),
    ("LogonType", &["logon type", "type d'ouverture de session"]),
    ("LogonGuid", &["logon guid", "guid d'ouverture de session"]),
    (
        "WorkstationName",
        &[
            "workstation name",
            "source workstation",
            "nom de la station de travail",
            "nom de station de travail",
            "station de travail source",
        ],
    ),
    (
        "IpAddress",
        &[
            "source network address",
            "network address",
            "source address",
            "client address",
            "adresse du réseau source",
            "adresse réseau source",
            "adresse réseau",
            "adresse source",
            "adresse du client",
            "adresse client",
        ],
    ),
    (
        "IpPort",
        &[
            "source port",
            "client port",
            "port source",
            "port client",
            "port du client",
        ],
    ),
    (
        "LogonProcessName",
        &["logon process", "processus d'ouverture de session"],
    ),
    (
        "AuthenticationPackageName",
        &["authentication package", "package d'authentification"],
    ),
    (
        "KeyLength",
        &["key length", "longueur de la clé", "longueur de clé"],
    ),
    ("FailureReason", &["failure reason", "raison de l'échec"]),
    (
        "Status",
        &[
            "status",
            "failure code",
            "result code",
            "error code",
            "statut",
            "état",
            "code d'échec",
            "code de résultat",
            "code d'erreur",
        ],
    ),
    ("SubStatus", &["sub status", "sous-statut", "sous-état"]),
    (
        "TicketOptions",
        &["ticket options", "options du ticket", "options de ticket"],
    ),
    (
        "TicketEncryptionType",
        &[
            "ticket encryption type",
            "type de chiffrement du ticket",
            "type de cryptage du ticket",
        ],
    ),
    (
        "PreAuthType",
        &["pre-authentication type", "type de pré-authentification"],
    ),
    ("ShareName", &["share name", "nom de partage", "nom du partage"]),
    (
        "ShareLocalPath",
        &["share path", "chemin de partage", "chemin du partage"],
    ),
    (
        "RelativeTargetName",
        &[
            "relative target name",
            "nom de la cible relative",
            "nom de cible relative",
        ],
    ),
    ("AccessMask", &["access mask", "masque d'accès"]),
    ("AccessList", &["accesses", "accès"]),
    (
        "ObjectServer",
        &["object server", "serveur de l'objet", "serveur d'objet"],
    ),
    ("ObjectType", &["object type", "type d'objet"]),
    ("ObjectName", &["object name", "nom de l'objet", "nom d'objet"]),
    (
        "ObjectValueName",
        &["object value name", "nom de la valeur de l'objet"],
    ),
    ("Properties", &["properties", "propriétés"]),
    ("TaskName", &["task name", "nom de la tâche", "nom de tâche"]),
    (
        "TaskContent",
        &[
            "task content",
            "task new content",
            "contenu de la tâche",
            "contenu de tâche",
        ],
    ),
    ("PrivilegeList", &["privileges", "privilèges"]),
    (
        "ServiceName",
        &["service name", "nom du service", "nom de service"],
    ),
    (
        "SamAccountName",
        &["sam account name", "nom de compte sam", "nom du compte sam"],
    ),
    ("ObjectDN", &["dn"]),
    ("ObjectClass", &["class", "classe"]),
    (
        "AttributeLDAPDisplayName",
        &["ldap display name", "nom complet ldap"],
    ),
    ("AttributeValue", &["value", "valeur"]),
    (
        "TargetUserName",
        &[
            "group name",
            "nom du groupe",
            "logon account",
            "compte d'ouverture de session",
        ],
    ),
    ("TargetDomainName", &["group domain", "domaine du groupe"]),
    (
        "TargetServerName",
        &["target server name", "nom du serveur cible"],
    ),
    (
        "TargetInfo",
        &["additional information", "informations supplémentaires"],
    ),
    ("Threat Name", &["name", "nom"]),
    ("Path", &["path", "chemin", "chemin d'accès"]),
    ("ElevatedToken", &["elevated token", "jeton élevé"]),
];

/// Labels of an installed service: field in the System log (7045), field in the Security log (4697).
const SERVICE_LABELS: [(&str, &str, &[&str]); 4] = [
    (
        "ImagePath",
        "ServiceFileName",
        &[
            "service file name",
            "nom du fichier de service",
            "nom du fichier du service",
            "nom de fichier de service",
        ],
    ),
    (
        "ServiceType",
        "ServiceType",
        &["service type", "type de service", "type du service"],
    ),
    (
        "StartType",
        "ServiceStartType",
        &[
            "service start type",
            "type de démarrage du service",
            "type de démarrage de service",
        ],
    ),
    (
        "AccountName",
        "ServiceAccount",
        &["service account", "compte de service", "compte du service"],
    ),
];

/// Events of Defender that name a threat.
const DEFENDER: [&str; 5] = ["1006", "1007", "1015", "1116", "1117"];

/// The field a label stands for, in this event and below this heading.
pub(super) fn field_of(event_id: &str, section: Section, label: &str) -> Option<&'static str> {
    let [sid, name, domain, session] = account(section);
    let of_account = match label {
        "security id" | "user id" | "service id" | "id de sécurité" | "id d'utilisateur"
        | "id de service" => sid,
        "account name" | "nom du compte" | "nom de compte" => name,
        "account domain" | "domaine du compte" | "domaine de compte" => domain,
        "logon id" | "id d'ouverture de session" | "id de session" => session,
        _ => None,
    };
    let of_service = || {
        SERVICE_LABELS
            .iter()
            .find(|(_, _, labels)| labels.contains(&label))
            .map(|(system, security, _)| if event_id == "7045" { *system } else { *security })
    };
    of_account.or_else(of_service).or_else(|| {
        LABELS
            .iter()
            .find(|(_, labels)| labels.contains(&label))
            .map(|(field, _)| *field)
            // A bare `Name:` means the threat only in what Defender says.
            .filter(|field| *field != "Threat Name" || DEFENDER.contains(&event_id))
    })
}
