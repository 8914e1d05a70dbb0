//! What problems say, in French. English is what the code says; this page has the French of each sentence.
//!
//! `{}` stands for what is filled in, `{0}`, `{1}` for where it goes. A test looks for sentences in the code that are missing
//! here. What other libraries say (of a body that is no JSON, say) stays as it is.

/// Titles, and what to do.
pub(super) const SENTENCES: &[(&str, &str)] = &[
    (
        "the request cannot be understood",
        "la requête ne peut être comprise",
    ),
    (
        "Correct the request; /api/v1/openapi.json says what is expected.",
        "Corrigez la requête\u{202f}; /api/v1/openapi.json dit ce qui est attendu.",
    ),
    ("a value cannot be accepted", "une valeur ne peut être acceptée"),
    (
        "Correct the value and send it again.",
        "Corrigez la valeur et renvoyez-la.",
    ),
    ("there is no such thing", "cela n’existe pas"),
    (
        "Look at the address; what you may not see does not exist for you.",
        "Vérifiez l’adresse\u{202f}; ce que vous ne pouvez pas voir n’existe pas pour vous.",
    ),
    ("nobody knows who asks", "personne ne sait qui demande"),
    (
        "Sign in, or send an API key as `Authorization: Bearer ...`.",
        "Connectez-vous, ou envoyez une clé d’API dans l’en-tête Authorization (Bearer).",
    ),
    ("too many requests", "trop de requêtes"),
    (
        "Wait for the seconds of `retry_after`, then go on more slowly.",
        "Attendez le nombre de secondes de `retry_after`, puis continuez plus lentement.",
    ),
    ("the server made a mistake", "le serveur a commis une erreur"),
    (
        "Look whether the change is there, then try again; tell whoever runs the server.",
        "Vérifiez si la modification est faite, puis réessayez\u{202f}; prévenez la personne qui administre le serveur.",
    ),
    ("you may not do this", "vous n’en avez pas le droit"),
    (
        "Ask an administrator for the right, or somebody who has it to do it.",
        "Demandez ce droit à un administrateur, ou l’acte à quelqu’un qui l’a.",
    ),
    (
        "somebody changed it meanwhile",
        "quelqu’un l’a modifié entre-temps",
    ),
    (
        "Read it again, look at what changed, and repeat your change with the new ETag.",
        "Relisez-le, regardez ce qui a changé, puis refaites votre modification avec le nouvel ETag.",
    ),
    ("the name is taken", "le nom est pris"),
    (
        "Choose another name, or change the one that is there.",
        "Choisissez un autre nom, ou modifiez celui qui existe.",
    ),
    ("it cannot be done as things stand", "c’est impossible en l’état"),
    (
        "Do first what the detail says.",
        "Faites d’abord ce que dit le détail.",
    ),
    ("Sign in as a person.", "Connectez-vous en tant que personne."),
    ("a code is needed", "un code est nécessaire"),
    (
        "Send the same again with `code`: what your telephone shows, or a recovery code.",
        "Renvoyez la même chose avec `code`\u{a0}: ce qu’affiche votre téléphone, ou un code de secours.",
    ),
    ("too many attempts", "trop de tentatives"),
    (
        "Wait until then. If it was not you who tried, tell an administrator.",
        "Attendez jusque-là. Si ce n’était pas vous, prévenez un administrateur.",
    ),
    (
        "the database cannot be reached",
        "la base de données est injoignable",
    ),
    ("Try again in a moment.", "Réessayez dans un instant."),
    (
        "nobody knows whether it was done",
        "nul ne sait si cela a été fait",
    ),
    (
        "Look whether the change is there, or repeat it with the same Idempotency-Key.",
        "Vérifiez si la modification est faite, ou répétez-la avec la même Idempotency-Key.",
    ),
    ("no space is left", "il n’y a plus de place"),
    (
        "no space is left on the server's disk; what was acknowledged before is safe",
        "il n’y a plus de place sur le disque du serveur\u{202f}; ce qui avait été confirmé est en sûreté",
    ),
    (
        "Tell whoever runs the server to make room, then repeat; of an upload, look first where it stands.",
        "Demandez à la personne qui administre le serveur de faire de la place, puis recommencez\u{202f}; pour un envoi, regardez d’abord où il en est.",
    ),
    (
        "what is stored is not what was written",
        "ce qui est conservé n’est pas ce qui a été écrit",
    ),
    (
        "Restore it from a backup; tell whoever runs the server.",
        "Restaurez-le depuis une sauvegarde\u{202f}; prévenez la personne qui administre le serveur.",
    ),
    (
        "too many transfers are on their way",
        "trop de transferts sont en cours",
    ),
    (
        "Wait for one to end, then try again.",
        "Attendez la fin de l’un d’eux, puis réessayez.",
    ),
    ("the server is stopping", "le serveur s’arrête"),
    (
        "the request does not come from our pages",
        "la requête ne vient pas de nos pages",
    ),
    (
        "Send the `csrf` of GET /api/v1/session as X-CSRF-Token.",
        "Envoyez le `csrf` de GET /api/v1/session dans l’en-tête X-CSRF-Token.",
    ),
    ("the request is being done", "la requête est en cours"),
    (
        "Wait a moment, then send the same again for its answer.",
        "Attendez un instant, puis renvoyez la même pour obtenir sa réponse.",
    ),
    (
        "it was done, and its answer was too large to keep",
        "c’est fait, et la réponse était trop grande pour être conservée",
    ),
    (
        "Read what it made; do not send it again.",
        "Lisez ce qui a été créé\u{202f}; ne renvoyez pas la requête.",
    ),
    (
        "the body is not said to be JSON",
        "le corps n’est pas déclaré comme JSON",
    ),
    (
        "Send it with `Content-Type: application/json`.",
        "Envoyez-le avec `Content-Type: application/json`.",
    ),
    ("the body is too large", "le corps est trop grand"),
    (
        "Send less at once; evidence goes through /uploads, in parts.",
        "Envoyez-en moins à la fois\u{202f}; les preuves passent par /uploads, par morceaux.",
    ),
    (
        "it must be said what is being changed",
        "il faut dire ce qui est modifié",
    ),
    (
        "Read it first, and send its ETag as `If-Match`.",
        "Lisez-le d’abord, et envoyez son ETag dans `If-Match`.",
    ),
    ("it cannot be asked for that way", "cela ne se demande pas ainsi"),
    (
        "Look at /api/v1/openapi.json for what it takes.",
        "Consultez /api/v1/openapi.json pour savoir ce qui est accepté.",
    ),
    (
        "too many streams of events are open",
        "trop de flux d’événements sont ouverts",
    ),
    (
        "Close one first: a window of the pages that is not needed any more.",
        "Fermez-en d’abord un\u{a0}: une fenêtre des pages qui ne sert plus.",
    ),
    ("the body took too long", "le corps a mis trop longtemps"),
    (
        "Send it again, over a better connection.",
        "Renvoyez-le, par une meilleure connexion.",
    ),
    ("the upload is elsewhere", "l’envoi en est ailleurs"),
    (
        "Go on from the offset in `current`.",
        "Reprenez à la position donnée dans `current`.",
    ),
];

