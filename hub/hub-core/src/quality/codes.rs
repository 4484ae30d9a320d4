//! Codes of countries and languages: short forms from long ones. Names of
//! either are no codes; a mapping table declares them.

// spelling: off
/// ISO 3166-1: two letters and three, 249 countries.
const COUNTRIES: &str = "\
ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE \
BABIH BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS \
BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN \
COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU EEEST \
EGEGY EHESH ERERI ESESP ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF \
GGGGY GHGHA GIGIB GLGRL GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD \
HNHND HRHRV HTHTI HUHUN IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM \
JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA \
LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD \
MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM \
NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG \
PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU RSSRB RURUS RWRWA \
SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD \
STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS TMTKM TNTUN TOTON \
TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN VGVGB VIVIR \
VNVNM VUVUT WFWLF WSWSM YEYEM YTMYT ZAZAF ZMZMB ZWZWE \
";

/// ISO 639: two letters of part 1 and three of part 2, in both of its forms
/// where they differ; 184 languages.
const LANGUAGES: &str = "\
aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih \
bibis bmbam bnben bobod botib brbre bsbos cacat ceche chcha cocos crcre csces cscze cuchu cvchv \
cycym cywel dadan dedeu deger dvdiv dzdzo eeewe elell elgre eneng eoepo esspa etest eueus eubaq \
fafas faper ffful fifin fjfij fofao frfra frfre fyfry gagle gdgla glglg gngrn guguj gvglv hahau \
heheb hihin hohmo hrhrv hthat huhun hyhye hyarm hzher iaina idind ieile igibo iiiii ikipk ioido \
isisl isice itita iuiku jajpn jvjav kakat kageo kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor \
krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg \
mhmah mimri mimao mkmkd mkmac mlmal mnmon mrmar msmsa msmay mtmlt mymya mybur nanau nbnob ndnde \
nenep ngndo nlnld nldut nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli \
plpol pspus ptpor quque rmroh rnrun roron rorum rurus rwkin sasan scsrd sdsnd sesme sgsag sisin \
skslk skslo slslv smsmo snsna sosom sqsqi sqalb srsrp ssssw stsot susun svswe swswa tatam tetel \
tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb \
veven vivie vovol wawln wowol xhxho yiyid yoyor zazha zhzho zhchi zuzul \
";

// spelling: on
/// The two capital letters of a country, from two letters or three in any case.
pub(crate) fn country(code: &str) -> Option<String> {
    let code = code.to_ascii_uppercase();
    COUNTRIES.split(' ').find_map(|entry| {
        let (two, three) = entry.split_at_checked(2)?;
        (two == code || three == code).then(|| two.to_owned())
    })
}

/// The three letters of a country, from its two capital ones.
pub(crate) fn country_long(short: &str) -> Option<String> {
    long(COUNTRIES, short)
}

/// The three letters of a language (of ISO 639-2 for terminology), from its short
/// form, with the region if it has one.
pub(crate) fn language_long(short: &str) -> Option<String> {
    match short.split_once('-') {
        Some((language, region)) => Some(format!("{}-{region}", long(LANGUAGES, language)?)),
        None => long(LANGUAGES, short),
    }
}

/// The first of the long forms of a short one.
fn long(table: &str, short: &str) -> Option<String> {
    table.split(' ').find_map(|entry| {
        let (two, three) = entry.split_at_checked(2)?;
        (two == short).then(|| three.to_owned())
    })
}

/// A language as BCP 47 writes it at its shortest, with a region if one was
/// given: `fr`, `fr-CA`.
pub(crate) fn language(code: &str) -> Option<String> {
    let (language, region) = match code.split_once(['-', '_']) {
        Some((language, region)) => (language, Some(country(region)?)),
        None => (code, None),
    };
    let language = language.to_ascii_lowercase();
    let short = LANGUAGES.split(' ').find_map(|entry| {
        let (two, three) = entry.split_at_checked(2)?;
        (two == language || three == language).then_some(two)
    })?;
    Some(region.map_or_else(|| short.to_owned(), |region| format!("{short}-{region}")))
}

#[cfg(test)]
mod tests {
    use super::{COUNTRIES, LANGUAGES, country, country_long, language, language_long};

    #[test]
    fn the_tables_are_whole() {
        let countries: Vec<&str> = COUNTRIES.split(' ').filter(|entry| !entry.is_empty()).collect();
        assert_eq!(countries.len(), 249);
        let upper =
            |entry: &&str| entry.len() == 5 && entry.bytes().all(|b| b.is_ascii_uppercase());
        assert!(countries.iter().all(upper) && countries.is_sorted());
        let languages: Vec<&str> = LANGUAGES.split(' ').filter(|entry| !entry.is_empty()).collect();
        let lower =
            |entry: &&str| entry.len() == 5 && entry.bytes().all(|b| b.is_ascii_lowercase());
        assert!(languages.iter().all(lower));
        let short: std::collections::BTreeSet<&str> = languages.iter().map(|e| &e[..2]).collect();
        assert_eq!(short.len(), 184);
    }

    #[test]
    fn short_forms() {
        let cases = [
            ("FR", Some("FR")),
            ("fra", Some("FR")),
            ("Deu", Some("DE")),
            ("GBR", Some("GB")),
            ("UK", None),
            ("France", None),
            ("XX", None),
            ("", None),
            ("F", None),
            ("\u{e9}", None),
        ];
        for (code, short) in cases {
            assert_eq!(country(code).as_deref(), short, "{code}");
        }
        let cases = [
            ("FR", Some("fr")),
            ("fra", Some("fr")),
            ("fre", Some("fr")),
            ("fr_CA", Some("fr-CA")),
            ("pt-bra", Some("pt-BR")),
            ("deu-AT", Some("de-AT")),
            ("fr-", None),
            ("fr-XX", None),
            ("french", None),
            ("", None),
        ];
        for (code, short) in cases {
            assert_eq!(language(code).as_deref(), short, "{code}");
        }
    }

    #[test]
    fn long_forms_lead_back() {
        for entry in COUNTRIES.split(' ').filter(|entry| !entry.is_empty()) {
            let long = country_long(&entry[..2]).unwrap();
            assert_eq!(
                (long.as_str(), country(&long).as_deref()),
                (&entry[2..], Some(&entry[..2]))
            );
        }
        for entry in LANGUAGES.split(' ').filter(|entry| !entry.is_empty()) {
            let long = language_long(&entry[..2]).unwrap();
            assert_eq!(language(&long).as_deref(), Some(&entry[..2]));
        }
        // The form for terminology, not the one for libraries.
        assert_eq!(language_long("de").as_deref(), Some("deu"));
        assert_eq!(language_long("fr-CA").as_deref(), Some("fra-CA"));
        assert_eq!((country_long("XX"), language_long("xx-FR")), (None, None));
    }
}
