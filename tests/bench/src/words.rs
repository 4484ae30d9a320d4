//! Words that made-up customers are made of.

/// Given names, in the ASCII form that addresses are made of, too.
pub const FIRST_NAMES: [&str; 48] = [
    "Adele", "Agathe", "Alain", "Alice", "Anais", "Antoine", "Arthur", "Aurore", "Basile",
    "Benoit", "Camille", "Carla", "Cecile", "Charles", "Chloe", "Claire", "Damien", "Denis",
    "Elise", "Emma", "Estelle", "Fabien", "Florence", "Gabriel", "Gilles", "Helene", "Hugo",
    "Ines", "Jade", "Jerome", "Julie", "Karim", "Laure", "Leon", "Louise", "Lucas", "Manon",
    "Marc", "Nadia", "Noemie", "Olivier", "Pauline", "Quentin", "Romain", "Sarah", "Simon", "Theo",
    "Valerie",
];

/// Family names.
pub const LAST_NAMES: [&str; 48] = [
    "Andre",
    "Aubert",
    "Barbier",
    "Benali",
    "Bernard",
    "Blanc",
    "Bonnet",
    "Boyer",
    "Brun",
    "Carpentier",
    "Chevalier",
    "Colin",
    "David",
    "Deschamps",
    "Dubois",
    "Dumas",
    "Dupont",
    "Durand",
    "Fabre",
    "Faure",
    "Fontaine",
    "Garnier",
    "Gauthier",
    "Girard",
    "Guerin",
    "Henry",
    "Lambert",
    "Laurent",
    "Lefebvre",
    "Legrand",
    "Lemoine",
    "Leroy",
    "Marchand",
    "Martin",
    "Masson",
    "Mercier",
    "Meunier",
    "Moreau",
    "Morel",
    "Nguyen",
    "Perrin",
    "Petit",
    "Renard",
    "Richard",
    "Rousseau",
    "Roussel",
    "Simon",
    "Vidal",
];

/// Streets.
pub const STREETS: [&str; 24] = [
    "rue de la République",
    "avenue Victor Hugo",
    "boulevard Voltaire",
    "rue des Écoles",
    "rue du Moulin",
    "place de l'Église",
    "chemin des Vignes",
    "rue Pasteur",
    "avenue Jean Jaurès",
    "rue de la Gare",
    "allée des Tilleuls",
    "rue du Château",
    "quai des Marronniers",
    "rue Émile Zola",
    "impasse des Lilas",
    "rue Nationale",
    "cours Gambetta",
    "rue de Verdun",
    "rue des Jardins",
    "route de Lyon",
    "rue Molière",
    "avenue du Général Leclerc",
    "rue de l'Abbaye",
    "square des Cordeliers",
];

/// Cities with the beginning of their postal codes.
pub const CITIES: [(&str, &str); 20] = [
    ("Paris", "750"),
    ("Marseille", "130"),
    ("Lyon", "690"),
    ("Toulouse", "310"),
    ("Nice", "060"),
    ("Nantes", "440"),
    ("Montpellier", "340"),
    ("Strasbourg", "670"),
    ("Bordeaux", "330"),
    ("Lille", "590"),
    ("Rennes", "350"),
    ("Reims", "511"),
    ("Saint-Étienne", "420"),
    ("Toulon", "830"),
    ("Grenoble", "380"),
    ("Dijon", "210"),
    ("Angers", "490"),
    ("Nîmes", "300"),
    ("Clermont-Ferrand", "630"),
    ("Besançon", "250"),
];

/// Kinds of company.
pub const COMPANIES: [&str; 8] =
    ["Ateliers", "Boulangerie", "Cabinet", "Garage", "Imprimerie", "Librairie", "Maison", "Studio"];

/// Where a customer stands.
pub const STAGES: [&str; 5] = ["visitor", "lead", "customer", "loyal", "lapsed"];
