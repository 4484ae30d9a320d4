//! Every refusal in French.

use super::Code;

pub(super) const fn french(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Unauthenticated => (
            "Une identification est nécessaire",
            "Envoyez `Authorization: Bearer` avec le jeton du fichier `api-token` du dossier de données, ou ouvrez un lien créé par `liaison token link`.",
        ),
        Code::Forbidden => (
            "Ce jeton n’a pas ce droit",
            "Utilisez un jeton qui détient le droit nommé dans `detail`.",
        ),
        Code::CrossSite => (
            "La requête vient de la page d’un autre site",
            "Utilisez la page du hub, ou un programme qui n’envoie pas d’`Origin`. Avec un cookie de session, `Origin` et l’en-tête `X-Liaison: 1` sont exigés.",
        ),
        Code::WrongHost => (
            "La requête est destinée à un autre hôte",
            "Appelez le hub par son adresse locale et son port, par exemple http://127.0.0.1:8420.",
        ),
        Code::NoSuchPath => (
            "Il n’y a rien à cette adresse",
            "Voyez les routes sous /api/v1 ; la documentation les liste.",
        ),
        Code::WrongMethod => {
            ("L’adresse accepte d’autres méthodes", "Utilisez une méthode de l’en-tête `Allow`.")
        }
        Code::WrongContentType => (
            "Le corps n’a pas le bon type",
            "Envoyez du JSON avec `Content-Type: application/json`.",
        ),
        Code::BodyTooLarge => {
            ("Le corps est trop grand", "Envoyez-en moins à la fois ; la limite est dans `detail`.")
        }
        Code::BodyIncomplete => (
            "Le corps n’est pas arrivé en entier",
            "Renvoyez-le par une connexion saine. Rien n’a été pris.",
        ),
        Code::BadBody => (
            "Le corps n’est pas celui attendu",
            "Corrigez le JSON au lieu indiqué ; les champs inconnus ou doublés sont refusés.",
        ),
        Code::BadParameter => (
            "Un paramètre n’est pas celui attendu",
            "Corrigez l’adresse ; les paramètres inconnus ou doublés sont refusés.",
        ),
        Code::UnknownSync => {
            ("Cette synchronisation n’existe pas", "`GET /api/v1/syncs` les liste.")
        }
        Code::UnknownConnection => {
            ("Cette connexion n’existe pas", "`GET /api/v1/connections` les liste.")
        }
        Code::UnknownRun => {
            ("Cette exécution n’existe pas", "`GET /api/v1/runs` liste celles qui sont conservées.")
        }
        Code::NoSuchEntry => (
            "Le registre des écritures n’a pas cette entrée",
            "`GET /api/v1/ledger` liste celles qui sont conservées, aussi longtemps que le dit `[history] keep_writes`.",
        ),
        Code::NotHeld => (
            "L’exécution n’attend pas de réponse",
            "`GET /api/v1/holds` liste celles qui attendent ; une exécution plus récente de la synchronisation prend la place de la précédente.",
        ),
        Code::UnknownProfile => (
            "Ce profil n’existe pas",
            "Cherchez par identité : `GET /api/v1/profiles?identity=espace:valeur`.",
        ),
        Code::NotKept => (
            "Ce qu’était ce profil à cet instant n’est plus conservé",
            "Demandez un instant plus récent. La durée de conservation est `[history] keep` dans \
             liaison.toml.",
        ),
        Code::UnknownRecord => (
            "Cette fiche n’existe pas",
            "Utilisez un numéro de fiche donné par `GET /api/v1/explain`.",
        ),
        Code::DecidedAlready => (
            "C’est déjà le cas",
            "Il n’y a rien à faire ; `GET /api/v1/identity/reviews?all=true` montre ce qui a été réglé.",
        ),
        Code::NotOpen => (
            "Rien n’attend ici",
            "`GET /api/v1/conflicts` donne les traits qui attendent une décision.",
        ),
        Code::KindsDiffer => (
            "Une personne et un compte ne font jamais qu’un",
            "Corrigez `kind` dans la synchronisation qui a apporté le mauvais.",
        ),
        Code::NoSides => (
            "Ces fiches ne font pas deux personnes",
            "Nommez quelques fiches du profil, mais pas toutes, par leur numéro tel que le donne `GET /api/v1/explain`.",
        ),
        Code::RulesChanged => (
            "Les profils ne suivent pas encore la configuration",
            "Redémarrez le hub : il les met d’abord en accord avec sa configuration.",
        ),
        Code::TooManyTogether => (
            "Trop de fiches se tiennent",
            "Baissez `records_per_value_max` de l’espace, ou inscrivez la valeur partagée sous `never`, puis décidez de nouveau.",
        ),
        Code::UnknownNamespace => {
            ("Cet espace d’identités n’existe pas", "Utilisez l’un des espaces de liaison.toml.")
        }
        Code::BadIdentity => (
            "Cette valeur ne nomme personne dans cet espace",
            "Écrivez `espace:valeur`, avec une valeur de la forme que l’espace accepte.",
        ),
        Code::NotQuarantined => (
            "Aucune ligne de cette clé n’attend en quarantaine",
            "`GET /api/v1/quarantine` liste celles qui attendent ; une ligne acceptée en sort d’elle-même.",
        ),
        Code::UnknownObject => (
            "Aucun objet n’a cette clé",
            "Demandez par une synchronisation qui lit des objets, et par la clé que leur système leur donne.",
        ),
        Code::UnknownSegment => {
            ("Ce segment n’existe pas", "`GET /api/v1/segments` en donne la liste.")
        }
        Code::Nobody => (
            "Personne n’a cette identité",
            "Cherchez la personne par une autre identité ; qui a été effacé ne se trouve plus.",
        ),
        Code::SeveralPeople => (
            "Plusieurs personnes ont cette identité",
            "Nommez la personne par une identité qu’elle seule possède, comme un numéro de client.",
        ),
        Code::WriteUnderWay => (
            "L’issue d’une écriture sur cette personne n’est pas encore connue",
            "Lancez la synchronisation qui écrit, elle l’établira, puis redemandez.",
        ),
        Code::UnknownErasure => (
            "Cet effacement n’existe pas",
            "La réponse à `POST /api/v1/privacy/erasures` porte le numéro.",
        ),
        Code::AlreadyRunning => (
            "La synchronisation est déjà en cours",
            "Attendez la fin de l’exécution, ou suivez-la par /api/v1/events.",
        ),
        Code::UpkeepRunning => (
            "Les données sont déjà en cours de compactage ou de sauvegarde",
            "Attendez la fin ; `GET /api/v1/store/work` dit où en est le travail.",
        ),
        Code::NotVerified => (
            "La livraison n’est pas vérifiée",
            "Signez-la avec la clé de l’identifiant de la connexion, ou envoyez son jeton. Le journal du hub dit ce qui manquait.",
        ),
        Code::NotDecompressed => (
            "Le corps ne peut pas être décompressé",
            "Envoyez-le tel quel, ou en gzip avec `Content-Encoding: gzip`.",
        ),
        Code::TooManyDeliveries => (
            "Trop de livraisons à la fois",
            "Renvoyez-la après le délai de `Retry-After`. Rien n’a été pris.",
        ),
        Code::DoorClosed => (
            "La connexion ne prend pas de livraison pour le moment",
            "Renvoyez-la plus tard. L’exploitant voit pourquoi dans `liaison check` et dans le journal du hub.",
        ),
        Code::NoSignIn => (
            "Personne ne se connecte chez le fournisseur pour cette connexion",
            "Ses identifiants sont complets dans liaison.toml, ou elle ne fonctionne pas encore : lancez `liaison check`.",
        ),
        Code::UnknownSignIn => (
            "Cette autorisation est inconnue, a déjà servi ou date de plus de dix minutes",
            "Recommencez : `liaison connection sign-in` suivi du nom de la connexion.",
        ),
        Code::SignInFailed => (
            "L’autorisation n’a pas abouti",
            "Lisez la réponse du fournisseur et vérifiez chez lui les réglages du client (adresse de retour, droits demandés), puis recommencez : `liaison connection sign-in` suivi du nom de la connexion.",
        ),
        Code::TooManyLogins => (
            "Trop d’identifications refusées",
            "Attendez un quart d’heure, puis utilisez un lien neuf de `liaison token link`.",
        ),
        Code::TooManyWatchers => {
            ("Trop d’observateurs", "Fermez d’autres pages du hub, ou réessayez plus tard.")
        }
        Code::Stopping => {
            ("Le hub est en train de s’arrêter", "Réessayez quand il aura redémarré.")
        }
    }
}