/// What happened.
pub(super) const DETAILS: &[(&str, &str)] = &[
    (
        "body: Failed to deserialize the JSON body into the target type: {}",
        "le corps ne convient pas\u{a0}: {0}",
    ),
    (
        "Failed to parse the request body as JSON: {}",
        "le corps n’est pas du JSON\u{a0}: {0}",
    ),
    (
        "Failed to buffer the request body: {}",
        "le corps n’a pu être reçu\u{a0}: {0}",
    ),
    (
        "Invalid URL: {} is not an identifier such as {}",
        "l’adresse contient {0}, qui n’est pas un identifiant comme {1}",
    ),
    ("Invalid URL: {}", "l’adresse n’est pas valable\u{a0}: {0}"),
    ("there is no such account", "ce compte n’existe pas"),
    ("there is no such address", "cette adresse n’existe pas"),
    ("there is no such alert", "cette alerte n’existe pas"),
    ("there is no such campaign", "cette campagne n’existe pas"),
    ("there is no such case", "ce dossier n’existe pas"),
    ("there is no such cell", "cette case n’existe pas"),
    ("there is no such dismissal", "cette mise à l’écart n’existe pas"),
    ("there is no such evidence", "cette preuve n’existe pas"),
    ("there is no such finding", "ce constat n’existe pas"),
    ("there is no such hold", "ce gel juridique n’existe pas"),
    ("there is no such hunt", "cette chasse n’existe pas"),
    (
        "there is no such identity provider",
        "il n’y a pas de fournisseur d’identité",
    ),
    ("there is no such item", "cet élément n’existe pas"),
    ("there is no such job", "cette tâche n’existe pas"),
    ("there is no such key", "cette clé n’existe pas"),
    ("there is no such pack", "ce pack n’existe pas"),
    ("there is no such server", "ce serveur n’existe pas"),
    ("there is no such session", "cette session n’existe pas"),
    ("there is no such tenant", "ce client n’existe pas"),
    ("there is no such upload", "cet envoi n’existe pas"),
    (
        "there is already a account named {}",
        "un compte s’appelle déjà {0}",
    ),
    (
        "there is already a server named {}",
        "un serveur s’appelle déjà {0}",
    ),
    (
        "there is already a tenant named {}",
        "un client s’appelle déjà {0}",
    ),
    (
        "there is already a identity named {}",
        "l’identité {0} est déjà celle d’un compte",
    ),
    (
        "this needs the right {}, which {} does not have",
        "il faut pour cela le droit {0}, que le rôle {1} n’a pas",
    ),
    (
        "somebody changed it meanwhile: it is at revision {}; read it again, then repeat the change",
        "quelqu’un l’a modifié entre-temps\u{a0}: il en est à la révision {0}\u{202f}; relisez-le, puis refaites la modification",
    ),
    (
        "a code of the second factor is needed",
        "un code du second facteur est nécessaire",
    ),
    (
        "too many attempts: try again after {}",
        "trop de tentatives\u{a0}: réessayez après {0}",
    ),
    (
        "the connection to the database was lost while committing: look whether the change is there, or repeat it with its idempotency key",
        "la connexion à la base de données a été perdue pendant l’enregistrement\u{a0}: vérifiez si la modification est faite, ou répétez-la avec sa clé d’idempotence",
    ),
    ("{} is damaged: {}", "endommagé\u{a0}: {0} ({1})"),
    (
        "more requests came than one may send",
        "il est venu plus de requêtes qu’on ne peut en envoyer",
    ),
    (
        "the request failed for a reason that is written in the server's log",
        "la requête a échoué pour une raison inscrite au journal du serveur",
    ),
    (
        "the database cannot be reached, or is busy with something long",
        "la base de données est injoignable, ou occupée par une longue tâche",
    ),
    (
        "no space is left on the server's disk; nothing of this was kept",
        "il n’y a plus de place sur le disque du serveur\u{202f}; rien de ceci n’a été conservé",
    ),
    (
        "the server is stopping, and did not begin this",
        "le serveur s’arrête, et n’a pas commencé ceci",
    ),
    (
        "the body was not there within {} seconds",
        "le corps n’était pas là en {0} secondes",
    ),
    (
        "{} streams of events may be open at once",
        "{0} flux d’événements peuvent être ouverts à la fois",
    ),
    (
        "{} uploads and exports are on their way",
        "{0} envois et exports sont en cours",
    ),
    (
        "the header Authorization is not `Bearer` and a key",
        "l’en-tête Authorization n’est pas `Bearer` suivi d’une clé",
    ),
    (
        "there is neither a session nor a key",
        "il n’y a ni session ni clé",
    ),
    (
        "the header X-CSRF-Token is missing or is not this session's",
        "l’en-tête X-CSRF-Token manque ou n’est pas celui de cette session",
    ),
    (
        "no sign-in waits for a code: begin again",
        "aucune connexion n’attend de code\u{a0}: recommencez",
    ),
    ("an API key has no session", "une clé d’API n’a pas de session"),
    (
        "the link was used already, or is too old: ask for a new one",
        "le lien a déjà servi ou est trop ancien\u{a0}: demandez-en un nouveau",
    ),
    (
        "no account is linked to this identity: ask an administrator",
        "aucun compte n’est lié à cette identité\u{a0}: demandez à un administrateur",
    ),
    ("the account is closed", "le compte est fermé"),
    ("wrong code", "le code est faux"),
    (
        "the sign-in took too long, or was begun elsewhere: begin again",
        "la connexion a trop duré, ou a été commencée ailleurs\u{a0}: recommencez",
    ),
    (
        "the session has ended: sign in again",
        "la session est terminée\u{a0}: reconnectez-vous",
    ),
    (
        "wrong login, password or code",
        "identifiant, mot de passe ou code faux",
    ),
    (
        "the key is unknown, expired or revoked",
        "la clé est inconnue, expirée ou révoquée",
    ),
    (
        "{} is not an identifier such as {}",
        "{0} n’est pas un identifiant comme {1}",
    ),
    (
        "the query cannot be understood: {}",
        "les paramètres ne peuvent être compris\u{a0}: {0}",
    ),
    ("the body must be JSON", "le corps doit être du JSON"),
    ("the header If-Match is missing", "l’en-tête If-Match manque"),
    (
        "If-Match is not an ETag that was given, such as {}",
        "If-Match n’est pas un ETag qui a été donné, comme {0}",
    ),
    (
        "this address does not take that method",
        "cette adresse n’accepte pas cette méthode",
    ),
    (
        "the header Upload-Offset is missing or is no number",
        "l’en-tête Upload-Offset manque ou n’est pas un nombre",
    ),
    (
        "{} bytes were received, and these are to begin at {}",
        "{0} octets ont été reçus, et ceux-ci devraient commencer à {1}",
    ),
    (
        "the body is too large to be sent with an Idempotency-Key, or was cut off",
        "le corps est trop grand pour être envoyé avec une Idempotency-Key, ou a été coupé",
    ),
    (
        "a request with this Idempotency-Key is being done right now",
        "une requête avec cette Idempotency-Key est en cours",
    ),
    ("the answer had the SHA-256 {}", "la réponse avait le SHA-256 {0}"),
    ("it is not text", "ce n’est pas du texte"),
    ("it is not HEADER=MEANING", "ce n’est pas EN-TÊTE=SENS"),
    (
        "{} is no meaning of a column",
        "{0} n’est pas le sens d’une colonne",
    ),
    (
        "no identity provider is configured: start the server with --oidc-issuer",
        "aucun fournisseur d’identité n’est configuré\u{a0}: démarrez le serveur avec --oidc-issuer",
    ),
    (
        "issuer and subject must be given, and be shorter than {} bytes",
        "l’émetteur et le sujet doivent être donnés, et faire moins de {0} octets",
    ),
    (
        "it holds control characters",
        "il contient des caractères de contrôle",
    ),
    (
        "the account has {} identities already: take them away first",
        "le compte a déjà {0} identités\u{a0}: retirez-les d’abord",
    ),
    (
        "it is not a path of this site",
        "ce n’est pas un chemin de ce site",
    ),
    (
        "{} characters; between {} and {} are needed",
        "{0} caractères\u{202f}; il en faut entre {1} et {2}",
    ),
    (
        "fewer than {} different characters",
        "moins de {0} caractères différents",
    ),
    ("it holds the login", "il contient l’identifiant"),
    (
        "the password cannot be hashed: {}",
        "le mot de passe ne peut être haché\u{a0}: {0}",
    ),
    (
        "a client's contact belongs to his own tenants, never to all",
        "le contact d’un client est rattaché à ses propres clients, jamais à tous",
    ),
    (
        "an administrator is there for all tenants",
        "un administrateur est là pour tous les clients",
    ),
    (
        "no administrator would be left: make another one first",
        "il ne resterait aucun administrateur\u{a0}: nommez-en d’abord un autre",
    ),
    (
        "they must be an object of at most {} bytes",
        "elles doivent être un objet d’au plus {0} octets",
    ),
    (
        "it is not the present password",
        "ce n’est pas le mot de passe actuel",
    ),
    (
        "there is a second factor already: take it away first",
        "il y a déjà un second facteur\u{a0}: retirez-le d’abord",
    ),
    (
        "it is not the one the telephone shows now",
        "ce n’est pas celui que le téléphone affiche maintenant",
    ),
    (
        "there is a second factor already",
        "il y a déjà un second facteur",
    ),
    (
        "only a person has an account of their own",
        "seule une personne a un compte à elle",
    ),
    (
        "a key without rights is of no use",
        "une clé sans droits ne sert à rien",
    ),
    (
        "you are not there for all tenants: name yours",
        "vous n’êtes pas là pour tous les clients\u{a0}: nommez les vôtres",
    ),
    (
        "it must lie within the next {} days",
        "la date doit tomber dans les {0} prochains jours",
    ),
    (
        "there are {} keys already: revoke one first",
        "il y a déjà {0} clés\u{a0}: révoquez-en une d’abord",
    ),
    (
        "only a person, signed in, keeps keys",
        "seule une personne connectée gère des clés",
    ),
    (
        "{} is no answer of {}; say one of {}",
        "{0} n’est pas une réponse pour {1}\u{202f}; dites l’une de celles-ci\u{a0}: {2}",
    ),
    (
        "what came has {}, announced was {}: abort the upload and send it again",
        "ce qui est venu a {0}, {1} était annoncé\u{a0}: abandonnez l’envoi et recommencez-le",
    ),
    (
        "{} of {} bytes are here: send the rest first",
        "{0} octets sur {1} sont là\u{a0}: envoyez d’abord le reste",
    ),
    (
        "it must leave {} days of notice",
        "il faut laisser {0} jours de préavis",
    ),
    ("it is empty", "c’est vide"),
    ("{} characters; at most {}", "{0} caractères\u{202f}; au plus {1}"),
    ("it is no object", "ce n’est pas un objet"),
    ("more than {} bytes", "plus de {0} octets"),
    ("more than {}", "plus de {0}"),
    ("say why it is harmless", "dites pourquoi c’est sans danger"),
    ("the export could not be written", "l’export n’a pu être écrit"),
    ("line {}: {}", "ligne {0}\u{a0}: {1}"),
    ("name at least one", "nommez-en au moins un"),
    (
        "hours must be between 1 and {}",
        "les heures doivent être comprises entre 1 et {0}",
    ),
    (
        "the campaign runs with version {} already",
        "la campagne utilise déjà la version {0}",
    ),
    (
        "the campaign was closed on {}: open it again first",
        "la campagne a été close le {0}\u{a0}: rouvrez-la d’abord",
    ),
    ("the case has {} items already", "le dossier a déjà {0} éléments"),
    ("a {} stays one", "un élément de type {0} le reste"),
    (
        "say what came out before closing",
        "dites ce qu’il en est ressorti avant de clore",
    ),
    (
        "beyond one server an entry says which events it is about, by their fields",
        "au-delà d’un serveur, une entrée dit par leurs champs de quels événements il s’agit",
    ),
    ("too many, or too long", "trop nombreux, ou trop longs"),
    (
        "say why: what is said about a cell is read by everybody",
        "dites pourquoi\u{a0}: ce qui est dit d’une case est lu par tous",
    ),
    ("it lies in the future", "la date est dans le futur"),
    ("a chunk cannot be sealed", "un morceau ne peut être scellé"),
    (
        "a chunk cannot be deflated: {}",
        "un morceau ne peut être compressé\u{a0}: {0}",
    ),
    (
        "say why: whoever wants to lift it must know",
        "dites pourquoi\u{a0}: qui veut le lever doit le savoir",
    ),
    ("the hold was lifted already", "le gel juridique est déjà levé"),
    (
        "the evidence was deleted when its retention ended",
        "la preuve a été supprimée à la fin de sa conservation",
    ),
    (
        "evidence {} was deleted when its retention ended",
        "la preuve {0} a été supprimée à la fin de sa conservation",
    ),
    (
        "the campaign is about {}, not about {}",
        "la campagne porte sur {0}, pas sur {1}",
    ),
    ("{}; at most {} at once", "{0}\u{202f}; au plus {1} à la fois"),
    (
        "the job names no tenant or campaign",
        "la tâche ne nomme ni client ni campagne",
    ),
    (
        "the campaign runs with version {} of {}, and {} is installed: revise the campaign, or install that version",
        "la campagne utilise la version {0} de {1}, et {2} est installée\u{a0}: révisez la campagne, ou installez cette version",
    ),
    ("name 1 to {} pieces", "nommez de 1 à {0} pièces"),
    (
        "it is of several tenants: hunt each tenant's by itself",
        "elles sont de plusieurs clients\u{a0}: chassez celles de chaque client à part",
    ),
    (
        "the tenant is not in the campaign: add it first",
        "le client n’est pas dans la campagne\u{a0}: ajoutez-le d’abord",
    ),
    (
        "it must have 1 to 255 characters",
        "elle doit avoir de 1 à 255 caractères",
    ),
    (
        "it was used for another request: take a new one",
        "elle a servi à une autre requête\u{a0}: prenez-en une nouvelle",
    ),
    (
        "it was done, and its answer was lost",
        "c’est fait, et la réponse est perdue",
    ),
    (
        "another process does the request now: send the same again for its answer",
        "un autre processus exécute maintenant la requête\u{a0}: renvoyez la même pour obtenir sa réponse",
    ),
    (
        "the request changed something and its answer was lost: look at what it made, then take a new key",
        "la requête a modifié quelque chose et sa réponse est perdue\u{a0}: regardez ce qu’elle a fait, puis prenez une nouvelle clé",
    ),
    (
        "the job was taken by another worker: this one was silent for too long",
        "la tâche a été reprise par un autre processus\u{a0}: celui-ci s’est tu trop longtemps",
    ),
    ("the job has ended already", "la tâche est déjà terminée"),
    (
        "only a job that failed or was stopped, and has no successor, is tried again",
        "seule une tâche échouée ou arrêtée, et sans suite, est reprise",
    ),
    ("{} is no {}", "{0} n’est pas valable ({1})"),
    ("{} is not between 1 and {}", "{0} n’est pas entre 1 et {1}"),
    (
        "it is not one that a page of this list gave",
        "ce n’est pas celui qu’a donné une page de cette liste",
    ),
    (
        "it is too large to be sealed",
        "c’est trop grand pour être scellé",
    ),
    (
        "another request is sending this upload: wait for it, then look where to go on",
        "une autre requête fait cet envoi\u{a0}: attendez-la, puis regardez où reprendre",
    ),
    (
        "more comes than the {} bytes that were announced",
        "il vient plus que les {0} octets annoncés",
    ),
    (
        "the upload was given up, or somebody else sent a piece of it",
        "l’envoi a été abandonné, ou quelqu’un d’autre en a envoyé un morceau",
    ),
    ("it is not between 0 and {}", "ce n’est pas entre 0 et {0}"),
    (
        "it is not 64 hexadecimal digits",
        "ce ne sont pas 64 chiffres hexadécimaux",
    ),
    ("it is not between 30 and 36600", "ce n’est pas entre 30 et 36600"),
    ("the upload is finished", "l’envoi est terminé"),
    (
        "the upload was given up: begin a new one",
        "l’envoi a été abandonné\u{a0}: commencez-en un nouveau",
    ),
    (
        "{} uploads are open already: finish or abort some",
        "{0} envois sont déjà ouverts\u{a0}: terminez-en ou abandonnez-en",
    ),
    (
        "the upload is finished, with another hash",
        "l’envoi est terminé, avec une autre empreinte",
    ),
    (
        "you have {} views of this list: remove some first",
        "vous avez {0} vues de cette liste\u{a0}: retirez-en d’abord",
    ),
    (
        "{} exists: another one is being made there, or one was cut off; then remove it",
        "{0} existe\u{a0}: une autre est en cours à cet endroit, ou a été interrompue\u{202f}; dans ce cas, supprimez-le",
    ),
    (
        "the tables are at version {}, those of this program at {}: use the program that serves this desk, or serve it once with this one",
        "les tables sont à la version {0}, celles de ce programme à {1}\u{a0}: prenez le programme qui sert ces données, ou servez-les une fois avec celui-ci",
    ),
];
