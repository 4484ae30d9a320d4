//! French words of every fault.

use hub_model::FaultCode;

use super::Words;

const fn of(title: &'static str, means: &'static str, mend: &'static str) -> Words {
    Words { title, means, mend }
}

/// A refused credential that only somebody who signs in can mend.
pub(super) const SIGN_IN: Words = of(
    "Quelqu’un doit autoriser l’accès",
    "Le système ne donne pas (ou plus) de jeton au hub[ : {reason}]. Rien n’a été lu ni écrit.",
    "Autorisez l’accès avec `liaison connection sign-in[ {sign_in}]`, puis relancez la synchronisation.",
);

pub(super) const fn words(code: FaultCode) -> Words {
    match code {
        FaultCode::Config => of(
            "Les réglages de la connexion sont incorrects",
            "Le connecteur ne peut pas travailler avec ces réglages[ : {reason}]. Rien n’a été lu ni écrit.",
            "Corrigez les réglages de la connexion, puis lancez `liaison check`.",
        ),
        FaultCode::Auth => of(
            "L’identification a été refusée",
            "Le système n’a pas accepté les identifiants[ : {reason}]. Rien n’a été lu ni écrit, et le hub ne réessaie pas en boucle, pour ne pas bloquer le compte.",
            "Vérifiez l’utilisateur et le mot de passe (ou le jeton) désignés dans les identifiants de la connexion, puis lancez `liaison connection check`.",
        ),
        FaultCode::Permission => of(
            "Le compte n’a pas ce droit",
            "Les identifiants sont bons, mais il manque un droit[ : {reason}].",
            "Donnez au compte le droit manquant dans le système[ ({scope})], puis relancez la synchronisation.",
        ),
        FaultCode::HostDenied => of(
            "Le connecteur a demandé un hôte qui ne lui est pas accordé",
            "La requête[ vers {host}] a été arrêtée avant de quitter le hub[ : {reason}].",
            "Si la connexion a besoin de cet hôte, ajoutez-le à `hosts` (et à `private` pour un réseau privé) de la connexion ; sinon, méfiez-vous du connecteur.",
        ),
        FaultCode::Unreachable => of(
            "Le système est injoignable",
            "Aucune connexion n’a pu être établie[ : {reason}]. Rien n’a été écrit ; la prochaine exécution reprendra où celle-ci s’est arrêtée.",
            "Vérifiez que le système fonctionne, que son adresse dans les réglages est juste et que cette machine peut l’atteindre.",
        ),
        FaultCode::Timeout => of(
            "Le système n’a pas répondu à temps",
            "Le hub a assez attendu et a renoncé[ : {reason}]. Si une écriture était en cours, elle sera vérifiée avant toute autre écriture.",
            "Rien à faire si c’est rare ; sinon, regardez la charge du système.",
        ),
        FaultCode::Transient => of(
            "Le système est momentanément en panne",
            "Le système a répondu par une erreur qui lui est propre[ : {reason}]. Ce qui est enregistré reste ; le hub réessaie de lui-même.",
            "Rien à faire, sauf si cela dure ; regardez alors l’état du système.",
        ),
        FaultCode::RateLimited => of(
            "Trop de requêtes pour le moment",
            "Le système demande une pause[ de {after_seconds} secondes][ jusqu’au {until}]. Le hub attend et reprend de lui-même.",
            "Rien à faire ; un rythme plus lent rend cela plus rare.",
        ),
        FaultCode::QuotaExhausted => of(
            "Le quota du compte est épuisé",
            "Le système n’accepte plus de requêtes[ jusqu’au {until}]. Ce qui attend est conservé, et le hub reprend de lui-même[ après {after_seconds} secondes].",
            "Attendez le renouvellement du quota, ou augmentez-le chez l’éditeur.",
        ),
        FaultCode::Conflict => of(
            "La ligne a été modifiée entre-temps par quelqu’un d’autre",
            "L’écriture n’a pas été faite, pour ne perdre la modification de personne[ : {reason}]. La ligne est d’abord relue.",
            "Rien à faire : la prochaine exécution décidera avec la ligne la plus récente.",
        ),
        FaultCode::NotFound => of(
            "La ligne n’y existe pas",
            "Le système ne l’a plus[ : {reason}].",
            "Rien à faire si elle a été supprimée exprès ; sinon, restaurez-la dans le système.",
        ),
        FaultCode::CursorExpired => of(
            "La position de lecture n’est plus valable",
            "Le système a oublié où le hub s’était arrêté[ : {reason}]. Le hub relit tout le flux ; rien n’est doublé.",
            "Rien à faire.",
        ),
        FaultCode::SchemaDrift => of(
            "La réponse du système n’a plus la forme attendue",
            "Un champ ou un type a changé de l’autre côté[ : {reason}]. Les autres champs continuent.",
            "Lancez `liaison connection discover` et corrigez la correspondance, ou mettez le connecteur à jour.",
        ),
        FaultCode::Blocked => of(
            "L’éditeur a bloqué le compte",
            "Le système refuse le compte entier[ : {reason}]. Le hub cesse de demander.",
            "Réglez la question avec l’éditeur, puis relancez la synchronisation.",
        ),
        FaultCode::ConnectorBug => of(
            "Le connecteur a échoué",
            "Le connecteur n’a pas respecté son contrat ou s’est arrêté[ : {reason}]. Il a été isolé ; les autres synchronisations continuent, et ce qui est enregistré reste.",
            "Mettez le connecteur à jour ou signalez le défaut à son auteur, avec ce code et ce lieu.",
        ),
        FaultCode::LimitExceeded => of(
            "Le connecteur a dépassé ce qui lui est permis",
            "L’appel a été arrêté à une limite[ ({limit})][ : {reason}]. Les autres synchronisations continuent.",
            "Signalez-le à l’auteur du connecteur ; avec de très grandes données, demandez des pages plus petites dans ses réglages. Une limite nommée ci-dessus se règle sous `limits` dans la configuration, pour toutes les connexions ou pour celle-ci.",
        ),
        FaultCode::NotSupported => of(
            "Le connecteur ne sait pas faire cela",
            "Il n’a pas cette capacité[ : {reason}].",
            "Changez le sens de la correspondance, ou choisissez un connecteur qui le peut.",
        ),
        FaultCode::PageMalformed => of(
            "Une page de réponses n’a pas respecté le contrat",
            "La page n’a pas été prise[ : {reason}] ; ce qui la précède reste.",
            "Mettez le connecteur à jour ou signalez-le à son auteur.",
        ),
        FaultCode::CursorStuck => of(
            "La lecture n’avance pas",
            "Le connecteur a rendu encore et encore la même position alors que des lignes arrivaient[ : {reason}]. L’exécution a été arrêtée.",
            "Mettez le connecteur à jour ou signalez-le à son auteur.",
        ),
        FaultCode::RowKey => of(
            "Une ligne n’a pas de clé utilisable",
            "Sans clé, la ligne ne se distingue pas des autres[ : {reason}]. Elle attend en quarantaine ; les autres ont été prises.",
            "Donnez une clé à la ligne dans son système, ou nommez le bon champ de clé dans les réglages.",
        ),
        FaultCode::RowLimit => of(
            "Une ligne est trop grande",
            "Une ligne dépasse une limite[ ({limit})][ : {reason}]. Elle attend en quarantaine ; les autres ont été prises.",
            "Raccourcissez la valeur dans son système, ou retirez le champ de la correspondance.",
        ),
        FaultCode::RowInvalid => of(
            "Une ligne ne respecte pas ses règles",
            "Une valeur enfreint une règle[ ({rule})][ ; attendu : {expected}][ : {reason}]. La ligne attend en quarantaine ; les autres ont été prises.",
            "Corrigez la valeur dans son système ; la prochaine exécution la prendra.",
        ),
        FaultCode::SnapshotShrank => of(
            "Trop de fiches seraient supprimées",
            "Une lecture complète manque de plus de fiches qu’il n’est plausible[ : {missing} sur {known}]. Rien n’a été supprimé.",
            "Si elles ont vraiment été retirées, augmentez `deletes_percent_max` de la synchronisation le temps d’une exécution ; sinon, cherchez pourquoi le système en montre moins.",
        ),
        FaultCode::Rejected => of(
            "Le système a refusé un élément",
            "Le système n’a pas accepté le contenu[ : {reason}]. Il ne sera pas renvoyé tant que la valeur ne change pas.",
            "Corrigez la valeur à sa source, ou retirez le champ de la correspondance.",
        ),
        FaultCode::NoForm => of(
            "Une valeur n’a pas de forme dans ce système",
            "Les transformations de la correspondance ne peuvent pas faire de la valeur du profil ce que le champ accepte[ ({rule})][ ; attendu : {expected}]. Rien de cette ligne n’est écrit avant correction ; les autres le sont.",
            "Complétez les transformations du champ (une entrée de la table, une forme plus large), ou corrigez la valeur à sa source.",
        ),
        FaultCode::Reference => of(
            "Ce à quoi une ligne renvoie n’y est pas encore",
            "Le champ contient la clé d’une ligne[ de `{stream}`][, que l’objet nomme par son rôle `{role}`][ : {named} nommés][, dont {known} connus][, {rows} lignes là-bas]. Rien de cette ligne n’est écrit tant que ce n’est pas une seule ligne ; chaque exécution regarde à nouveau.",
            "Le plus souvent il n’y a rien à faire : la ligne vient avec la synchronisation de ce flux. Si personne n’est nommé, nommez quelqu’un dans l’objet, ou écrivez `optional = true` ; si plusieurs sont possibles, décidez lequel.",
        ),
        FaultCode::Store => of(
            "Le stockage a échoué",
            "Un enregistrement n’a pas été fait[ : {reason}]. Tout ce qui était confirmé est sûr ; la position de lecture n’a pas bougé.",
            "Vérifiez l’espace libre et le disque, puis redémarrez le hub ; `liaison store verify` contrôle les données.",
        ),
        FaultCode::Mapping => of(
            "La correspondance nomme quelque chose que le flux n’a pas",
            "Un champ ou un flux de la correspondance n’existe pas dans le système[ : {reason}][ ; noms proches : {near}].",
            "Lancez `liaison connection discover` pour voir les champs, et corrigez le fichier de la synchronisation.",
        ),
        FaultCode::NoArchive => of(
            "Le système n’a pas d’archive pour ces lignes",
            "La synchronisation dit `deletes = \"archive\"`[, et le flux {stream} n’en offre pas]. Rien n’a été lu ni écrit.",
            "Écrivez `deletes = \"propagate\"`, \"unlink\" ou \"ignore\" dans le fichier de la synchronisation.",
        ),
        FaultCode::NoConsent => of(
            "La synchronisation ne demande aucun consentement, et sa destination en exige un",
            "Ce qui est écrit dans le flux[ {stream}] exige le consentement de chaque personne[ pour `{purpose}`], et ni `requires` ni le segment de la synchronisation ne le demande. Rien n’a été mis en attente.",
            "Ajoutez la finalité, sur un canal, à `requires` dans le fichier de la synchronisation ; ou dites-y, sous `purposes`, comment elle s’appelle ici.",
        ),
        FaultCode::PlanMoved => of(
            "Ce qui est dû n’est pas ce qui était prévu",
            "Quelque chose a bougé depuis que le plan a été fait[ : {moved} écritures diffèrent][ ; la première concerne le profil {profile}][, la fiche {record}]. Ce qui diffère n’a pas été écrit[ ; prévu : {planned}, maintenant : {now}].",
            "Relancez `liaison plan`, relisez-le, puis appliquez le nouveau. Avec le fichier du plan, `liaison apply` liste chaque champ qui a bougé.",
        ),
        FaultCode::Held => of(
            "Une personne doit approuver ce qui serait écrit",
            "L’exécution écrirait plus que les garde-fous de la synchronisation ne laissent passer[ : {creates} créations ({creates_max} au plus)][, {updates} mises à jour][, {deletes} suppressions ({deletes_max} au plus)][, en touchant au plus {records_percent_max} % des lignes connues]. Tout a été lu ; rien n’a été écrit.",
            "Regardez `liaison plan`, puis `liaison hold approve` ou `liaison hold refuse` avec l’identifiant de l’exécution ; ou changez `[guards]` dans le fichier de la synchronisation.",
        ),
        FaultCode::Undone => of(
            "L’écriture a été annulée",
            "Une exécution a été annulée[ : {reason}]. La ligne reste telle qu’elle était avant cette exécution tant que la même chose serait écrite.",
            "Changez la valeur à sa source, ou corrigez la correspondance ; la synchronisation écrira de nouveau d’elle-même.",
        ),
        FaultCode::Stopping => of(
            "Le hub s’arrête",
            "L’exécution s’est terminée entre deux enregistrements. La suivante reprendra au même endroit.",
            "Rien à faire ici.",
        ),
    }
}
